"""Connections without transactions: none is lost, or given back without them, whenever work is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import psycopg.waiting
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.tasks.database.connection import Database
from bot.tasks.database.reading import read_from, write_to

Take = Callable[[AsyncEngine], AbstractAsyncContextManager[AsyncConnection]]


@pytest.mark.parametrize(
    ("take", "is_new"), [(read_from, False), (write_to, False), (AsyncEngine.begin, False), (read_from, True)]
)
async def test_work_may_be_cancelled_in_every_turn_of_the_loop(
    database: Database, take: Take, is_new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psycopg gives way to others where the loop was busy for 5 ms; here, each time."""
    monkeypatch.setattr(psycopg.waiting, "MAX_BUSY_TIME", 0, raising=False)
    engine, turns, ended = database.engine, 0, False
    assert isinstance(engine.pool, AsyncAdaptedQueuePool)

    async def ask() -> None:
        async with take(engine) as connection:
            await connection.execute(text("SELECT 1"))

    while not ended:
        if is_new:
            await engine.dispose()
        work = asyncio.create_task(ask())
        for _ in range(turns):
            await asyncio.sleep(0)
        ended = not work.cancel()
        await asyncio.wait([work])
        assert engine.pool.checkedout() == 0, turns
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None and not driver.autocommit, turns
        turns += 1
    assert turns > 5
