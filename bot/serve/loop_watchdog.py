"""Tell when the event loop stands still: for how long, and what it was at.

While the loop stands, no stop, no status and no signal is heard. A thread of its own looks, since the loop
cannot; a thread gets the interpreter's lock even while Python code is busy, though not inside one call of C
code, whose stack it sees as soon as the call returns.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

STILL_SECONDS = 1.0
_FRAMES = 30  # of the stack, innermost last


@contextmanager
def watch_loop(still_seconds: float = STILL_SECONDS) -> Iterator[None]:
    """Watch the running event loop during the block; log ``loop.stood_still`` with the stack that held it.

    Once for each time that it stood still for ``still_seconds``.
    """
    loop, done = asyncio.get_running_loop(), threading.Event()
    of_loop = threading.get_ident()
    beat = [time.monotonic()]

    def tick() -> None:
        beat[0] = time.monotonic()
        if not done.is_set():
            loop.call_later(still_seconds / 4, tick)

    def watch() -> None:
        told = 0.0
        while not done.wait(still_seconds / 4):
            last = beat[0]
            still = time.monotonic() - last
            if still >= still_seconds and told != last:
                told = last
                frame = sys._current_frames().get(of_loop)
                stack = traceback.format_stack(frame)[-_FRAMES:] if frame else []
                log.error("loop.stood_still", seconds=round(still, 1), stack="".join(stack))

    tick()
    thread = threading.Thread(target=watch, name="loop-watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
