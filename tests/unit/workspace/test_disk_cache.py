"""Mirrors and layers within bounds: what was used longest ago goes first, what may be in use stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bot.git.mirror import Mirror
from bot.workspace.disk_cache import DiskCache
from sandbox.layers.store import LayerStore

MB = 1_000_000
HOUR = 3600.0


async def fill(into: Path) -> None:
    """A layer of one megabyte."""
    (into / "data").write_bytes(os.urandom(MB))


class Disk:
    """A state directory with three layers and two mirrors of a megabyte, used 9, 8, 7, 6 and 1 hours ago."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.layers = LayerStore(home / "layers")
        self.mirror = Mirror(home / "mirrors")

    async def prepare(self) -> None:
        for name, hours in (("a", 9), ("c", 7), ("e", 1)):
            await self.layers.layer(name, fill)
            self.used(self.home / "layers" / "locks" / name, hours)
        for number, hours in ((1, 8), (2, 6)):
            target = self.mirror.path(number)
            target.mkdir(parents=True)
            (target / "pack").write_bytes(os.urandom(MB))
            target.with_suffix(".lock").touch()
            self.used(target.with_suffix(".lock"), hours)

    def used(self, path: Path, hours: float) -> None:
        then = time.time() - hours * HOUR
        os.utime(path, (then, then))

    def cache(self, most: int, pinned: tuple[Path, ...] = ()) -> DiskCache:
        return DiskCache(self.home, self.mirror, self.layers, most_bytes=most, pinned=pinned)

    def names(self) -> list[str]:
        layers = [path.name.partition("@")[0] for path, _ in self.layers.list_by_use()]
        return sorted(layers + [path.stem for path, _ in self.mirror.list_by_use() if path.exists()])


@pytest.fixture
async def disk(tmp_path: Path) -> Disk:
    made = Disk(tmp_path)
    await made.prepare()
    return made


@pytest.mark.parametrize(
    ("most", "left"),
    [
        (100 * MB, ["1", "2", "a", "c", "e"]),
        (4 * MB + MB // 2, ["1", "2", "c", "e"]),
        (2 * MB + MB // 2, ["2", "e"]),
        (1, ["e"]),  # used an hour ago: a run may still stand on it
    ],
)
async def test_s56_what_was_used_longest_ago_goes_first(disk: Disk, most: int, left: list[str]) -> None:
    await disk.cache(most).make_room()
    assert disk.names() == left
    assert not list((disk.home / "layers" / "trash").iterdir())


async def test_what_a_process_uses_as_long_as_it_lives_stays(disk: Disk) -> None:
    (pinned,) = [path for path, _ in disk.layers.list_by_use() if path.name.startswith("a@")]
    await disk.cache(1, pinned=(pinned / "venv", Path("/usr"))).make_room()
    assert disk.names() == ["a", "e"]


async def test_a_layer_that_is_taken_up_meanwhile_stays(disk: Disk) -> None:
    ((path, used),) = [each for each in disk.layers.list_by_use() if each[0].name.startswith("a@")]
    await disk.layers.layer("a", fill)
    assert not disk.layers.remove(path, unused_since=used)
    assert path.is_dir()


async def test_a_mirror_that_is_fetched_into_meanwhile_stays(disk: Disk) -> None:
    ((path, used),) = [each for each in disk.mirror.list_by_use() if each[0].stem == "1"]
    disk.used(path.with_suffix(".lock"), 0)
    assert not await disk.mirror.remove_unused(path, unused_since=used)
    assert path.is_dir()


async def test_the_doctor_says_what_is_taken(disk: Disk) -> None:
    use = await disk.cache(9 * MB).measure()
    assert 5 * MB <= use.taken < 6 * MB
    assert use.most == 9 * MB
    assert use.free > 0
