"""The processes of a container as the host sees them: permanent ones, and those that a command left.

The engine's control group of the container says which processes are in it; the worker may kill them because
it is root or because they run as its own user.
"""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from sandbox.limits.control_groups import CGROUPS
from sandbox.limits.process_tree import start_time

_SECONDS = 1.0


class ContainerProcesses:
    """The processes of the container whose first one is ``pid``. Make it while only those run that stay."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._started = start_time(pid)
        self.version, self._members, self._memory = _find_control_group(pid)
        self._stay = set(self._pids())

    @property
    def is_alive(self) -> bool:
        """Whether the first process still runs, without which the container is dead."""
        return bool(self._started) and start_time(self._pid) == self._started

    def list_strays(self) -> list[int]:
        """The process ids beside those that stay."""
        return [pid for pid in self._pids() if pid not in self._stay]

    def kill_strays_once(self) -> None:
        """Send SIGKILL to each stray, and to no process that got the number of one meanwhile.

        A pidfd opened before a second listing that still has its pid cannot belong to another process.
        """
        pidfds: dict[int, int] = {}
        for pid in self.list_strays():
            with suppress(OSError):
                pidfds[pid] = os.pidfd_open(pid)
        members = set(self._pids())
        for pid, fd in pidfds.items():
            if pid in members:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
            os.close(fd)

    def kill_strays(self) -> None:
        """Kill strays until none is left, for at most a second."""
        deadline = time.monotonic() + _SECONDS
        while self.list_strays() and time.monotonic() < deadline:
            self.kill_strays_once()
            time.sleep(0.002)

    def count_memory_kills(self) -> int:
        """How many processes the kernel has killed for memory so far."""
        with suppress(OSError):
            found = re.search(r"^oom_kill (\d+)", self._memory.read_text(), re.MULTILINE)
            return int(found.group(1)) if found else 0
        return 0

    def _pids(self) -> list[int]:
        with suppress(OSError):
            return [int(word) for word in self._members.read_text().split()]
        return []


def _find_control_group(pid: int) -> tuple[int, Path, Path]:
    """(version, file of members, file with the count of memory kills) of a process's control group."""
    paths: dict[str, str] = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        paths |= dict.fromkeys(names.split(","), path[1:])
    if "memory" in paths:
        memory = CGROUPS / "memory" / paths["memory"]
        return 1, memory / "cgroup.procs", memory / "memory.oom_control"
    group = CGROUPS / paths[""]
    return 2, group / "cgroup.procs", group / "memory.events"
