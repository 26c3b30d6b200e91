"""Immutable directories that sandboxes share: built once per key, whatever crashes meanwhile.

A layer is built in a directory of its own and renamed into place, so that a half-built one is never seen.
Nothing is synced to the disk: a layer counts only for the boot of the machine that built it, because a power
failure may have left it incomplete, and building it again is cheaper than waiting for the disk.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.layers.disposal import remove_tree

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_DAY = 86400.0


class LayerStore:
    """The layers below ``root``. Safe to use from many tasks and many processes at once."""

    def __init__(self, root: Path) -> None:
        self._layers = root / "layers"
        self._unfinished = root / "unfinished"
        self._trash = root / "trash"
        self._locks = root / "locks"
        for directory in (self._layers, self._unfinished, self._trash, self._locks):
            directory.mkdir(parents=True, exist_ok=True)

    async def layer(self, key: str, build: Callable[[Path], Awaitable[None]]) -> Path:
        """The directory for ``key``. When it is not there yet, ``build`` fills an empty one, exactly once.

        Whatever ``build`` raises is raised here, and nothing is kept. Never write into a finished layer.
        """
        name = _file_name(key)
        while (ready := self._find_finished(name)) is None:
            with self._try_lock(name) as locked:
                if locked and (ready := self._find_finished(name)) is None:
                    unfinished = self._start_building(name)
                    try:
                        await build(unfinished)
                    except BaseException:
                        self._retire(unfinished)
                        raise
                    ready = self._finish_building(unfinished, name)
            if ready is not None:
                break
            await asyncio.sleep(0.02)
        return ready

    def layer_now(self, key: str, build: Callable[[Path], None]) -> Path:
        """The same for synchronous callers; waits for another builder by blocking."""
        name = _file_name(key)
        if (ready := self._find_finished(name)) is not None:
            return ready
        with self._try_lock(name, wait=True):
            if (ready := self._find_finished(name)) is not None:
                return ready
            unfinished = self._start_building(name)
            try:
                build(unfinished)
            except BaseException:
                self._retire(unfinished)
                raise
            return self._finish_building(unfinished, name)

    def prune(self, *, unused_days: float = 14.0) -> int:
        """Remove what dead builders left, layers of an earlier boot, and those unused for ``unused_days``.

        Call it at start, before layers are used. Returns how many directories were removed.
        """
        for directory in (*self._layers.iterdir(), *self._unfinished.iterdir()):
            name = directory.name.partition("@")[0]
            with self._try_lock(name) as locked:
                if not locked or not directory.is_dir():  # finished, or retired by another worker meanwhile
                    continue
                if directory.parent != self._layers or not self._is_fresh(directory, unused_days):
                    self._retire(directory)
        retired = list(self._trash.iterdir())
        for directory in retired:
            remove_tree(directory)
        return len(retired)

    def list_by_use(self) -> list[tuple[Path, float]]:
        """Every finished layer, and when it was last used (seconds since 1970)."""
        listed = []
        for directory in self._layers.iterdir():
            with suppress(FileNotFoundError):
                used = self._lock_path(directory.name.partition("@")[0]).stat().st_mtime
                listed.append((directory, used))
        return listed

    def note_use(self, path: Path) -> None:
        """Note that the layer which ``path`` is or stands in is in use; nothing for any other path."""
        if path.is_relative_to(self._layers) and path != self._layers:
            name = path.relative_to(self._layers).parts[0].partition("@")[0]
            self._lock_path(name).touch()

    def remove(self, layer: Path, *, unused_since: float) -> bool:
        """Delete a layer; False, and it stays, when somebody builds it or it was used after that time."""
        name = layer.name.partition("@")[0]
        with self._try_lock(name) as locked:
            if not locked or not layer.is_dir() or self._lock_path(name).stat().st_mtime > unused_since:
                return False
            self._retire(layer)
        for directory in self._trash.iterdir():
            remove_tree(directory)
        return True

    def _is_fresh(self, directory: Path, unused_days: float) -> bool:
        name, _, boot = directory.name.partition("@")
        used = self._lock_path(name).stat().st_mtime
        return boot == _boot_id() and time.time() - used < unused_days * _DAY

    def _find_finished(self, name: str) -> Path | None:
        directory = self._layers / f"{name}@{_boot_id()}"
        if not directory.is_dir():
            return None
        self._lock_path(name).touch()
        return directory if directory.is_dir() else None  # ``remove`` may have been faster

    def _start_building(self, name: str) -> Path:
        """An empty directory to build in; the lock is held. What an earlier builder left is retired."""
        for leftover in (*self._unfinished.glob(f"{name}@*"), *self._layers.glob(f"{name}@*")):
            self._retire(leftover)
        unfinished = self._unfinished / f"{name}@{secrets.token_hex(4)}"
        unfinished.mkdir()
        return unfinished

    def _finish_building(self, unfinished: Path, name: str) -> Path:
        return unfinished.rename(self._layers / f"{name}@{_boot_id()}")

    def _retire(self, directory: Path) -> None:
        """Move a directory to the trash at once; ``prune`` deletes it later."""
        directory.rename(self._trash / secrets.token_hex(8))

    def _lock_path(self, name: str) -> Path:
        """The lock file of a name; its modification time says when the layer was last used."""
        return self._locks / name

    @contextmanager
    def _try_lock(self, name: str, *, wait: bool = False) -> Iterator[bool]:
        """Yield whether this process holds the lock of the name. The kernel frees a dead process's locks."""
        fd = os.open(self._lock_path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(fd)
            yield False
            return
        try:
            yield True
        finally:
            os.close(fd)


def _file_name(key: str) -> str:
    """A file name for a key, the key itself where that is possible."""
    return key if _PLAIN.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:13]
