"""The watchdog of the event loop: it says when the loop stood still, and by what."""

from __future__ import annotations

import asyncio
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
    (told,) = [entry for entry in logs if entry["event"] == "loop.stood_still"]
    assert told["seconds"] >= 0.2
    assert "keep_the_loop_busy" in told["stack"]


async def test_a_loop_that_waits_is_not_told() -> None:
    with capture_logs() as logs, watch_loop(0.5):
        await asyncio.sleep(0.7)
    assert not logs
