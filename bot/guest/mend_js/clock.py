"""The search's clock: it counts the processor's time, so that a busy machine does not end a search early.

It never runs ahead of the real time, and at least at half its speed: tests that sleep use no processor.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_began = time.monotonic()
_watched: set[int] = set()


def watch(pid: int) -> None:
    """Count what a process that was not waited for yet uses, from now on."""
    _watched.add(pid)


def leave(pid: int) -> None:
    """Count it no more: it was waited for."""
    _watched.discard(pid)


def read_seconds() -> float:
    """Seconds since the start, by this process, its children and those that are watched."""
    real = time.monotonic() - _began
    used = sum(os.times()[:4]) + sum(map(_read_process, _watched))
    return min(real, max(used, real / 2))


def _read_process(pid: int) -> float:
    """Processor seconds of a process and of its children: fields 14 to 17 of proc_pid_stat(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(each) for each in fields[11:15]) / _TICKS
