"""Storing deliveries so that those which arrive together share a commit and a wake-up.

While a commit is under way, what arrives waits for the next one. On a quiet machine each delivery is
therefore stored at once and alone; under load the commits grow, and not their number.
"""

from __future__ import annotations

import asyncio

from bot.tasks.database.transactions import is_unreachable
from bot.tasks.deliveries.records import ArrivedDelivery, DeliveryRecords, Stored

COMMITS = 2  # under way at once; the second only when a whole one waits
MOST = 64  # deliveries of one commit
MOST_BYTES = 4_000_000  # of their bodies; one that is larger is stored alone

_Waiting = tuple[ArrivedDelivery, asyncio.Future[Stored]]


class DeliveryWriter:
    """Stores deliveries for many callers at once."""

    def __init__(self, records: DeliveryRecords) -> None:
        self._records = records
        self._waiting: list[_Waiting] = []
        self._commits: set[asyncio.Task[None] | None] = set()

    async def add(self, arrived: ArrivedDelivery) -> Stored:
        """Store a delivery; returns once it is committed. Raises what the database raised."""
        answer: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrived, answer))
        if len(self._commits) < (COMMITS if len(self._waiting) >= MOST else 1):
            commit = asyncio.create_task(self._store_waiting(), name="store deliveries")
            self._commits.add(commit)
        return await answer

    async def _store_waiting(self) -> None:
        try:
            while self._waiting:
                await self._store(self._take())
        finally:  # in the same step as the last look: who comes later begins a commit of its own
            self._commits.discard(asyncio.current_task())

    def _take(self) -> list[_Waiting]:
        """What is stored next: the oldest that fit into one commit."""
        count, size = 0, 0
        for arrived, _ in self._waiting[:MOST]:
            size += len(arrived.body)
            if count and size > MOST_BYTES:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return [(arrived, answer) for arrived, answer in taken if not answer.done()]  # whoever asked has left

    async def _store(self, taken: list[_Waiting]) -> None:
        if not taken:
            return
        try:
            stored = await self._records.add_deliveries([arrived for arrived, _ in taken])
        except Exception as trouble:  # each caller hears it
            if len(taken) > 1 and not is_unreachable(trouble):
                for one in taken:  # one of them is at fault, and only that one is refused
                    await self._store([one])
                return
            for _, answer in taken:
                if not answer.done():
                    answer.set_exception(trouble)
            return
        for (_, answer), result in zip(taken, stored, strict=True):
            if not answer.done():
                answer.set_result(result)
