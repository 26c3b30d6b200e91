"""How fast one installation may speak to GitHub: who waits, for how long, and when it is better to park.

GitHub's rules (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api):
writes one at a time and at least a second apart, at most 80 content-creating requests a minute and 500 an
hour, few requests at once, and after a limit nothing at all until the time it names. A pace belongs to one
installation, so that a limit on one never holds up another.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from bot.errors import Parked
from bot.github.answers import Limit

PATIENCE = 20.0  # seconds that a request waits by itself; a longer wait parks the run
FIRST_PAUSE = 60.0  # where GitHub does not say how long: at least a minute, then doubling
LONGEST_PAUSE = 3600.0


class Pace:
    """The turns of one installation. ``write_spacing`` 0 lifts every bound on writes but one at a time."""

    def __init__(
        self,
        *,
        write_spacing: float = 1.0,
        writes_per_hour: int = 480,
        concurrent: int = 10,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spacing = write_spacing
        self._per_hour = writes_per_hour
        self._clock = clock
        self._sleep = sleep
        self._writing = asyncio.Lock()
        self._slots = asyncio.Semaphore(concurrent)
        self._written: deque[float] = deque(maxlen=writes_per_hour)
        self._closed_until: dict[str, float] = {}
        self._pause = FIRST_PAUSE

    @asynccontextmanager
    async def turn(self, *, write: bool, resource: str) -> AsyncIterator[None]:
        """Wait for leave to send one request and hold the turn until its answer is there.

        Raises Parked when the wait would be longer than ``PATIENCE``.
        """
        async with AsyncExitStack() as held:
            if write:
                await held.enter_async_context(self._writing)
            await held.enter_async_context(self._slots)
            while (wait := self._wait(write, resource)) > 0:
                if wait > PATIENCE:
                    raise Parked(f"GitHub's rate limit is reached; {wait:.0f} s to wait", after=wait)
                await self._sleep(wait)
            try:
                yield
            finally:
                if write:
                    self._written.append(self._clock())

    def limited(self, limit: Limit) -> None:
        """GitHub asked to wait: close the resource (or everything) for as long as it says."""
        now, seconds = self._clock(), limit.seconds
        if seconds is None:
            if self._wait(False, limit.resource) > 0:
                return  # several requests that were on their way ran into the same limit
            seconds, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        self._closed_until[limit.resource] = max(now + seconds, self._closed_until.get(limit.resource, now))

    def eased(self) -> None:
        """A request went through: the next unexplained limit starts at a minute again."""
        if self._wait(False, "*") <= 0:
            self._pause = FIRST_PAUSE

    def _wait(self, write: bool, resource: str) -> float:
        now = self._clock()
        until = max(self._closed_until.get(name, now) for name in (resource, "*"))
        if write and self._spacing > 0 and self._written:
            until = max(until, self._written[-1] + self._spacing)
            if len(self._written) == self._per_hour:
                until = max(until, self._written[0] + 3600.0)
        return until - now
