"""Layers are built once, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.layers.store import LayerStore


async def fill(directory):
    (directory / "file").write_text("content")


async def test_many_callers_build_once(tmp_path):
    store = LayerStore(tmp_path)
    built = []

    async def build(directory):
        built.append(directory)
        await asyncio.sleep(0.05)
        await fill(directory)

    paths = await asyncio.gather(*(store.layer("key", build) for _ in range(8)))
    assert len(built) == 1
    assert len(set(paths)) == 1
    assert (paths[0] / "file").read_text() == "content"
    assert await LayerStore(tmp_path).layer("key", build) == paths[0]
    assert len(built) == 1


async def test_a_failed_build_leaves_nothing_and_is_tried_again(tmp_path):
    store = LayerStore(tmp_path)

    async def fail(directory):
        await fill(directory)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.layer("key", fail)
    assert not list((tmp_path / "layers").iterdir())
    assert (await store.layer("key", fill) / "file").exists()


@pytest.mark.parametrize("key", ["../../escape", "a/b", "ü", "x" * 300, ".hidden", "a@b"])
async def test_any_key_stays_inside(tmp_path, key):
    path = await LayerStore(tmp_path / "store").layer(key, fill)
    assert path.parent == tmp_path / "store" / "layers"
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_the_synchronous_twin_shares_layers(tmp_path):
    store = LayerStore(tmp_path)
    first = store.layer_now("key", lambda into: (into / "file").touch())
    assert asyncio.run(store.layer("key", fill)) == first


async def test_a_killed_builder_is_cleared_away(tmp_path):
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom sandbox.layers.store import LayerStore\n"
        "def build(into):\n    (into / 'half').touch(); print('building', flush=True); time.sleep(60)\n"
        "LayerStore(Path(sys.argv[1])).layer_now('key', build)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path.cwd()) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        assert process.stdout.readline() == b"building\n"
        store = LayerStore(tmp_path)
        store.prune()
        assert list((tmp_path / "unfinished").iterdir()), "a living builder is left alone"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert store.prune() == 1
    assert not list((tmp_path / "unfinished").iterdir())
    path = await store.layer("key", fill)
    assert [entry.name for entry in path.iterdir()] == ["file"]


def test_workers_that_start_together_clear_the_same_leftovers_away(tmp_path):
    stores = [LayerStore(tmp_path) for _ in range(4)]
    for number in range(400):
        (tmp_path / "unfinished" / f"layer-{number}@dead").mkdir()
    with ThreadPoolExecutor(len(stores)) as threads:
        assert sum(threads.map(lambda store: store.prune(), stores)) >= 400
    assert not list((tmp_path / "unfinished").iterdir()) and not list((tmp_path / "trash").iterdir())


async def test_prune_keeps_what_is_used_and_drops_what_is_not(tmp_path):
    store = LayerStore(tmp_path)
    old, new = await store.layer("old", fill), await store.layer("new", fill)
    os.utime(tmp_path / "locks" / "old", (0, 0))
    assert store.prune() == 1
    assert new.exists() and not old.exists()
    assert not list((tmp_path / "trash").iterdir())


async def test_a_layer_of_an_earlier_boot_does_not_count(tmp_path):
    store = LayerStore(tmp_path)
    path = await store.layer("key", fill)
    path.rename(path.with_name("key@0000"))
    again = await store.layer("key", fill)
    assert again == path
    assert [entry.name for entry in (tmp_path / "layers").iterdir()] == [path.name]
