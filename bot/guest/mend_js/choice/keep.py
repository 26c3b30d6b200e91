"""Keeps the repository's tree as it was: what the tries left in it is taken away, what they broke is told.

A try runs the tests in the tree itself. What a wrong change makes them write there would be a part of the
change that is published.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from .tree import MOST_BYTES, State, TreeTooLargeError, note_files

_GIT = ".git"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A file that the tests as they are do not change, or a folder; ``digest`` is that of a plain file."""

    state: State
    digest: bytes


class TreeKeeper:
    """Notes a tree before and after the first run of all tests; later runs are to leave it like that.

    What that run makes or changes is the tests' own, and may change with each further one. Nothing is kept of
    packages, of ``.git``, and of a tree that is too large to be noted.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._first = self._note()
        self._there: frozenset[str] | None = None  # None: not noted
        self._kept: dict[str, _Kept] = {}

    def settle(self) -> None:
        """The first run is over: from here on the tree is kept."""
        now, first = self._note(), self._first
        if now is None or first is None:
            return
        steady = {path: state for path, state in now.items() if first.get(path) == state}
        if sum(size for size, _, _ in steady.values()) > MOST_BYTES:
            return
        self._kept = {path: _Kept(state=state, digest=self._read(path)) for path, state in steady.items()}
        self._there = frozenset(now)

    def find_loss(self) -> str:
        """What was there and is gone, has other contents or another mode; "" where all is as it was."""
        now = self._note() if self._kept else {}
        if now is None:
            return "a folder"
        return next((path for path, kept in self._kept.items() if self._is_lost(path, kept, now)), "")

    def _is_lost(self, path: str, kept: _Kept, now: dict[str, State]) -> bool:
        state = now.get(path)
        if state == kept.state:
            return False
        return state is None or state[2] != kept.state[2] or self._read(path) != kept.digest

    def clean(self) -> None:
        """Take away what is new; what cannot be taken away stays."""
        now = self._note() if self._there is not None else None
        new = now.keys() - self._there if now is not None and self._there is not None else set()
        for path in sorted(new):
            there = self._root / path
            with contextlib.suppress(OSError):
                if str(Path(path).parent) in new:
                    continue  # it went with its folder
                if there.is_dir() and not there.is_symlink():
                    shutil.rmtree(there)
                else:
                    there.unlink()

    def _note(self) -> dict[str, State] | None:
        try:
            found = note_files(self._root)
        except (TreeTooLargeError, OSError):
            return None
        return {path: state for path, state in found.items() if Path(path).parts[0] != _GIT}

    def _read(self, path: str) -> bytes:
        """The digest of a file, a link's target; b"" of what is neither or cannot be read."""
        there = self._root / path
        with contextlib.suppress(OSError):
            if there.is_symlink():
                return str(there.readlink()).encode("utf-8", "surrogateescape")
            if there.is_file():
                return hashlib.sha256(there.read_bytes()).digest()
        return b""
