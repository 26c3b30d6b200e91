"""What runs in a container, as the host sees it: the processes that stay, and those that a command left.

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

from sandbox.limits.control_groups import CGROUPS, started_at

_SECONDS = 1.0


class Resident:
    """A container by its first process. Made when nothing but what stays runs in it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._started = started_at(pid)
        self.version, self._members, self._memory = _groups(pid)
        self._stay = set(self._pids())

    @property
    def alive(self) -> bool:
        """The first process is still there; without it nothing of the container is."""
        return bool(self._started) and started_at(self._pid) == self._started

    def strays(self) -> list[int]:
        """The processes beside those that stay."""
        return [pid for pid in self._pids() if pid not in self._stay]

    def kill_once(self) -> None:
        """Send each of the strays the end, and nobody who has got the number of one meanwhile.

        A process that is held before the second look and a member after it cannot be another's.
        """
        held: dict[int, int] = {}
        for pid in self.strays():
            with suppress(OSError):
                held[pid] = os.pidfd_open(pid)
        members = set(self._pids())
        for pid, fd in held.items():
            if pid in members:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
            os.close(fd)

    def kill_strays(self) -> None:
        """Until none is left, or for a second."""
        deadline = time.monotonic() + _SECONDS
        while self.strays() and time.monotonic() < deadline:
            self.kill_once()
            time.sleep(0.002)

    def memory_kills(self) -> int:
        """How many processes the kernel has killed for memory so far."""
        with suppress(OSError):
            found = re.search(r"^oom_kill (\d+)", self._memory.read_text(), re.MULTILINE)
            return int(found.group(1)) if found else 0
        return 0

    def _pids(self) -> list[int]:
        with suppress(OSError):
            return [int(word) for word in self._members.read_text().split()]
        return []


def _groups(pid: int) -> tuple[int, Path, Path]:
    """The version of the control groups, the list of members, and the counts of memory kills."""
    paths: dict[str, str] = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        paths |= dict.fromkeys(names.split(","), path[1:])
    if "memory" in paths:
        memory = CGROUPS / "memory" / paths["memory"]
        return 1, memory / "cgroup.procs", memory / "memory.oom_control"
    group = CGROUPS / paths[""]
    return 2, group / "cgroup.procs", group / "memory.events"
