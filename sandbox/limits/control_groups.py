"""Ceilings on memory, processes and processors of a whole sandbox: control groups, where they may be made.

Version 2 and 1 of control groups are tried below our own group. Where neither is writable, rlimits bound each
process and ``sandbox.limits.watchdog`` measures the tree. ``ControlGroup.by`` says which is in force.
"""

from __future__ import annotations

import itertools
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.limits.process_tree import start_time
from sandbox.limits.rlimits import SPARE_PROCESSES
from sandbox.spec import Limits

CGROUPS = Path("/sys/fs/cgroup")
_group_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """What bounds one sandbox, its keeper included. ``by`` describes it; ``version`` is 0 without a group."""

    by: str
    directories: tuple[Path, ...] = ()
    version: int = 0

    @property
    def contained(self) -> bool:
        """Whether the kernel bounds the whole tree; where it does not, a Watchdog has to."""
        return bool(self.directories)

    def open(self) -> list[int]:
        """Descriptors on which a process writes ``0`` to become a member."""
        return [os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for path in self.directories]

    def count_memory_kills(self) -> int:
        """How many processes the kernel has killed for memory so far."""
        name = {1: "memory.oom_control", 2: "memory.events"}.get(self.version)
        if name is None:
            return 0
        found = re.search(r"^oom_kill (\d+)", (self.directories[0] / name).read_text(), re.MULTILINE)
        return int(found.group(1)) if found else 0

    def remove(self) -> None:
        """Remove the groups' directories; they hold no process once the sandbox is dead."""
        for directory in self.directories:
            with suppress(OSError):
                directory.rmdir()


def make_group(limits: Limits, root: Path = CGROUPS) -> ControlGroup:
    """Make the strongest group that this process may make; one without directories where it may make none."""
    for make in (_make_version_2, _make_version_1):
        with suppress(OSError):
            if made := make(limits, root):
                return made
    return ControlGroup("rlimits and a watchdog (no writable control group)")


def _make_version_1(limits: Limits, root: Path) -> ControlGroup | None:
    made = []
    try:
        for controller in ("memory", "pids"):
            made.append(_make_directory(root / controller / _own_group_path(controller)))
        memory, pids = made
        made += _make_cpu_group(limits, root)
        (memory / "memory.limit_in_bytes").write_text(str(limits.memory_bytes))
        with suppress(OSError):  # absent where the kernel does not account for swap
            (memory / "memory.memsw.limit_in_bytes").write_text(str(limits.memory_bytes))
        with suppress(OSError):
            (memory / "memory.swappiness").write_text("0")
        (pids / "pids.max").write_text(str(limits.processes + SPARE_PROCESSES))
    except OSError:
        ControlGroup("", tuple(made)).remove()
        raise
    return ControlGroup("control groups, version 1", tuple(made), 1)


def _make_cpu_group(limits: Limits, root: Path) -> list[Path]:
    """A group of version 1 for processor time; none where no limit is needed or none can be set."""
    made = []
    with suppress(OSError):
        if limits.cpus < _processor_count():
            made.append(_make_directory(root / "cpu" / _own_group_path("cpu")))
            (made[0] / "cpu.cfs_quota_us").write_text(str(int(limits.cpus * 100_000)))
    return made


def _processor_count() -> int:
    return len(os.sched_getaffinity(0))


def _make_version_2(limits: Limits, root: Path) -> ControlGroup | None:
    parent = root / _own_group_path("")
    if not {"memory", "pids"} <= set((parent / "cgroup.controllers").read_text().split()):
        return None
    control = parent / "cgroup.subtree_control"
    if not {"memory", "pids"} <= set(control.read_text().split()):
        _move_into_leaf(parent)
        control.write_text("+memory +pids")
        with suppress(OSError):
            control.write_text("+cpu")
    made = _make_directory(parent)
    try:
        (made / "memory.max").write_text(str(limits.memory_bytes))
        (made / "pids.max").write_text(str(limits.processes + SPARE_PROCESSES))
        with suppress(OSError):  # absent where the kernel does not account for swap
            (made / "memory.swap.max").write_text("0")
        if limits.cpus < _processor_count():
            with suppress(OSError):  # absent where processor time is not delegated
                (made / "cpu.max").write_text(f"{int(limits.cpus * 100_000)} 100000")
    except OSError:
        made.rmdir()
        raise
    return ControlGroup("control groups, version 2", (made,), 2)


def _move_into_leaf(parent: Path) -> None:
    """A group of version 2 that hands out controllers may hold no process itself: ours move into a leaf.

    But for the hierarchy's root, which has no type; a container's ``/`` is none.
    https://docs.kernel.org/admin-guide/cgroup-v2.html, "No Internal Process Constraint"
    """
    if not (parent / "cgroup.type").exists():
        return
    leaf = parent / "hob-worker"
    leaf.mkdir(exist_ok=True)
    for pid in (parent / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            (leaf / "cgroup.procs").write_text(pid)


def _own_group_path(controller: str) -> str:
    """Our own group's path in a controller's hierarchy without its slash; for our leaf, the parent's."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path.removesuffix("/hob-worker")[1:]
    raise FileNotFoundError(controller)


def _make_directory(parent: Path) -> Path:
    _remove_stale(parent)
    directory = parent / f"hob-{os.getpid()}-{start_time(os.getpid())}-{next(_group_numbers)}"
    directory.mkdir()
    return directory


def _remove_stale(parent: Path) -> None:
    """Remove the groups that workers left which are dead."""
    for directory in parent.glob("hob-*-*-*"):
        _, pid, started, _ = directory.name.split("-")
        if start_time(int(pid)) != started:
            with suppress(OSError):
                directory.rmdir()
