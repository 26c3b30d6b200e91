"""Directories of one sandbox on disk: long outputs, and private layers where a tmpfs will not do."""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.layers.disposal import remove_tree

_MOMENT = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class DiskLayer:
    """A directory of one sandbox, owned by the process that holds its lock; the kernel frees a dead one's."""

    path: Path
    lock: int

    @classmethod
    def create(cls, scratch: Path) -> DiskLayer:
        """Make one below ``scratch``, after removing what dead processes left there."""
        scratch.mkdir(parents=True, exist_ok=True)
        for lock in scratch.glob("private-*.lock"):
            _remove_if_dead(lock)
        path = scratch / f"private-{secrets.token_hex(8)}"
        fd = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        path.mkdir(0o700)
        for name in ("private", "output"):
            (path / name).mkdir()
            (path / name).chmod(0o755)
        return cls(path, fd)

    @property
    def private(self) -> Path:
        """The directory for the private layer."""
        return self.path / "private"

    @property
    def output(self) -> Path:
        """The directory that is shown as ``/output``."""
        return self.path / "output"

    def dispose(self) -> None:
        """Remove it; after 0.2 seconds that goes on in the background, so that no run waits.

        The lock is held until the end. What is left when this process ends, the next worker removes.
        """
        removing = threading.Thread(target=self._remove, daemon=True)
        removing.start()
        removing.join(_MOMENT)

    def _remove(self) -> None:
        try:
            inner = self.private / "work" / "work"  # an overlay's own, unreadable, but empty when not mounted
            with suppress(OSError):
                inner.rmdir()
            with suppress(OSError):
                remove_tree(self.path)
                self.path.with_suffix(".lock").unlink(missing_ok=True)
        finally:
            os.close(self.lock)


def _remove_if_dead(lock: Path) -> None:
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
    else:
        DiskLayer(lock.with_suffix(""), fd).dispose()
