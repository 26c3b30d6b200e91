"""The search's clock: it counts the processor's time, so that a busy machine does not end a search early.

It never runs ahead of the real time, and at least at half its speed: tests that sleep use no processor.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_watched: list[int] = []
_began = time.monotonic()


def watch(pid: int) -> None:
    """Count what a process and the children that it has waited for use, from now on."""
    _watched.append(pid)


def read_seconds() -> float:
    """Seconds since the start."""
    real = time.monotonic() - _began
    used = time.process_time() + sum(_read_process(pid) for pid in _watched)
    return min(real, max(used, real / 2))


def _read_process(pid: int) -> float:
    """Processor seconds of a process and its children: fields 14 to 17 of proc_pid_stat(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return 0.0
    return sum(int(each) for each in fields[11:15]) / _TICKS
