"""How much one worker takes on: by memory and processors of the machine, or of its container."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.serve.capacity import Capacity, Machine, compute_capacity, read_machine
from bot.settings import load
from bot.workspace.network import CommandSlots, NetworkObserver
from sandbox import open_sandbox
from sandbox.spec import Command, Policy

GiB = 1024**3


@pytest.mark.parametrize(
    ("memory", "cpus", "set_to", "carried"),
    [
        (24 * GiB, 2, {}, Capacity(runs=40, commands=4)),
        (16 * GiB, 4, {}, Capacity(runs=8, commands=5)),
        (4 * GiB, 2, {}, Capacity(runs=4, commands=1)),
        (1 * GiB, 1, {}, Capacity(runs=2, commands=1)),
        (512 * GiB, 64, {}, Capacity(runs=64, commands=128)),
        (24 * GiB, 2, {"HOB_MEMORY_MIB": "8192"}, Capacity(runs=8, commands=2)),
        (24 * GiB, 2, {"HOB_CONCURRENCY": "1"}, Capacity(runs=1, commands=4)),
        (24 * GiB, 2, {"HOB_COMMANDS": "1"}, Capacity(runs=64, commands=1)),
    ],
)
def test_a_worker_takes_what_the_machine_carries(
    memory: int, cpus: int, set_to: dict[str, str], carried: Capacity, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    assert compute_capacity(load(), Machine(memory=memory, cpus=cpus)) == carried


def test_a_container_has_what_its_control_groups_leave_it(tmp_path: Path) -> None:
    whole = read_machine(tmp_path / "none")
    (tmp_path / "memory.max").write_text("536870912\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert read_machine(tmp_path) == Machine(memory=512 * 1024**2, cpus=1)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert read_machine(tmp_path) == whole


async def test_commands_of_all_sandboxes_wait_for_a_slot_and_not_on_their_own_time(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    slots = CommandSlots(1)
    ends: list[int] = []

    async def run(number: int) -> None:
        sandbox = await open_sandbox(layers=[layer], policy=Policy(), scratch=tmp_path / "scratch")
        observer = NetworkObserver(sandbox, slots=slots)
        try:
            done = await observer.run(Command(argv=("sleep", "0.6"), seconds=1.5))
            assert done.ok
            ends.append(number)
        finally:
            await observer.aclose()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(run(number))
    assert len(ends) == 4
