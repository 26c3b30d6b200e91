"""Build a commit from a change set: its blobs, the trees along the changed paths, the commit itself.

Nothing is written anywhere, and the same input gives the same names, so a repeated publication finds what it
published before.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from dulwich.object_store import MemoryObjectStore, OverlayObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.repo import Repo

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.errors import UserError
from bot.git.checkout import check_sha
from bot.git.paths import as_bytes, printable_path, why_refused
from bot.git.trees import GITLINK, BaseTree, Node

ORDINARY = 0o100644


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltCommit:
    """A commit that exists only here: its name, its tree's name, and every object the parent lacks."""

    sha: str
    tree: str
    objects: list[ShaFile]


def build_commit(
    repo: Path, *, parent: str, changes: ChangeSet, message: str, author: tuple[str, str], at: datetime
) -> BuiltCommit:
    """The commit of ``changes`` on ``parent``; ``author`` is (name, email), ``at`` an aware time.

    A merge's has the parents that its change set names, and every object that both lack. Raises
    ``ValueError`` for a change set that is empty or made against another tree, ``UserError`` for a path that
    git would refuse.
    """
    if not changes:
        raise ValueError("there is nothing to commit")
    if at.tzinfo is None:
        raise ValueError("the time of a commit needs a time zone")
    tree, objects = build_tree(repo, base=parent, changes=changes)
    if changes.parents:
        objects = list_missing_objects(repo, tree, objects, changes.parents)
    who = _identity(*author)
    commit = Commit()
    commit.tree = ObjectID(tree.encode("ascii"))
    commit.parents = [ObjectID(check_sha(sha).encode("ascii")) for sha in changes.parents or (parent,)]
    commit.author = commit.committer = who
    commit.author_time = commit.commit_time = int(at.timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = (message.replace("\0", "").strip() + "\n").encode("utf-8", "replace")
    return BuiltCommit(sha=commit.id.decode("ascii"), tree=tree, objects=[*objects, commit])


def read_tree_name(repo: Path, commit: str) -> str:
    """The name of a commit's tree."""
    with closing(Repo(str(repo))) as opened:
        root = BaseTree(opened.object_store, check_sha(commit)).root
        return root.sha.decode("ascii")


def build_tree(repo: Path, *, base: str, changes: ChangeSet) -> tuple[str, list[ShaFile]]:
    """The changed tree's name and the new blobs and trees, without a commit."""
    for file in changes.files:
        why = why_refused(as_bytes(file.path))
        if why is not None and file.kind is not ChangeKind.DELETED:
            raise UserError(f"git refuses {printable_path(file.path)}: it {why}", phase="publish")
    with closing(Repo(str(repo))) as opened:
        growing = _TreeBuilder(BaseTree(opened.object_store, check_sha(base)))
        root = growing.grow(growing.base.root, {as_bytes(file.path): file for file in changes.files})
        if root is None:
            root = growing.keep_tree(Tree())
        return root.sha.decode("ascii"), list(growing.made.values())


def list_missing_objects(repo: Path, tree: str, made: list[ShaFile], parents: Sequence[str]) -> list[ShaFile]:
    """The objects of ``tree`` that are at their path in none of the ``parents``' trees.

    They are among the ``made`` or in the bare repository.
    """
    fresh = {each.id: each for each in made}
    found: dict[ObjectID, ShaFile] = {}
    with closing(Repo(str(repo))) as opened:
        known = [BaseTree(opened.object_store, check_sha(sha)) for sha in parents]

        def take(name: ObjectID, mode: int, path: bytes) -> None:
            standing = (each.find(path) for each in known)
            if mode == GITLINK or name in found or any(node and node.sha == name for node in standing):
                return
            there = fresh[name] if name in fresh else opened.object_store[name]
            found[name] = there
            for entry in there.iteritems() if isinstance(there, Tree) else ():
                if entry.path is not None and entry.mode is not None and entry.sha is not None:
                    take(entry.sha, entry.mode, path + b"/" + entry.path if path else entry.path)

        take(ObjectID(tree.encode("ascii")), stat.S_IFDIR, b"")
    return list(found.values())


def list_files_over(repo: Path, built: BuiltCommit, *, base: str) -> list[FileChange] | None:
    """The files in which a built commit differs from commit ``base``, with their contents.

    None where an API that takes paths, modes and contents cannot say it: a submodule differs, or a directory
    takes a file's place.
    """
    files = []
    with closing(Repo(str(repo))) as opened:
        fresh = MemoryObjectStore()
        fresh.add_objects([(each, None) for each in built.objects])
        store = OverlayObjectStore([fresh, opened.object_store])
        before = BaseTree(opened.object_store, check_sha(base)).root.sha
        for (old, new), (old_mode, new_mode), (_, sha) in store.tree_changes(
            before, ObjectID(built.tree.encode("ascii"))
        ):
            if GITLINK in (old_mode, new_mode):
                return None
            if new is None or new_mode is None or sha is None:
                assert old is not None  # noqa: S101  what is not there any more was there
                files.append(FileChange(path=os.fsdecode(old), kind=ChangeKind.DELETED))
                continue
            kind = ChangeKind.ADDED if old is None else ChangeKind.MODIFIED
            data = store[sha].as_raw_string()
            files.append(FileChange(path=os.fsdecode(new), kind=kind, mode=new_mode, data=data))
    return None if is_a_place_taken(files) else files


def is_a_place_taken(files: Iterable[FileChange]) -> bool:
    """Whether a directory takes the place of a file that goes, or the other way round."""
    files = list(files)
    gone = {file.path for file in files if file.kind is ChangeKind.DELETED}
    kept = {file.path for file in files if file.kind is not ChangeKind.DELETED}
    return any(
        parent.as_posix() in those
        for these, those in ((kept, gone), (gone, kept))
        for path in these
        for parent in PurePosixPath(path).parents
    )


def has_only_ordinary_files(repo: Path, *, base: str, changes: ChangeSet) -> bool:
    """Whether only ordinary files are touched: no link and no executable is made, changed or repaired.

    An API that takes paths and contents can express it then.
    """
    with closing(Repo(str(repo))) as opened:
        tree = BaseTree(opened.object_store, check_sha(base))
        for file in changes.files:
            before = tree.find(as_bytes(file.path))
            if file.kind is ChangeKind.DELETED:
                continue
            if file.mode != ORDINARY or (before is not None and before.mode != ORDINARY):
                return False
    return True


class _TreeBuilder:
    """Rewrites directories from the changed ones upwards; an untouched one keeps its name unread."""

    def __init__(self, base: BaseTree) -> None:
        self.base = base
        self.made: dict[ObjectID, ShaFile] = {}

    def grow(self, before: Node | None, files: Mapping[bytes, FileChange]) -> Node | None:
        """The directory ``before`` with ``files`` (paths relative to it) applied; None when it is empty."""
        entries = dict(self.base.list_children(before)) if before is not None and before.is_tree else {}
        leaves, folders = _split_by_folder(files)
        for name, below in folders.items():
            grown = self.grow(entries.pop(name, None), below)
            if grown is not None:
                entries[name] = grown
        for name, file in leaves.items():
            now = entries.get(name)
            if file.kind is not ChangeKind.DELETED:
                if now is not None and now.is_tree:
                    raise ValueError(f"{file.path} is both a file and a directory")
                entries[name] = self._keep_blob(file)
            elif now is None or (now.is_tree and name not in folders):
                raise ValueError(f"{file.path} is deleted but not in the tree")
            elif not now.is_tree:  # else a directory took the file's place
                del entries[name]
        if not entries:
            return None
        tree = Tree()
        for name, node in entries.items():
            tree.add(name, node.mode, node.sha)
        return self.keep_tree(tree)

    def keep_tree(self, tree: Tree) -> Node:
        """Remember a new directory."""
        return self._keep(tree, stat.S_IFDIR)

    def _keep_blob(self, file: FileChange) -> Node:
        return self._keep(Blob.from_string(file.data), file.mode)

    def _keep(self, made: ShaFile, mode: int) -> Node:
        self.made.setdefault(made.id, made)
        return Node(mode=mode, sha=made.id)


def _split_by_folder(
    files: Mapping[bytes, FileChange],
) -> tuple[dict[bytes, FileChange], dict[bytes, dict[bytes, FileChange]]]:
    """The changes of a directory's own entries, and those below each of its subdirectories."""
    leaves: dict[bytes, FileChange] = {}
    folders: dict[bytes, dict[bytes, FileChange]] = {}
    for path, file in files.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            folders.setdefault(name, {})[rest] = file
        else:
            leaves[name] = file
    return leaves, folders


def _identity(name: str, email: str) -> bytes:
    """``name <email>`` with everything out that would break the line."""
    clean = [re.sub(r"[<>\x00-\x1f\x7f]", "", part).strip() for part in (name, email)]
    return f"{clean[0] or 'hob'} <{clean[1]}>".encode("utf-8", "replace")
