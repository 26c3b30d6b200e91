"""One change set in the place of another, on a commit that may have moved on, with nobody overwritten.

A file that the wanted or the published change set touches becomes what the wanted one makes of it, where it
still is what the published one (or the base) left. Where it is anything else somebody changed it since, and
nothing is done at all. Every other file stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from dulwich.objects import Blob
from dulwich.repo import Repo

from bot.domain import ChangeKind, ChangeSet, FileChange, Held
from bot.errors import HobError
from bot.git.paths import as_bytes
from bot.git.trees import BaseTree

Content = tuple[int, bytes] | None  # mode and data; None: no such file


class Conflict(HobError):
    """Files that somebody changed since; ``paths`` names them."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(", ".join(paths))
        self.paths = paths


def transplant(repo: Path, *, onto: str, wanted: ChangeSet, published: ChangeSet | None = None) -> ChangeSet:
    """The change set on commit ``onto`` that brings ``wanted`` there, in the place of ``published``.

    ``repo`` has ``onto`` and the commits that both were made on. Raises Conflict. Blocking.
    """
    with closing(Repo(str(repo))) as opened:
        store = opened.object_store
        now, base = BaseTree(store, onto), BaseTree(store, wanted.base)
        before = BaseTree(store, published.base) if published else base

        def stands(tree: BaseTree, path: str) -> Content:
            node = tree.find(as_bytes(path))
            if node is None or node.is_tree:
                return None
            blob = store[node.sha]
            return (node.mode, blob.data) if isinstance(blob, Blob) else (node.mode, node.sha)

        new, old = _index_by_path(wanted), _index_by_path(published)
        files, conflicts = [], []
        for path in sorted(new.keys() | old.keys()):
            here = stands(now, path)
            aim = _content_after(new[path]) if path in new else stands(base, path)
            expected = _content_after(old[path]) if path in old else stands(before, path)
            if here == aim:
                continue
            if here != expected:
                conflicts.append(path)
            else:
                files.append(_change(path, here, aim))
    if conflicts:
        raise Conflict(tuple(conflicts))
    return ChangeSet(base=onto, files=tuple(files), held=move_held(repo, wanted, onto=onto))


def move_held(repo: Path, changes: ChangeSet, *, onto: str) -> tuple[Held, ...]:
    """The held part of ``changes`` on commit ``onto``, which ``repo`` has as it has their base.

    What stands there already is left out; what somebody changed since cannot be released any more. Blocking.
    """
    if onto == changes.base or not changes.releasable:
        return changes.held
    with closing(Repo(str(repo))) as opened:
        before, now = (BaseTree(opened.object_store, sha) for sha in (changes.base, onto))
        return tuple(held for item in changes.held if (held := _move_one(item, before, now)) is not None)


def _move_one(item: Held, before: BaseTree, now: BaseTree) -> Held | None:
    """One held change on another tree; None when the tree has it already."""
    if item.change is None:
        return item
    was, here = (tree.find(as_bytes(item.change.path)) for tree in (before, now))
    if (was and (was.mode, was.sha)) == (here and (here.mode, here.sha)):
        return item
    aim = _content_after(item.change)
    if (here and (here.mode, here.sha)) == (aim and (aim[0], Blob.from_string(aim[1]).id)):
        return None
    return replace(item, change=None, why=f"{item.why}; somebody changed it since")


def _index_by_path(changes: ChangeSet | None) -> Mapping[str, FileChange]:
    return {file.path: file for file in changes.files} if changes else {}


def _content_after(file: FileChange) -> Content:
    return None if file.kind is ChangeKind.DELETED else (file.mode, file.data)


def _change(path: str, before: Content, after: Content) -> FileChange:
    if after is None:
        return FileChange(path=path, kind=ChangeKind.DELETED)
    kind = ChangeKind.ADDED if before is None else ChangeKind.MODIFIED
    return FileChange(path=path, kind=kind, mode=after[0], data=after[1])
