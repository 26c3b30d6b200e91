"""Storing deliveries so that those which arrive together share a commit and a wake-up.

What arrives while a commit is under way, or within GATHER of the last one's beginning, waits for the next
one. On a quiet machine each delivery is therefore stored at once and alone; under load the commits grow, and
not their number.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.tasks.database.transactions import first_line, is_unreachable
from bot.tasks.deliveries.arrivals import ArrivedDelivery, Stored
from bot.tasks.deliveries.records import DeliveryRecords

log = structlog.get_logger(__name__)

GATHER = 0.005  # seconds from one commit's beginning to the next one's, at least
COMMITS = 2  # under way at once; the second only when a whole one waits
MOST = 128  # deliveries of one commit
MOST_BYTES = 4_000_000  # of their bodies; one that is larger is stored alone
MOST_WAITING = 2000  # deliveries
NAMED = 4  # GUIDs in a line of the log, which is searched for secrets: that costs more than storing them
LOOK_EVERY = 0.1  # seconds between looks for those that waited too long


class StoringTooSlow(Exception):
    """A delivery was not committed in time, or too many wait already. It may be stored all the same."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrived: ArrivedDelivery
    answer: asyncio.Future[Stored]
    until: float  # by the loop's clock


class DeliveryWriter:
    """Stores deliveries for many callers at once, all of one event loop."""

    def __init__(self, records: DeliveryRecords) -> None:
        self._records = records
        self._waiting: deque[_Waiting] = deque()
        self._commits: dict[asyncio.Task[None], Sequence[_Waiting]] = {}  # and what each stores just now
        self._began = float("-inf")
        self._look: asyncio.TimerHandle | None = None

    def add(self, arrived: ArrivedDelivery, *, within: float = 60.0) -> asyncio.Future[Stored]:
        """What becomes of a delivery, once it is committed.

        The future ends with StoringTooSlow after ``within`` seconds, and with what the database raised. Where
        it is cancelled or ended before its commit began, the delivery is not stored.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Stored] = loop.create_future()
        if len(self._waiting) >= MOST_WAITING:
            answer.set_exception(StoringTooSlow(f"{MOST_WAITING} deliveries wait for the database"))
            return answer
        self._waiting.append(_Waiting(arrived, answer, loop.time() + within))
        if len(self._commits) < (COMMITS if len(self._waiting) >= MOST else 1):
            self._commits[loop.create_task(self._store_waiting(), name="store deliveries")] = ()
        if self._look is None:
            self._look = loop.call_later(LOOK_EVERY, self._end_late_waits)
        return answer

    async def close(self, seconds: float = 5.0) -> None:
        """Let commits that are under way end."""
        if self._commits:
            await asyncio.wait(self._commits, timeout=seconds)
        if self._look is not None:
            self._look.cancel()

    async def _store_waiting(self) -> None:
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        assert me is not None  # noqa: S101  a coroutine of ours runs as a task
        try:
            while self._waiting:
                pause = self._began + GATHER - loop.time()
                if pause > 0 and len(self._waiting) < MOST:
                    await asyncio.sleep(pause)
                self._began = loop.time()
                self._commits[me] = taken = self._take()
                await self._store(taken)
        finally:  # in the same step as the last look: who comes later begins a commit of its own
            del self._commits[me]

    def _take(self) -> list[_Waiting]:
        """What is stored next: the oldest that fit into one commit."""
        taken: list[_Waiting] = []
        size = 0
        while self._waiting and len(taken) < MOST:
            size += len(self._waiting[0].arrived.body)
            if taken and size > MOST_BYTES:
                break
            first = self._waiting.popleft()
            if not first.answer.done():  # else whoever asked has left
                taken.append(first)
        return taken

    async def _store(self, taken: Sequence[_Waiting]) -> None:
        if not taken:
            return
        try:
            stored = await self._records.add_deliveries([each.arrived for each in taken])
        except Exception as trouble:  # each caller gets it
            if len(taken) > 1 and not is_unreachable(trouble):
                for one in taken:  # one of them is at fault, and only that one is refused
                    await self._store([one])
                return
            log.error("deliveries.not_stored", deliveries=_name(taken), error=first_line(trouble))
            for each in taken:
                if not each.answer.done():
                    each.answer.set_exception(trouble)
            return
        for each, result in zip(taken, stored, strict=True):
            if not each.answer.done():
                each.answer.set_result(result)
        # One line for all: to write one takes longer than to store a delivery. Workers log each by its GUID.
        log.info("deliveries.stored", deliveries=_name(taken), count=len(taken), new=stored.count("new"))

    def _end_late_waits(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for each in (*self._waiting, *(each for taken in self._commits.values() for each in taken)):
            if each.until < now and not each.answer.done():
                each.answer.set_exception(StoringTooSlow("the database does not answer in time"))
        self._waiting = deque(each for each in self._waiting if not each.answer.done())
        pending = self._waiting or self._commits
        self._look = loop.call_later(LOOK_EVERY, self._end_late_waits) if pending else None


def _name(taken: Sequence[_Waiting]) -> str:
    named = " ".join(each.arrived.guid for each in taken[:NAMED])
    return f"{named} and {len(taken) - NAMED} more" if len(taken) > NAMED else named
