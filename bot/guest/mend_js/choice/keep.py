"""Keeps the repository's tree as it was: what tries left in it is taken away, what they broke is put back.

A try runs the tests in the tree itself. What a wrong change makes them write or delete there would be a part
of the change that is published, or of what whoever goes on finds.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .tree import MOST_BYTES, UNREAD, State, TreeTooLargeError, note_files

MOST_KEPT = 20_000_000  # bytes of files whose contents are kept, the small ones first
_GIT = ".git"
_LEVELS = 100  # of folders that are shut within each other


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What the tests as they are do not change: ``digest`` of a file or a link, None where it is not known.

    ``data`` is what a file has or a link says; None where that is not kept.
    """

    state: State
    digest: bytes | None = None
    data: bytes | None = None


class TreeKeeper:
    """Notes a tree before and after the first run of all tests; later runs are to leave it like that.

    What that run makes or changes is the tests' own, and may change with each further one. Nothing is kept of
    packages, of ``.git``, of what cannot be read, and of a tree that is too large to be noted.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._first = self._note()
        self._there: frozenset[str] | None = None  # None: not noted
        self._shut: frozenset[str] = frozenset()  # folders that the tests themselves left unread
        self._kept: dict[str, _Kept] = {}

    @property
    def blind(self) -> bool:
        """Whether the tree could not be noted, so that nothing is known of what tries do to it."""
        return self._there is None

    def settle(self) -> None:
        """The first run is over: from here on the tree is kept."""
        now, first = self._note(), self._first
        if now is None or first is None:
            return
        steady = {path: state for path, state in now.items() if first.get(path) == state}
        size = 0
        for path, state in sorted(steady.items(), key=lambda each: each[1][0]):
            size += max(0, state[0])
            data = self._read(path, state) if size <= MOST_BYTES else None
            digest = hashlib.sha256(data).digest() if data is not None else None
            kept = data if size <= MOST_KEPT else None
            self._kept[path] = _Kept(state=state, digest=digest, data=kept)
        self._shut = frozenset(path for path, state in now.items() if state[0] == UNREAD)
        self._there = frozenset(now)

    def find_loss(self) -> str:
        """What was there and is gone, has other contents or another mode; "" where all is as it was."""
        if self.blind:
            return ""
        now = self._note()
        return "a folder" if now is None else next(iter(self._list_lost(now)), "")

    def clean(self) -> str:
        """Put back what was there, take away what is new; what of the tree is another way still, or ""."""
        if self.blind:
            return ""
        now = self._open_folders()
        if now is not None:
            lost = self._list_lost(now)
            self._move_back(lost, now)
            for path in self._list_new(now):
                self._take_away(path, now)
            for path in sorted(lost):
                with contextlib.suppress(OSError):
                    self._put_back(path)
            for path in sorted(lost, reverse=True):  # a folder's mode, once all is in it
                with contextlib.suppress(OSError):
                    self._set_state(path)
        left = self._note()
        return "a folder" if left is None else next(iter([*self._list_lost(left), *self._list_new(left)]), "")

    def _list_lost(self, now: dict[str, State]) -> list[str]:
        return [path for path, kept in self._kept.items() if self._is_lost(path, kept, now.get(path))]

    def _is_lost(self, path: str, kept: _Kept, state: State | None) -> bool:
        if state == kept.state:
            return False
        if state is None or state[2] != kept.state[2]:
            return True
        if not (stat.S_ISREG(state[2]) or stat.S_ISLNK(state[2])):
            return state[0] == UNREAD
        if kept.digest is None or state[0] != kept.state[0]:
            return True
        data = self._read(path, state)
        return data is None or hashlib.sha256(data).digest() != kept.digest

    def _list_new(self, now: dict[str, State]) -> list[str]:
        """What is new, without what is in new folders, and in those that could not be read before."""
        there = self._there or frozenset()
        found = []
        for path in sorted(now.keys() - there):
            above = [str(each) for each in Path(path).parents]
            if (above[0] == "." or above[0] in there) and self._shut.isdisjoint(above):
                found.append(path)
        return found

    def _open_folders(self) -> dict[str, State] | None:
        """The tree's state, once the folders that tries have shut can be read."""
        for _ in range(_LEVELS):
            now = self._note()
            shut = {path for path, state in (now or {}).items() if state[0] == UNREAD} - self._shut
            folders = {self._root / path for path in shut}
            folders |= {folder.parent for folder in folders}  # of one that can only be listed
            if not [folder for folder in folders if _open_folder(folder)]:
                return now
        return now

    def _move_back(self, lost: list[str], now: dict[str, State]) -> None:
        """Files that are not kept and have only another name now get their own."""
        there = self._there or frozenset()
        for path in lost:
            kept = self._kept[path]
            if path in now or kept.data is not None or not stat.S_ISREG(kept.state[2]):
                continue
            moved = [new for new, state in now.items() if new not in there and state == kept.state]
            for new in moved[:1]:
                with contextlib.suppress(OSError), self._write_in(path), self._write_in(new):
                    (self._root / path).parent.mkdir(parents=True, exist_ok=True)
                    (self._root / new).rename(self._root / path)

    def _take_away(self, path: str, now: dict[str, State]) -> None:
        if stat.S_ISDIR(now[path][2]):
            for below in [each for each in now if each == path or each.startswith(f"{path}/")]:
                _open_folder(self._root / below)
        with contextlib.suppress(OSError), self._write_in(path):
            _remove(self._root / path)

    def _put_back(self, path: str) -> None:
        kept, there = self._kept[path], self._root / path
        mode = kept.state[2]
        if stat.S_ISDIR(mode):
            if there.is_symlink() or not there.is_dir():
                with self._write_in(path):
                    _remove(there)
                    there.mkdir(parents=True)
        elif kept.data is not None and self._read_now(path) != (stat.S_IFMT(mode), kept.data):
            with self._write_in(path):
                there.parent.mkdir(parents=True, exist_ok=True)
                _remove(there)
                if stat.S_ISLNK(mode):
                    there.symlink_to(os.fsdecode(kept.data))
                else:
                    there.write_bytes(kept.data)
                os.utime(there, ns=(kept.state[1], kept.state[1]), follow_symlinks=False)

    def _set_state(self, path: str) -> None:
        mode = self._kept[path].state[2]
        there = self._root / path
        if not stat.S_ISLNK(mode) and stat.S_IFMT(there.lstat().st_mode) == stat.S_IFMT(mode):
            there.chmod(stat.S_IMODE(mode))

    def _read_now(self, path: str) -> tuple[int, bytes | None]:
        """What kind of file is there now, and what it has."""
        try:
            told = (self._root / path).lstat()
        except OSError:
            return 0, None
        state = (told.st_size, told.st_mtime_ns, told.st_mode)
        return stat.S_IFMT(told.st_mode), self._read(path, state)

    @contextlib.contextmanager
    def _write_in(self, path: str) -> Iterator[None]:
        """The folder that a path is in can be written within, and has its own mode afterwards.

        Raises:
            OSError: it is another one now, by way of a link.
        """
        folder = (self._root / path).parent
        if folder.resolve() != folder:
            raise OSError(errno.ELOOP, "a link", str(folder))
        mode = stat.S_IMODE(folder.lstat().st_mode) if folder.is_dir() else None
        if mode is not None:
            _open_folder(folder)
        try:
            yield
        finally:
            if mode is not None and folder.is_dir():
                folder.chmod(mode)

    def _note(self) -> dict[str, State] | None:
        try:
            found = note_files(self._root)
        except (TreeTooLargeError, OSError):
            return None
        return {path: state for path, state in found.items() if Path(path).parts[0] != _GIT}

    def _read(self, path: str, state: State) -> bytes | None:
        """What a file has, a link's target; None of what is neither or cannot be read."""
        there = self._root / path
        with contextlib.suppress(OSError):
            if stat.S_ISLNK(state[2]):
                return os.fsencode(there.readlink())
            if stat.S_ISREG(state[2]):
                return there.read_bytes()
        return None


def _open_folder(folder: Path) -> bool:
    """Give the owner all rights in a folder; whether that changed anything."""
    with contextlib.suppress(OSError):
        mode = folder.lstat().st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
            return True
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
