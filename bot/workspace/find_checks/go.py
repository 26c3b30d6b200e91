"""Go's checks: the workspace of the root, and every module of the tree beside it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import Runner
from bot.workspace.find_checks.tree import FoundCheck, Tree, folder_of, owner_of

MOST_MODULES = 100  # in one command


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
    found: set[str] = set()
    inside = False
    for line in tree.text("go.work").splitlines():
        words = line.partition("//")[0].replace("(", " ( ").replace(")", " ) ").split()
        if words[:1] == ["use"]:
            inside = "(" in words
        elif not inside:
            continue
        paths = [word.strip('"') for word in words]
        found.update(path[2:].strip("/") for path in paths if path == "." or path.startswith("./"))
        inside = inside and ")" not in words
    return frozenset(found)
