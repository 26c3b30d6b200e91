"""What a sandbox changed, read from the overlay's upper directory as a ChangeSet. Costs O(changes), not
O(repository).

Every entry is data that an agent could write. What can be published honestly becomes a `FileChange`; what
cannot is named in ``held`` with the reason; the throw-away ``.git`` and what git ignores are left out
silently. Links stay changes, wherever they point: they are judged by the gate, and nothing here
follows them.
"""

from __future__ import annotations

import stat
from collections.abc import Container, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from dulwich.objects import Blob
from dulwich.repo import Repo

from bot.domain import ChangeKind, ChangeSet, FileChange, Held
from bot.git.ignored import find_ignored
from bot.git.paths import as_bytes, as_text, why_refused
from bot.git.trees import GITLINK, BaseTree, Node
from sandbox.spec import Entry, EntryKind

REGULAR, EXECUTABLE, LINK = 0o100644, 0o100755, 0o120000


def change_set(entries: Sequence[Entry], *, repo: Path, base: str) -> ChangeSet:
    """What ``entries`` change in commit ``base`` of the bare repository ``repo``, sorted by path."""
    with closing(Repo(str(repo))) as opened:
        return _ChangeReader(BaseTree(opened.object_store, base)).read(entries, base)


class _ChangeReader:
    """One pass over the entries: first all of them, then those that git ignores are removed."""

    def __init__(self, base: BaseTree) -> None:
        self.base = base
        self.new: dict[bytes, tuple[int, bytes]] = {}
        self.gone: set[bytes] = set()
        self.held: dict[bytes, str] = {}

    def read(self, entries: Sequence[Entry], commit: str) -> ChangeSet:
        for entry in sorted(entries, key=lambda entry: entry.path):
            self._take(entry)
        ignored = find_ignored(self._list_untracked(), self._content)
        files = sorted(self._files(ignored), key=lambda file: as_bytes(file.path))
        held = tuple(
            Held(path=as_text(path), why=why)
            for path, why in sorted(self.held.items())
            if path not in ignored
        )
        return ChangeSet(base=commit, files=tuple(files), held=held)

    def _take(self, entry: Entry) -> None:
        path = entry.path
        if path == b".git" or path.startswith(b".git/"):
            return
        refused = _find_refused_prefix(path)
        if refused is not None:
            self.held.setdefault(*refused)
            return
        blocking = self.base.find_blocking(path)
        if blocking is not None and blocking[1].mode == GITLINK:
            self.held.setdefault(blocking[0], "is a submodule: what is inside it is not published")
            return
        if entry.kind is EntryKind.DELETED:
            self._delete(path)
            return
        why = self._why_held(entry)
        if why is not None:
            self.held.setdefault(path, why)
            return
        if blocking is not None:
            self.gone.add(blocking[0])
        self._delete(path)
        mode = LINK if entry.kind is EntryKind.LINK else EXECUTABLE if entry.executable else REGULAR
        self.new[path] = (mode, entry.data)

    def _why_held(self, entry: Entry) -> str | None:
        if entry.kind is EntryKind.SPECIAL:
            return "is a socket, a device or a named pipe"
        if entry.too_big:
            return "is larger than a published file may be"
        before = self.base.find(entry.path)
        if before and any(node.mode == GITLINK for _, node in self.base.walk_leaves(entry.path, before)):
            return "takes the place of a submodule"
        return None

    def _delete(self, path: bytes) -> None:
        node = self.base.find(path)
        for leaf, below in self.base.walk_leaves(path, node) if node and path else ():
            if below.mode == GITLINK:
                self.held.setdefault(leaf, "is a submodule: it is not deleted")
            else:
                self.gone.add(leaf)

    def _content(self, path: bytes) -> bytes | None:
        """A regular file of the changed tree, for the ignore rules."""
        if path in self.new:
            mode, data = self.new[path]
            return data if stat.S_ISREG(mode) else None
        return None if path in self.gone else self.base.read_file(path)

    def _list_untracked(self) -> list[bytes]:
        """The new and held paths that base has nothing at: what an ignore rule may leave out."""
        held = [path for path in self.held if why_refused(path) is None]
        return [path for path in (*self.new, *held) if self.base.find(path) is None]

    def _files(self, ignored: Container[bytes]) -> Iterator[FileChange]:
        for path, (mode, data) in self.new.items():
            before = self.base.find(path)
            if before is None or before.is_tree:
                if path not in ignored:
                    yield FileChange(path=as_text(path), kind=ChangeKind.ADDED, mode=mode, data=data)
            elif not _same(before, mode, data):
                yield FileChange(path=as_text(path), kind=ChangeKind.MODIFIED, mode=mode, data=data)
        for path in self.gone - self.new.keys() - self.held.keys():
            yield FileChange(path=as_text(path), kind=ChangeKind.DELETED)


def _find_refused_prefix(path: bytes) -> tuple[bytes, str] | None:
    """The shortest part of a path that is refused, and why: one line for a whole nested repository."""
    why = why_refused(path)
    if why is None:
        return None
    parts = path.split(b"/")
    prefixes = [b"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    shortest = path if path.startswith(b"/") else next(filter(why_refused, prefixes), path)
    return shortest, why


def _same(before: Node, mode: int, data: bytes) -> bool:
    if stat.S_ISLNK(before.mode) != stat.S_ISLNK(mode):
        return False
    # old repositories hold modes such as 100664: only the executable bit means anything
    if stat.S_ISREG(mode) and bool(before.mode & 0o100) != bool(mode & 0o100):
        return False
    return bool(before.sha == Blob.from_string(data).id)
