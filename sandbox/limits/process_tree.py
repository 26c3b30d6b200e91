"""Reading processes from /proc: which are below one, when they began, and the memory they hold."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PAUSE_SECONDS = 2.0
_SHARED = "/dev/zero (deleted)"  # what the kernel calls a shared mapping of nothing, in /proc/PID/maps


def start_time(pid: int) -> str:
    """The start time of a process in clock ticks, which tells it from a later one of the same number."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def list_descendants(pid: int) -> Iterator[int]:
    """The processes below a process, as far as they can be seen."""
    waiting = [pid]
    while waiting:
        with suppress(OSError):
            for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                found = [int(word) for word in (task / "children").read_text().split()]
                waiting += found
                yield from found


@contextmanager
def pause_trees(roots: Sequence[int]) -> Iterator[None]:
    """For the block every process at and below ``roots`` is stopped; one that cannot be is killed.

    A process may fork while it is being stopped, so they are stopped until all that there are stand still:
    from then on nobody among them can start or wake another.
    """
    stopped: set[int] = set()
    deadline = time.monotonic() + PAUSE_SECONDS
    try:
        while moving := {pid for root in roots for pid in (root, *list_descendants(root)) if _is_moving(pid)}:
            late = time.monotonic() > deadline
            for pid in moving:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGSTOP)
                    stopped.add(pid)
            time.sleep(0.001)
        yield
    finally:
        for pid in stopped:
            with suppress(OSError):
                os.kill(pid, signal.SIGCONT)


def _is_moving(pid: int) -> bool:
    """Whether a thread of the process may run: neither stopped nor dead."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                if (task / "stat").read_text().rpartition(")")[2].split()[0] not in "TtZX":
                    return True
    return False


def process_name(pid: int) -> str:
    """The name that a process gave itself; empty when it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def resident_bytes(pid: int) -> int:
    """Memory of a process that is backed by no file."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        found = re.findall(r"^Rss(?:Anon|Shmem):\s+(\d+) kB", status, re.MULTILINE)
        return sum(map(int, found)) * 1024
    return 0


def proportional_bytes(pid: int) -> int:
    """``resident_bytes`` with pages that processes share (after a fork) divided among them.

    Where that may not be read it is ``resident_bytes`` itself.

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
