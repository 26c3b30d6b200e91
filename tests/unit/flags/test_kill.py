"""The kill switch: what begins after it, what stops, whatever holds locks; by looks and order, no clocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Run
from bot.errors import Cancelled
from bot.flags.kill import KilledRuns, kill, resume
from bot.flags.known import FlagError
from bot.flags.listing import list_flags
from bot.flags.records import Actor
from bot.tasks.database.connection import Database
from bot.tasks.leases.renew import BEAT, LOOK, CancelLooks, Lease
from bot.tasks.store import Store
from tests.support.tasks import make_request, until

ANN = Actor(login="ann")


async def stop(database: Database, scope: str = "all", *, running: bool = True) -> KilledRuns:
    """The switch."""

    def pull(connection: Connection) -> KilledRuns:
        return kill(connection, scope, ANN, running=running, patience=0.1)

    async with database.engine.connect() as connection:
        return await connection.run_sync(pull)


async def test_a_kill_begins_nothing_and_stops_what_runs(database: Database, store: Store) -> None:
    tasks = [await store.add_task(make_request(number=number)) for number in (1, 2, 3)]
    claimed = [await store.claim(each.id, "w") for each in tasks[:2]]
    done = [await stop(database, "installation:5") for _ in "ab"]
    assert done == [KilledRuns(stopped=2), KilledRuns()], "each is stopped once"
    assert await store.claim(tasks[2].id, "w") is None and await store.find_next_task() is None
    for made in claimed:
        assert made and await store.is_cancel_requested(made[1])
    async with database.engine.begin() as connection:
        listed = await connection.run_sync(list_flags)
        again = [await connection.run_sync(resume, "installation:5", ANN) for _ in "ab"]
    assert any(line.startswith("PAUSED: installation:5 (ann") for line in listed)
    assert again == [True, False] and await store.find_next_task() == tasks[2].id
    with pytest.raises(FlagError, match="cannot be paused"):
        await stop(database, "person:7")


async def test_of_workers_that_claim_meanwhile_none_begins_a_run_that_goes_on(
    database: Database, store: Store
) -> None:
    tasks = [await store.add_task(make_request(number=number)) for number in range(1, 41)]
    begun: list[Run] = []

    async def claim_some(name: str, ids: list[int]) -> None:
        for each in ids:
            if claimed := await store.claim(each, name):
                begun.append(claimed[1])

    ids = [task.id for task in tasks]
    workers = [asyncio.create_task(claim_some(f"w{n}", ids[n::4])) for n in range(4)]
    await until(lambda: asyncio.sleep(0, len(begun) > 3))
    await stop(database)
    before = len(begun)
    await asyncio.gather(*workers)
    assert len(begun) - before <= 4, "those whose claim was answered while the switch was thrown"
    assert all([await store.is_cancel_requested(run) for run in begun])
    assert all([await store.claim(each, "late") is None for each in ids])


@asynccontextmanager
async def hold(database: Database, statement: str) -> AsyncIterator[AsyncConnection]:
    """A transaction that did this, and does not end."""
    async with database.engine.connect() as connection:
        await connection.execute(text(statement))
        yield connection
        await connection.rollback()


async def test_a_claim_that_waited_for_a_lock_sees_the_pause(database: Database, store: Store) -> None:
    task = await store.add_task(make_request(number=1))

    async def is_blocked() -> bool:
        query = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with database.engine.connect() as connection:
            return bool(await connection.scalar(text(query)))

    async with hold(database, f"SELECT FROM tasks WHERE id = {task.id} FOR UPDATE"):
        claiming = asyncio.create_task(store.claim(task.id, "w"))
        await until(is_blocked)
        assert await stop(database, running=False) == KilledRuns()
    assert await claiming is None
    (found,) = [await store.get_task(task.id)]
    assert found and found.state.value == "queued" and await store.list_runs(task.id) == []


async def test_a_row_that_somebody_holds_keeps_neither_the_pause_nor_the_others(
    database: Database, store: Store
) -> None:
    tasks = [await store.add_task(make_request(number=number)) for number in (1, 2, 3)]
    claimed = [await store.claim(each.id, "w") for each in tasks[:2]]
    assert claimed[0] and claimed[1]
    async with hold(database, f"UPDATE tasks SET updated_at = now() WHERE id = {tasks[0].id}"):
        assert await stop(database) == KilledRuns(stopped=1, left=1)
        assert await store.is_cancel_requested(claimed[1][1]) and await store.claim(tasks[2].id, "w") is None
    assert await stop(database) == KilledRuns(stopped=1), "the next one finds it"
    assert await store.is_cancel_requested(claimed[0][1])


class CountedLooks(CancelLooks):
    """Counts the looks that were begun."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.begun = count(1)
        self.number = 0

    async def is_cancel_requested(self, run: Run) -> bool:
        self.number = next(self.begun)
        return await super().is_cancel_requested(run)


async def test_a_run_stops_at_its_first_look_and_looks_every_second(database: Database, store: Store) -> None:
    assert LOOK <= 1.0 <= BEAT, "five seconds are promised; a renewal is a look as well"
    task = await store.add_task(make_request(number=1))
    claimed = await store.claim(task.id, "w")
    assert claimed
    looks = CountedLooks(store)

    async def stop_and_count() -> int:
        await until(lambda: asyncio.sleep(0, looks.number > 1))
        assert await stop(database) == KilledRuns(stopped=1)
        return looks.number

    with pytest.raises(Cancelled):
        async with Lease(store, claimed[1], look=0.02, beat=60, looks=looks):
            stopping = asyncio.create_task(stop_and_count())
            await asyncio.Event().wait()
    assert looks.number - await stopping <= 1
