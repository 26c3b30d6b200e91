"""Go's checks: every module of the tree."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import Runner
from bot.workspace.find_checks.tree import FoundCheck, Tree, folder_of, owner_of


def find_go_checks(tree: Tree) -> Iterator[FoundCheck]:
    """A check for the root's module, and for each other one that has tests of its own."""
    modules = [folder_of(path) for path in tree.find("go.mod")]
    folders = frozenset(modules)
    tested = {owner_of(path, folders) for path in tree.find("*_test.go")}
    for module in modules:
        if module in tested or not module:
            yield FoundCheck(label="go test", command="go test ./...", runner=Runner.GO, folder=module)
