"""The watchdog of the event loop: it says when the loop stood still, and by what."""

from __future__ import annotations

import asyncio
import re
import threading
import time

from structlog.testing import capture_logs

from bot.serve.loop_watchdog import watch_loop


def keep_the_loop_busy(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(1000))


async def test_a_loop_that_stands_still_is_told_with_its_stack() -> None:
    with capture_logs() as logs, watch_loop(0.2):
        await asyncio.sleep(0.01)
        keep_the_loop_busy(0.6)
        await asyncio.sleep(0.01)
    told = [entry for entry in logs if "keep_the_loop_busy" in entry["frames"]]
    assert told and told[0]["event"] == "loop.stood_still" and told[0]["seconds"] >= 0.2


async def test_a_thread_that_keeps_the_interpreters_lock_is_told_with_its_stack() -> None:
    """Again and again: once the lock is free, the loop may be faster than who looks at it."""
    over = threading.Event()

    def keep_the_lock() -> None:
        pattern = re.compile(r"(?:a|aa)*c")  # one call of C code, which lets no other thread run meanwhile
        length, took = 20, 0.0
        while not over.is_set():
            length += took < 0.6
            start = time.monotonic()
            pattern.match("a" * length)
            took = time.monotonic() - start

    with capture_logs() as logs, watch_loop(0.2):
        held = asyncio.create_task(asyncio.to_thread(keep_the_lock))
        while not any("keep_the_lock" in str(entry["beside"]) for entry in logs):  # noqa: ASYNC110 - a list
            await asyncio.sleep(0.01)
        over.set()
        await held


async def test_a_loop_that_waits_is_not_told() -> None:
    with capture_logs() as logs, watch_loop(2.0):
        await asyncio.sleep(2.3)
    assert not logs
