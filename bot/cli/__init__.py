"""The command line, one file for each command; how they import what only they need."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Import what a command needs without the garbage collector, which leaves it alone from then on.

    Modules live until the end. To look through them again and again takes a third of a heavy start, as much
    again at the end, and 0.1 s each time in between, in which a server answers nobody.
    """
    worked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if worked:
            gc.enable()
