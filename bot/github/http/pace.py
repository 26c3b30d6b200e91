"""How fast GitHub may be asked for one installation: who waits, how long, and when a run parks instead.

GitHub's rules (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api): writes one at a
time and at least a second apart, at most 80 content-creating requests a minute and 500 an hour, 900 points a
minute for REST and 2,000 for GraphQL (a read costs 1, a write 5), few requests at once, and after a limit
nothing at all until the time it names. A pace belongs to one installation, so that a limit on one never
holds up another. GitHub counts the writes of all processes together, so these take turns (``SharedTurns``);
reads are far fewer than it allows, and each process counts its own.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from bot.backoff import compute_backoff
from bot.errors import Parked
from bot.github.http.responses import Limit

LONGEST_WAIT = 20.0  # seconds that a request waits by itself; a longer wait parks the run
FIRST_PAUSE = 60.0  # where GitHub does not say how long: at least a minute, then doubling
LONGEST_PAUSE = 3600.0
LONGEST_LIMIT = 86400.0  # what GitHub names beyond it is taken for a mistake: no run is parked for ever

# (at most, in seconds), a little below GitHub's own bounds: a request arrives later than it is counted.
CREATING_MINUTE, CREATING_HOUR = (75.0, 60.0), (480.0, 3600.0)
POINTS = {"core": (850.0, 60.0), "graphql": (1900.0, 60.0)}
READ_POINTS, WRITE_POINTS = 1.0, 5.0
# What is left of these before requests that can be spared are: several tasks' worth.
RESERVE_MINUTE, RESERVE_HOUR = 15.0, 100.0


class _Budget:
    """A budget of at most ``most`` in any ``seconds``."""

    def __init__(self, most: float, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._spent: deque[tuple[float, float]] = deque()
        self._total = 0.0

    def free_at(self, now: float, cost: float) -> float:
        """When ``cost`` may be spent: now, or once enough earlier spending has left the window."""
        while self._spent and self._spent[0][0] <= now - self._seconds:
            self._total -= self._spent.popleft()[1]
        over = self._total + cost - self._most
        for at, spent in self._spent if over > 0 else ():
            over -= spent
            if over <= 0:
                return at + self._seconds
        return now

    def spend(self, now: float, cost: float) -> None:
        """Count what is sent now."""
        self._spent.append((now, cost))
        self._total += cost


class SharedTurns(Protocol):
    """Turns to write that the processes of an installation take from one place."""

    async def take(self, installation: int, *, spacing: float, creates: bool, longest: float) -> float:
        """Take the next turn; returns in how many seconds it is. One beyond ``longest`` is not taken."""

    async def close(self, installation: int, seconds: float) -> None:
        """Stop all processes from writing for the installation, for ``seconds``."""


class Pace:
    """The turns of one installation. ``write_spacing`` 0 lifts every budget, but not one write at a time.

    ``shared`` are the turns that it takes together with other processes' paces of the same ``installation``.
    """

    def __init__(
        self,
        *,
        write_spacing: float = 1.0,
        installation: int = 0,
        shared: SharedTurns | None = None,
        concurrent: int = 10,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spacing = write_spacing
        self._installation = installation
        self._shared = shared if write_spacing > 0 else None
        self._clock = clock
        self._sleep = sleep
        self._writing = asyncio.Lock()
        self._slots = asyncio.Semaphore(concurrent)
        self._last_write = float("-inf")
        self._creating = (_Budget(*CREATING_MINUTE), _Budget(*CREATING_HOUR))
        self._points = {resource: _Budget(*bound) for resource, bound in POINTS.items()}
        self._closed_until: dict[str, float] = {}
        self._unexplained = 0  # limits in a row for which GitHub named no end

    @asynccontextmanager
    async def turn(self, *, write: bool, resource: str, creates: bool = False) -> AsyncIterator[None]:
        """Wait for the turn to send one request, and hold it until its answer is there.

        ``creates``: it is a write that makes content. Raises Parked when the wait would be longer than
        ``LONGEST_WAIT``.
        """
        async with AsyncExitStack() as held:
            if write:
                await held.enter_async_context(self._writing)
            await held.enter_async_context(self._slots)
            while (wait := self._seconds_to_wait(write, resource, creates)) > 0:
                if wait > LONGEST_WAIT:
                    raise Parked(f"GitHub's rate limit is reached; {wait:.0f} s to wait", after=wait)
                await self._sleep(wait)
            if write and self._shared is not None:
                await self._take_shared_turn(self._shared, creates)
            for budget, cost in self._budgets(write, resource, creates):
                budget.spend(self._clock(), cost)
            try:
                yield
            finally:
                if write:
                    self._last_write = self._clock()

    async def _take_shared_turn(self, shared: SharedTurns, creates: bool) -> None:
        wait = await shared.take(
            self._installation, spacing=self._spacing, creates=creates, longest=LONGEST_WAIT
        )
        if wait > LONGEST_WAIT:
            raise Parked(f"GitHub's rate limit is reached; {wait:.0f} s to wait", after=wait)
        if wait > 0:
            await self._sleep(wait)

    def is_crowded(self) -> bool:
        """Whether little is left of what may be created, or GitHub has asked to wait."""
        now = self._clock()
        if self._find_reopening("core", now) > now:
            return True
        reserves = zip(self._creating, (RESERVE_MINUTE, RESERVE_HOUR), strict=True)
        return self._spacing > 0 and any(budget.free_at(now, spare) > now for budget, spare in reserves)

    def note_limit(self, limit: Limit) -> None:
        """GitHub asked to wait: let nothing through to the resource (or to any) for as long as it says."""
        now, seconds = self._clock(), limit.seconds
        if seconds is None:
            if self._find_reopening(limit.resource, now) > now:
                return  # several requests that were on their way ran into the same limit
            self._unexplained += 1
            seconds = compute_backoff(self._unexplained, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        until = now + min(seconds, LONGEST_LIMIT)
        self._closed_until[limit.resource] = max(until, self._closed_until.get(limit.resource, now))

    async def share_limit(self, resource: str) -> None:
        """Have the other processes wait too, where GitHub limited more than GraphQL's own points."""
        now = self._clock()
        wait = self._find_reopening(resource, now) - now
        if self._shared is not None and resource != "graphql" and wait > 0:
            await self._shared.close(self._installation, wait)

    def note_success(self) -> None:
        """A request went through: the next unexplained limit starts at a minute again."""
        if self._find_reopening("*", self._clock()) <= self._clock():
            self._unexplained = 0

    def _find_reopening(self, resource: str, now: float) -> float:
        return max(self._closed_until.get(name, now) for name in (resource, "*"))

    def _budgets(self, write: bool, resource: str, creates: bool) -> list[tuple[_Budget, float]]:
        if self._spacing <= 0:
            return []
        points = self._points.get(resource, self._points["core"])
        creating = [(budget, 1.0) for budget in self._creating] if creates else []
        return [(points, WRITE_POINTS if write else READ_POINTS), *creating]

    def _seconds_to_wait(self, write: bool, resource: str, creates: bool) -> float:
        now = self._clock()
        until = [self._find_reopening(resource, now)]
        until += [budget.free_at(now, cost) for budget, cost in self._budgets(write, resource, creates)]
        if write and self._spacing > 0:
            until.append(self._last_write + self._spacing)
        return max(until) - now
