"""Turns to write that several workers take from one row."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from sqlalchemy import text

from bot.errors import Parked
from bot.github.http.pace import LONGEST_WAIT, Pace
from bot.github.http.responses import Limit
from bot.tasks.database.connection import Database, connect
from bot.tasks.write_turns import WriteTurns


def make_turns(database: Database, *, per_minute: int = 75, per_hour: int = 480) -> WriteTurns:
    """One worker's end."""
    return WriteTurns(database.engine, per_minute=per_minute, per_hour=per_hour)


async def test_two_workers_of_one_installation_never_write_at_once(database: Database) -> None:
    workers = [make_turns(database) for _ in range(2)]
    taking = (workers[n % 2].take(5, spacing=1.0, creates=n % 3 == 0, longest=30.0) for n in range(20))
    waits = sorted(await asyncio.gather(*taking))
    assert waits[0] < 0.5
    assert all(later - earlier > 0.5 for earlier, later in itertools.pairwise(waits))
    assert waits[-1] > 18
    assert await workers[0].take(6, spacing=1.0, creates=True, longest=30.0) == 0  # another installation


@pytest.mark.parametrize(("bounds", "seconds"), [({"per_minute": 4}, 60), ({"per_hour": 3}, 3600)])
async def test_content_is_bounded_over_all_workers(
    database: Database, bounds: dict[str, int], seconds: float
) -> None:
    workers = [make_turns(database, **bounds) for _ in range(2)]
    most = next(iter(bounds.values()))
    for n in range(most):
        assert await workers[n % 2].take(5, spacing=0.001, creates=True, longest=20.0) < 1
    assert seconds - 5 < await workers[0].take(5, spacing=0.001, creates=True, longest=20.0) <= seconds
    assert (
        await workers[1].take(5, spacing=0.001, creates=False, longest=20.0) < 1
    )  # such a turn is still free
    async with database.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE write_turns SET created ="
                " (SELECT array_agg(at - make_interval(secs => :ago) ORDER BY at) FROM unnest(created) AS at)"
            ),
            {"ago": seconds},
        )
    assert await workers[0].take(5, spacing=0.001, creates=True, longest=20.0) < 1
    async with database.engine.connect() as connection:
        kept = await connection.scalar(text("SELECT cardinality(created) FROM write_turns"))
    assert kept == min(most + 1, bounds.get("per_hour", 480))


async def test_a_limit_that_one_worker_met_holds_the_others(database: Database) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    paces = [Pace(installation=5, shared=make_turns(database), sleep=sleep) for _ in range(2)]
    async with paces[0].turn(write=True, resource="core", creates=True):
        paces[0].note_limit(Limit("*", 10.0))
        await paces[0].share_limit("*")
    async with paces[1].turn(write=True, resource="core"):
        pass
    assert len(waited) == 1
    assert 9 < waited[0] <= 10
    paces[0].note_limit(Limit("graphql", 500.0))  # its own points: they hold no write of REST
    await paces[0].share_limit("graphql")
    async with paces[1].turn(write=True, resource="core"):
        pass
    paces[0].note_limit(Limit("core", 500.0))
    await paces[0].share_limit("core")
    with pytest.raises(Parked) as parked:
        async with paces[1].turn(write=True, resource="core"):
            pass
    assert parked.value.after > LONGEST_WAIT
    async with paces[1].turn(write=False, resource="core"):  # reads go on
        pass


async def test_without_a_database_each_worker_keeps_its_own_pace() -> None:
    away = connect("postgresql://hob@127.0.0.1:1/hob")
    turns = make_turns(away)
    assert await turns.take(5, spacing=1.0, creates=True, longest=20.0) == 0
    await turns.close(5, 10.0)
    await away.engine.dispose()
