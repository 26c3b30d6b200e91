"""Look up paths in a commit's tree with dulwich, reading one directory at a time and never the whole tree."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dulwich.errors import FileFormatException, NotGitRepository, RefFormatError
from dulwich.object_store import BaseObjectStore
from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

GITLINK = 0o160000


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A tree entry: git's mode and the object's id (hex)."""

    mode: int
    sha: ObjectID

    @property
    def is_tree(self) -> bool:
        """Whether this is a directory."""
        return stat.S_ISDIR(self.mode)


def find_commit(git_dir: Path, name: str) -> str | None:
    """The commit that a full ref or a full object name leads to, through tags; None when there is none."""
    try:
        with closing(Repo(str(git_dir))) as opened:
            written = name.encode("utf-8", "surrogateescape")
            at = opened.refs[Ref(written)] if name.startswith("refs/") else ObjectID(written)
            found = opened.object_store[at]
            while isinstance(found, Tag):
                found = opened.object_store[found.object[1]]
    except (KeyError, ValueError, NotGitRepository, RefFormatError, FileFormatException, zlib.error):
        return None
    return found.id.decode("ascii") if isinstance(found, Commit) else None


class BaseTree:
    """The tree of one commit. Directories that were read are cached."""

    def __init__(self, store: BaseObjectStore, commit: str) -> None:
        found = store[ObjectID(commit.encode("ascii"))]
        if not isinstance(found, Commit):
            raise ValueError(f"{commit} is not a commit")
        self._store = store
        self._trees: dict[ObjectID, dict[bytes, Node]] = {}
        self.root = Node(mode=stat.S_IFDIR, sha=found.tree)

    def list_children(self, node: Node) -> dict[bytes, Node]:
        """The entries of a directory."""
        known = self._trees.get(node.sha)
        if known is None:
            tree = self._store[node.sha]
            if not isinstance(tree, Tree):
                raise ValueError(f"{node.sha.decode()} is not a tree")
            known = {
                entry.path: Node(mode=entry.mode, sha=entry.sha)
                for entry in tree.iteritems()
                if entry.path is not None and entry.mode is not None and entry.sha is not None
            }
            self._trees[node.sha] = known
        return known

    def find(self, path: bytes) -> Node | None:
        """The entry at ``path`` (``/``-separated; empty for the root), or None."""
        node = self.root
        for part in path.split(b"/") if path else ():
            below = self.list_children(node).get(part) if node.is_tree else None
            if below is None:
                return None
            node = below
        return node

    def find_blocking(self, path: bytes) -> tuple[bytes, Node] | None:
        """The nearest ancestor of ``path`` that is a file, a link or a submodule, if there is one."""
        node, parts = self.root, path.split(b"/")
        for depth, part in enumerate(parts[:-1], 1):
            below = self.list_children(node).get(part)
            if below is None:
                return None
            if not below.is_tree:
                return b"/".join(parts[:depth]), below
            node = below
        return None

    def walk_leaves(self, path: bytes, node: Node) -> Iterator[tuple[bytes, Node]]:
        """Yield (path, entry) for everything at or below ``node`` that is not a directory."""
        waiting = [(path, node)]  # no recursion: a tree may be two thousand directories deep
        while waiting:
            at, entry = waiting.pop()
            if not entry.is_tree:
                yield at, entry
                continue
            children = self.list_children(entry).items()
            waiting.extend((at + b"/" + name if at else name, below) for name, below in children)

    def read_file(self, path: bytes) -> bytes | None:
        """The content of a regular file at ``path``, or None."""
        node = self.find(path)
        if node is None or not stat.S_ISREG(node.mode):
            return None
        blob = self._store[node.sha]
        return blob.data if isinstance(blob, Blob) else None
