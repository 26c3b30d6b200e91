"""The search's clock: it counts the processor's time, so that a busy machine does not end a search early.

It never runs ahead of the real time, and at least at half its speed: tests that sleep use no processor.
"""

from __future__ import annotations

import os
import time

_began = time.monotonic()


def read_seconds() -> float:
    """Seconds since the start, by this process and those children that it has waited for."""
    real = time.monotonic() - _began
    used = sum(os.times()[:4])
    return min(real, max(used, real / 2))
