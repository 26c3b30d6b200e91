"""The search's clock: a busy machine does not end a search early.

It counts the real time without what the programs that the search started spent waiting for a processor. It
never runs ahead of the real time and never slower than a sixth of it. Where the kernel does not tell the
waiting, it counts the processor's time, and at least half of the real time: tests that sleep use none.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

LEAST = 20.0  # seconds of a search where the tests alone are slow
SPARE = 8.0  # seconds of tests, in all of their runs, that a search does not pay for
SUITES = 4  # runs of all tests beside a search
FINE = 0.02  # seconds of real time between two looks at /proc
SLOWEST = 6  # times the clock's seconds: the most of real time that they may take
_TICKS = os.sysconf("SC_CLK_TCK")
_began = time.monotonic()
_watched: set[int] = set()
_waited: dict[tuple[int, str], float] = {}  # by process and its start: seconds of waiting when last looked at
_last = {"latest": 0.0, "looked": -1.0}  # the last reading, and when it was


def watch(pid: int) -> None:
    """Count what a process that was not waited for yet uses, and what its session waits, from now on."""
    _watched.add(pid)


def leave(pid: int) -> None:
    """Count it no more: it was waited for."""
    _watched.discard(pid)


def read_seconds() -> float:
    """Seconds since the start, by this process, its children and those that are watched; never less again."""
    real = time.monotonic() - _began
    if real - _last["looked"] < FINE:
        return _last["latest"]
    _last["looked"] = real
    used = sum(os.times()[:4]) + sum(map(_read_process, _watched))
    known = _look()
    now = max(used, real - sum(_waited.values()), real / SLOWEST) if known else max(used, real / 2)
    _last["latest"] = max(_last["latest"], min(real, now))
    return _last["latest"]


def allot_seconds(most: float, suite: float) -> float:
    """For a search where the suite takes ``suite``: it runs before the search, after it and in the proof."""
    return min(most, max(LEAST, most + SPARE - SUITES * suite))


def _look() -> bool:
    """Note how long this process and those of the watched sessions have waited; False where nobody tells."""
    with contextlib.suppress(OSError):
        for folder in os.listdir("/proc") if _watched else (str(os.getpid()),):  # noqa: PTH208
            if folder.isdigit():
                _note(int(folder))
    return bool(_waited)


def _note(pid: int) -> None:
    """The second number of /proc/PID/schedstat: https://docs.kernel.org/scheduler/sched-stats.html"""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = _read_fields(pid)
        if pid == os.getpid() or int(fields[3]) in _watched:
            waited = int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
            _waited[pid, fields[19]] = waited


def _read_process(pid: int) -> float:
    """Processor seconds of a process and of its children."""
    try:
        return sum(int(each) for each in _read_fields(pid)[11:15]) / _TICKS
    except (OSError, ValueError):
        return 0.0


def _read_fields(pid: int) -> list[str]:
    """What stands behind the name in /proc/PID/stat: proc_pid_stat(5), from its third field on."""
    return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
