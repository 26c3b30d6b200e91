"""Rust's checks: each workspace, and each package that belongs to none."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from bot.domain import Runner
from bot.workspace.find_checks.tree import FoundCheck, Tree, folder_of, get, is_below, list_texts

COMMAND = "cargo test --offline"


def find_cargo_checks(tree: Tree) -> Iterator[FoundCheck]:
    """A check for each Cargo.toml that stands for itself; a workspace's members are tested with it.

    https://doc.rust-lang.org/cargo/reference/workspaces.html
    """
    roots: list[tuple[str, object]] = []
    for path in tree.find("Cargo.toml"):
        folder, data = folder_of(path), tree.toml(path)
        workspace = get(data, "workspace")
        if folder.rpartition("/")[2] == "fuzz" or any(_holds(root, table, folder) for root, table in roots):
            continue
        if workspace is not None:
            roots.append((folder, workspace))
        wide = " --workspace" if workspace is not None else ""
        yield FoundCheck(label="cargo test", command=COMMAND + wide, runner=Runner.CARGO, folder=folder)


def _holds(root: str, workspace: object, folder: str) -> bool:
    """Whether a folder belongs to a workspace: all that lie below it do, but for those it excludes.

    A package below a workspace that is neither is one that cargo refuses to build alone.
    """
    if not is_below(folder, root):
        return False
    inside = folder.removeprefix(root).lstrip("/")
    names = list_texts(get(workspace, "exclude"))
    return not any(fnmatchcase(inside, name.rstrip("/")) or is_below(inside, name) for name in names)
