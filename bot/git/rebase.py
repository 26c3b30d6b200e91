"""A change set moved onto another commit: merged three ways, and read back as a change set."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from dulwich.diff_tree import tree_changes
from dulwich.objects import Blob
from dulwich.repo import Repo

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.git.commit import build_tree
from bot.git.merge import merge, store_commit
from bot.git.paths import as_text
from bot.git.transplant import Conflict, move_held
from bot.git.trees import GITLINK, BaseTree


async def rebase_changes(repo: Path, changes: ChangeSet, *, onto: str) -> ChangeSet:
    """``changes`` on commit ``onto``, which ``repo`` has as it has their base.

    The same as they are where that is their base. Raises Conflict with the paths that git cannot merge.
    """
    if onto == changes.base:
        return changes
    made = await asyncio.to_thread(_store_changes, repo, changes)
    merged = await merge(repo, base=changes.base, ours=made, theirs=onto)
    if merged.conflicts:
        raise Conflict(merged.conflicts)
    files = await asyncio.to_thread(diff_commits, repo, onto, merged.commit)
    held = await asyncio.to_thread(move_held, repo, changes, onto=onto)
    return ChangeSet(base=onto, files=files, held=held)


def _store_changes(repo: Path, changes: ChangeSet) -> str:
    """Store a commit of the changes on their base in the mirror; its name."""
    tree, objects = build_tree(repo, base=changes.base, changes=changes)
    return store_commit(repo, tree, (changes.base,), objects)


def diff_commits(repo: Path, before: str, after: str) -> tuple[FileChange, ...]:
    """What differs in commit ``after`` from ``before``, sorted by path. Raises Conflict at a submodule."""
    found = []
    with closing(Repo(str(repo))) as opened:
        store = opened.object_store
        old_tree, new_tree = (BaseTree(store, sha).root.sha for sha in (before, after))
        for change in tree_changes(store, old_tree, new_tree):
            old, new = change.old, change.new
            if new is None or new.path is None or new.sha is None or new.mode is None:
                if old is not None and old.path is not None:
                    found.append(FileChange(path=as_text(old.path), kind=ChangeKind.DELETED))
                continue
            blob = None if new.mode == GITLINK else store[new.sha]
            if not isinstance(blob, Blob):
                raise Conflict((as_text(new.path),))
            kind = ChangeKind.ADDED if old is None else ChangeKind.MODIFIED
            found.append(FileChange(path=as_text(new.path), kind=kind, mode=new.mode, data=blob.data))
    return tuple(sorted(found, key=lambda file: file.path))
