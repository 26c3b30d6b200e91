"""The search's clock: a busy machine does not end a search early.

It counts the real time without what this process, the fork servers and their children spent waiting for a
processor. It never runs ahead of the real time and never slower than a sixth of it. Where the kernel does not
tell the waiting, it counts the processor's time, and at least half of the real time: tests that sleep use no
processor.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LEAST = 20.0  # seconds of a search where the tests alone are slow
SPARE = 8.0  # seconds of tests, in all of their runs, that a search does not pay for
SUITES = 4  # runs of all tests beside a search
FINE = 0.005  # seconds of real time between two looks at /proc
SLOWEST = 6  # times the clock's seconds: the most of real time that they may take
_TICKS = os.sysconf("SC_CLK_TCK")
_watched: list[int] = []
_began = time.monotonic()
_known = {"ended": 0.0, "latest": 0.0, "looked": -1.0}  # waiting of ended processes; last reading; when


def watch(pid: int) -> None:
    """Count what a process and the children that it has waited for use, and its waiting, from now on."""
    if pid not in _watched:
        _watched.append(pid)


def leave(pid: int, waited: float) -> None:
    """Count a process no more, which ended after so many seconds of waiting for a processor."""
    if pid in _watched:
        _watched.remove(pid)
    _known["ended"] += waited


def read_seconds() -> float:
    """Seconds since the start; never less than the last time."""
    real = time.monotonic() - _began
    if real - _known["looked"] < FINE:
        return _known["latest"]
    _known["looked"] = real
    used = time.process_time() + sum(_read_process(pid) for pid in _watched)
    own = read_waiting("self")
    if own is None:
        now = max(used, real / 2)
    else:
        waited = own + _known["ended"] + sum(read_waiting(pid) or 0.0 for pid in _watched)
        now = max(used, real - waited, real / SLOWEST)
    _known["latest"] = max(_known["latest"], min(real, now))
    return _known["latest"]


def read_waiting(pid: int | str) -> float | None:
    """Seconds that a process was ready to run and did not, None where that is not known.

    The second number of /proc/PID/schedstat: https://docs.kernel.org/scheduler/sched-stats.html
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError, TypeError, AttributeError):  # a test may have replaced `open`
        return None


@contextlib.contextmanager
def ring_after(seconds: float, ring: Callable[[], None]) -> Iterator[None]:
    """Call ``ring`` where the code within is after so many seconds, waiting for a processor left out."""
    before, looks = read_waiting("self") or 0.0, 0

    def look(*_: object) -> None:  # a test may have replaced what tells the time: the looks are counted
        nonlocal looks
        looks += 1
        waited = (read_waiting("self") or 0.0) - before
        passed = seconds * (1 + (looks - 1) / 4)
        if looks > 4 * (SLOWEST - 1) or passed - waited >= seconds:
            ring()
        else:
            signal.setitimer(signal.ITIMER_REAL, seconds / 4)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def allot_seconds(most: float, suite: float) -> float:
    """For a search where the suite takes ``suite``: it runs before the search, after it and in the proof."""
    return min(most, max(LEAST, most + SPARE - SUITES * suite))


def _read_process(pid: int) -> float:
    """Processor seconds of a process and its children: fields 14 to 17 of proc_pid_stat(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return 0.0
    return sum(int(each) for each in fields[11:15]) / _TICKS
