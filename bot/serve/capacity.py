"""How much one worker takes on at once: runs by memory, commands in sandboxes by processors and memory.

A run mostly waits for a model, and then costs little more than its sandbox; a command may use all of a
processor and as much memory as its sandbox has. So there are many runs for few commands.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings
from sandbox.spec import MiB

USED = 0.75  # of the memory: the rest is for the system, PostgreSQL and the page cache
RUN_BYTES = 256 * MiB  # of a waiting run: its sandbox, and what an ordinary workspace holds in memory
COMMANDS_PER_CPU = 2  # a command waits too: for disks, registries, sleeps
MOST_RUNS = 64
KEPT_RUNS = 8  # room that commands leave to waiting runs, as far as a quarter of the memory goes
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a process may use: memory in bytes, processors (a part of one counts as one)."""

    memory: int
    cpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How many runs, and how many commands of theirs, one worker has at once."""

    runs: int
    commands: int


def read_machine(cgroups: Path = CGROUPS) -> Machine:
    """This machine, or the part of it that the container has (control groups of version 2 and 1)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        memory = min(memory, _read_number(cgroups / name) or memory)
    cpus = len(os.sched_getaffinity(0))
    quota, period = _read_words(cgroups / "cpu.max", 2)
    if quota.isdecimal() and period.isdecimal() and int(period):
        cpus = min(cpus, -(-int(quota) // int(period)))
    return Machine(memory=memory, cpus=max(1, cpus))


def compute_capacity(settings: Settings, machine: Machine) -> Capacity:
    """What the machine can run at once; HOB_CONCURRENCY and HOB_COMMANDS override it."""
    memory, command = int(machine.memory * USED), settings.memory_mib * MiB
    kept = min(KEPT_RUNS * RUN_BYTES, memory // 4)
    commands = settings.commands or max(1, min(COMMANDS_PER_CPU * machine.cpus, (memory - kept) // command))
    runs = settings.concurrency or min(MOST_RUNS, (memory - commands * command) // RUN_BYTES)
    return Capacity(runs=max(runs, 1 if settings.concurrency else 2), commands=commands)


def _read_number(path: Path) -> int:
    (word,) = _read_words(path, 1)
    return int(word) if word.isdecimal() else 0


def _read_words(path: Path, count: int) -> list[str]:
    try:
        words = path.read_text().split()
    except OSError:
        words = []
    return (words + [""] * count)[:count]
