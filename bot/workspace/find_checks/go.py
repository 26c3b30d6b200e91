"""Go's checks: every module of the tree."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import Runner
from bot.workspace.find_checks.tree import FoundCheck, Tree, folder_of, is_below


def find_go_checks(tree: Tree) -> Iterator[FoundCheck]:
    """A check for the root's module, and for each other one that has tests of its own."""
    modules = [folder_of(path) for path in tree.find("go.mod")]
    tests = tree.find("*_test.go")
    for module in modules:
        inner = [each for each in modules if each != module and is_below(each, module)]
        own = any(
            is_below(path, module) and not any(is_below(path, each) for each in inner) for path in tests
        )
        if own or not module:
            yield FoundCheck(label="go test", command="go test ./...", runner=Runner.GO, folder=module)
