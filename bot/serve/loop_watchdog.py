"""Logs when the event loop is blocked: for how long, its stack, and the stacks of other threads.

While the loop is blocked, no stop, no status request and no signal is handled. A thread of its own looks,
since the loop cannot; a thread gets the interpreter's lock even while Python code is busy, though not inside
one call of C code, whose stack it sees as soon as the call returns. Such a call in another thread holds the
loop up too, and the loop then seems to wait for events: so the stacks of the other threads are logged as
well.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import thread
from contextlib import contextmanager
from types import FrameType

import structlog

log = structlog.get_logger()

STILL_SECONDS = 1.0
_FRAMES = 30  # of the loop's stack, innermost last
_FRAMES_OF_OTHERS = 6  # of each other thread's
_POOL = thread.__file__


@contextmanager
def watch_loop(still_seconds: float = STILL_SECONDS) -> Iterator[None]:
    """Watch the running event loop during the block; log ``loop.stood_still`` with the stack that held it.

    Once for each time that it stood still for ``still_seconds``. ``beside`` in the log has, by name, the ends
    of the stacks of other threads that were at work.
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
                frames = sys._current_frames()
                frames.pop(threading.get_ident(), None)
                loops = frames.pop(of_loop, None)
                log.error(
                    "loop.stood_still",
                    seconds=round(still, 1),
                    frames=_format_stack(loops, _FRAMES) if loops else "",
                    beside={
                        _name_thread(ident): _format_stack(frame, _FRAMES_OF_OTHERS)
                        for ident, frame in frames.items()
                        if not _is_idle(frame)
                    },
                )

    tick()
    watcher = threading.Thread(target=watch, name="loop-watchdog", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _format_stack(frame: FrameType, most: int) -> str:
    return "".join(traceback.format_stack(frame)[-most:])


def _name_thread(ident: int) -> str:
    return next((each.name for each in threading.enumerate() if each.ident == ident), str(ident))


def _is_idle(frame: FrameType) -> bool:
    """Whether a thread of a pool waits for work, or any other on a lock."""
    code = frame.f_code
    return code.co_name in ("_worker", "wait") and code.co_filename in (_POOL, threading.__file__)
