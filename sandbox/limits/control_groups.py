"""Ceilings on memory and processes: control groups where this process may make them, else a watchdog.

Version 2 and 1 of control groups are tried below our own group. Where neither is writable, rlimits bound
each process and ``Watchdog`` adds the whole tree up and kills it. ``Group.by`` says which one is in force.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.spec import Limits

CGROUPS = Path("/sys/fs/cgroup")
_SPARE_PROCESSES = 8  # bubblewrap's own, and room for the one that says "too many"
_SHARED = "/dev/zero (deleted)"  # what the kernel calls a shared mapping of nothing, in /proc/PID/maps
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Group:
    """What bounds one sandbox, its keeper included."""

    by: str
    directories: tuple[Path, ...] = ()
    version: int = 0

    @property
    def contained(self) -> bool:
        """The kernel itself bounds the whole tree; else a Watchdog has to."""
        return bool(self.directories)

    def open(self) -> list[int]:
        """Descriptors on which a process writes ``0`` to become a member."""
        return [os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for path in self.directories]

    def memory_kills(self) -> int:
        """How many processes the kernel has killed for memory so far."""
        name = {1: "memory.oom_control", 2: "memory.events"}.get(self.version)
        if name is None:
            return 0
        found = re.search(r"^oom_kill (\d+)", (self.directories[0] / name).read_text(), re.MULTILINE)
        return int(found.group(1)) if found else 0

    def remove(self) -> None:
        """Take the groups away; they are empty once the sandbox is dead."""
        for directory in self.directories:
            with suppress(OSError):
                directory.rmdir()


def group(limits: Limits, root: Path = CGROUPS) -> Group:
    """The strongest group that this process may make."""
    for make in (_version_2, _version_1):
        with suppress(OSError):
            if made := make(limits, root):
                return made
    return Group("rlimits and a watchdog (no writable control group)")


def rlimits(limits: Limits, *, contained: bool) -> list[tuple[int, int]]:
    """(resource, value) for every process. RLIMIT_NPROC counts per sandbox, inside its user namespace."""
    found = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_MEMLOCK, 8 << 20),
        (resource.RLIMIT_MSGQUEUE, 819200),
    ]
    if _kernel() >= (5, 14):  # before, it counted all processes of the user on the host
        found.append((resource.RLIMIT_NPROC, limits.processes + _SPARE_PROCESSES))
    if not contained:  # one great step must not outrun the watchdog
        found.append((resource.RLIMIT_DATA, limits.memory_bytes + limits.memory_bytes // 4))
    return found


def _kernel() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int(re.sub(r"\D.*", "", minor))


def _version_1(limits: Limits, root: Path) -> Group | None:
    made = []
    try:
        for controller in ("memory", "pids"):
            made.append(_make(root / controller / _own_group(controller)))
        memory, pids = made
        made += _share_of_processors(limits, root)
        (memory / "memory.limit_in_bytes").write_text(str(limits.memory_bytes))
        with suppress(OSError):  # absent where the kernel does not account for swap
            (memory / "memory.memsw.limit_in_bytes").write_text(str(limits.memory_bytes))
        with suppress(OSError):
            (memory / "memory.swappiness").write_text("0")
        (pids / "pids.max").write_text(str(limits.processes + _SPARE_PROCESSES))
    except OSError:
        Group("", tuple(made)).remove()
        raise
    return Group("control groups, version 1", tuple(made), 1)


def _share_of_processors(limits: Limits, root: Path) -> list[Path]:
    """A group of version 1 for processor time, where the limit means anything and may be set."""
    made = []
    with suppress(OSError):
        if limits.cpus < _processors():
            made.append(_make(root / "cpu" / _own_group("cpu")))
            (made[0] / "cpu.cfs_quota_us").write_text(str(int(limits.cpus * 100_000)))
    return made


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _version_2(limits: Limits, root: Path) -> Group | None:
    parent = root / _own_group("")
    if not {"memory", "pids"} <= set((parent / "cgroup.controllers").read_text().split()):
        return None
    control = parent / "cgroup.subtree_control"
    if not {"memory", "pids"} <= set(control.read_text().split()):
        _step_aside(parent)
        control.write_text("+memory +pids")
        with suppress(OSError):
            control.write_text("+cpu")
    made = _make(parent)
    try:
        (made / "memory.max").write_text(str(limits.memory_bytes))
        (made / "pids.max").write_text(str(limits.processes + _SPARE_PROCESSES))
        with suppress(OSError):  # absent where the kernel does not account for swap
            (made / "memory.swap.max").write_text("0")
        if limits.cpus < _processors():
            with suppress(OSError):  # absent where processor time is not delegated
                (made / "cpu.max").write_text(f"{int(limits.cpus * 100_000)} 100000")
    except OSError:
        made.rmdir()
        raise
    return Group("control groups, version 2", (made,), 2)


def _step_aside(parent: Path) -> None:
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


def _own_group(controller: str) -> str:
    """Our own group's path in a controller's hierarchy without its slash; for our leaf, the parent's."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path.removesuffix("/hob-worker")[1:]
    raise FileNotFoundError(controller)


def _make(parent: Path) -> Path:
    _prune(parent)
    directory = parent / f"hob-{os.getpid()}-{started_at(os.getpid())}-{next(_numbers)}"
    directory.mkdir()
    return directory


def _prune(parent: Path) -> None:
    """Take away the groups of processes that are gone."""
    for directory in parent.glob("hob-*-*-*"):
        _, pid, started, _ = directory.name.split("-")
        if started_at(int(pid)) != started:
            with suppress(OSError):
                directory.rmdir()


def started_at(pid: int) -> str:
    """The start time of a process in clock ticks, which tells it from a later one of the same number."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


@dataclass(slots=True)
class Watchdog:
    """Adds up a process tree and calls ``kill`` beyond a limit.

    ``reason`` is empty until it had to: ``memory`` or ``processes``.
    """

    root_pid: int
    limits: Limits
    kill: Callable[[], None]
    reason: str = ""
    period: float = 0.15

    async def watch(self) -> None:
        """Until cancelled, or until it has killed."""
        while not self.reason:
            await asyncio.sleep(self.period)
            self.reason = await asyncio.to_thread(self._judge)
        self.kill()

    def _judge(self) -> str:
        tree = list(descendants(self.root_pid))
        for measure in (resident_bytes, own_bytes):  # the exact one takes longer and is rarely needed
            if sum(map(measure, tree)) <= self.limits.memory_bytes:
                break
        else:
            return "memory"
        if shared_bytes(tree) > self.limits.memory_bytes:
            return "memory"
        return "processes" if len(tree) > self.limits.processes + _SPARE_PROCESSES else ""


def descendants(pid: int) -> Iterator[int]:
    """The processes below a process, as far as they can be seen."""
    waiting = [pid]
    while waiting:
        with suppress(OSError):
            for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                found = [int(word) for word in (task / "children").read_text().split()]
                waiting += found
                yield from found


def name_of(pid: int) -> str:
    """What a process calls itself; nothing when it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def own_bytes(pid: int) -> int:
    """The same with pages that processes share (after a fork) divided among them, where that may be read.

    https://docs.kernel.org/filesystems/proc.html, smaps_rollup
    """
    try:
        found = re.findall(
            r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
        )
    except ProcessLookupError:
        return 0
    except OSError:
        return resident_bytes(pid)
    return sum(map(int, found)) * 1024


def shared_bytes(pids: Iterable[int]) -> int:
    """The size of all memory that processes share without a file, touched or not: each once.

    What is written there and then let go of (``MADV_DONTNEED``) is resident nowhere, and taken all the same.
    """
    found: dict[str, int] = {}
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                if line.endswith(_SHARED):
                    start, _, end = line.split(maxsplit=1)[0].partition("-")
                    inode = line.split()[4]
                    found[inode] = max(found.get(inode, 0), int(end, 16) - int(start, 16))
    return sum(found.values())


def resident_bytes(pid: int) -> int:
    """Memory of a process that is backed by no file."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        found = re.findall(r"^Rss(?:Anon|Shmem):\s+(\d+) kB", status, re.MULTILINE)
        return sum(map(int, found)) * 1024
    return 0
