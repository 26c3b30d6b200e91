"""The mirrors and layers on this machine's disk, kept within bounds: what was used longest ago goes first.

All of it can be made again, so removing it costs time and nothing else. What a run may still use stays: a
sandbox lives for four hours at most (``sandbox.spec.Limits.run_seconds``).
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.git.mirror import Mirror
from sandbox.layers.store import LayerStore

log = structlog.get_logger(__name__)

IN_USE_SECONDS = 5 * 3600.0  # since its last use
MOST_OF_DISK = 0.5  # that mirrors and layers take together, where the operator sets nothing
FREE_OF_DISK = 0.05  # is left free
EVERY_SECONDS = 600.0
MEASURE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUse:
    """Bytes: what mirrors and layers take, what they may take together, and what is free on their disk."""

    mirrors: int
    layers: int
    most: int
    free: int

    @property
    def taken(self) -> int:
        """By mirrors and layers together."""
        return self.mirrors + self.layers


@dataclass(frozen=True, slots=True)
class _Kept:
    path: Path
    used_at: float
    remove: Callable[[_Kept], Awaitable[bool]]
    is_mirror: bool


class DiskCache:
    """The mirrors and layers below ``home``. ``most_bytes``: of both together; None is half of their disk.

    ``pinned`` are paths in layers that this process uses as long as it lives.
    """

    def __init__(
        self,
        home: Path,
        mirror: Mirror,
        layers: LayerStore,
        *,
        most_bytes: int | None = None,
        pinned: tuple[Path, ...] = (),
    ) -> None:
        self._pinned = pinned
        self._home = home
        self._mirror = mirror
        self._layers = layers
        self._most = most_bytes
        self.last: DiskUse | None = None  # as it was measured last

    async def measure(self) -> DiskUse:
        """What is taken now. Raises OSError when it cannot be read."""
        kept = self._list_kept()
        return self._add_up(kept, await _measure([each.path for each in kept]))

    def _add_up(self, kept: list[_Kept], sizes: dict[Path, int]) -> DiskUse:
        disk = shutil.disk_usage(self._home)
        most = int(disk.total * MOST_OF_DISK) if self._most is None else self._most
        mirrors = sum(sizes.get(each.path, 0) for each in kept if each.is_mirror)
        layers = sum(sizes.get(each.path, 0) for each in kept if not each.is_mirror)
        self.last = DiskUse(mirrors=mirrors, layers=layers, most=most, free=disk.free)
        return self.last

    async def make_room(self, *, in_use_seconds: float = IN_USE_SECONDS) -> int:
        """Remove what was used longest ago until the rest is within bounds; the bytes that were freed."""
        for path in self._pinned:
            self._layers.note_use(path)
        kept = self._list_kept()
        sizes = await _measure([each.path for each in kept])
        use = self._add_up(kept, sizes)
        total = shutil.disk_usage(self._home).total
        wanted = max(use.taken - use.most, int(total * FREE_OF_DISK) - use.free)
        freed = 0
        for each in sorted(kept, key=lambda each: each.used_at):
            if freed >= wanted or time.time() - each.used_at < in_use_seconds:
                break
            if await each.remove(each):
                freed += sizes.get(each.path, 0)
        if freed:
            log.info("disk.freed", bytes=freed, wanted=wanted)
        elif wanted > 0:
            log.warning(
                "disk.nothing_to_free", wanted=wanted, mend="raise HOB_CACHE_GIB or use a larger disk"
            )
        return freed

    async def keep_within_bounds(self) -> None:
        """Look every ten minutes, until cancelled."""
        while True:
            try:
                await self.make_room()
            except OSError as trouble:
                log.warning("disk.unmeasured", error=str(trouble))
            await asyncio.sleep(EVERY_SECONDS)

    def _list_kept(self) -> list[_Kept]:
        layers = [
            _Kept(path, used_at, self._remove_layer, False) for path, used_at in self._layers.list_by_use()
        ]
        mirrors = [
            _Kept(path, used_at, self._remove_mirror, True) for path, used_at in self._mirror.list_by_use()
        ]
        return layers + mirrors

    async def _remove_layer(self, kept: _Kept) -> bool:
        return await asyncio.to_thread(self._layers.remove, kept.path, unused_since=kept.used_at)

    async def _remove_mirror(self, kept: _Kept) -> bool:
        return await self._mirror.remove_unused(kept.path, unused_since=kept.used_at)


async def _measure(paths: list[Path]) -> dict[Path, int]:
    """The bytes on disk of each tree, by ``du``: a walk of our own would keep the interpreter for seconds."""
    if not paths:
        return {}
    process = await asyncio.create_subprocess_exec(
        *("nice", "du", "--summarize", "--block-size=1", "--one-file-system", "--null", "--"),
        *map(str, paths),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # of what went away meanwhile
    )
    try:
        async with asyncio.timeout(MEASURE_SECONDS):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()  # ``wait`` would not end while a pipe is full
        raise OSError(f"du took longer than {MEASURE_SECONDS:.0f} s") from None
    sizes = {}
    for line in out.decode().split("\0"):
        size, _, path = line.partition("\t")
        if path:
            sizes[Path(path)] = int(size)
    return sizes
