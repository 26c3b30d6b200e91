"""Go's checks: the workspace of the root, and every module of the tree beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain import Runner
from bot.workspace.find_checks.tree import FoundCheck, Tree, folder_of, owner_of

MOST_MODULES = 100  # in one command
_USED = re.compile(r"^\s*(?:use\s+)?\"?\.(?:/([\w./@+-]{0,200}?))?/?\"?\s*(?://.*)?$", re.M)
_USES = re.compile(r"^use\s*\(([^)]*)\)|^(use\s.*)$", re.M)


def find_go_checks(tree: Tree) -> Iterator[FoundCheck]:
    """A check for the root's module with what ``go.work`` adds, and for each other one that has tests."""
    modules = [folder_of(path) for path in tree.find("go.mod")]
    folders = frozenset(modules)
    tested = {owner_of(path, folders) for path in tree.find("*_test.go")}
    chosen = [module for module in modules if module in tested or not module]
    used = _list_used(tree)
    together = [module for module in chosen if module in used][:MOST_MODULES]
    if len(together) > 1:
        patterns = " ".join(f"./{module}/..." if module else "./..." for module in together)
        yield FoundCheck(label="go test", command=f"go test {patterns}", runner=Runner.GO)
        chosen = [module for module in chosen if module not in together]
    for module in chosen:
        yield FoundCheck(label="go test", command="go test ./...", runner=Runner.GO, folder=module)


def _list_used(tree: Tree) -> frozenset[str]:
    """The folders of the root's workspace: https://go.dev/ref/mod#go-work-file-use."""
    blocks = [found[1] or found[2] for found in _USES.finditer(tree.text("go.work"))]
    return frozenset(found[1] or "" for block in blocks for found in _USED.finditer(block))
