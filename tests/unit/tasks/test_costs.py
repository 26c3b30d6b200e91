"""What an installation used of its day: runs that are over, and those under way by their stored turns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain import Outcome, OutcomeKind, Proof, Run, Task, Usage
from bot.errors import LeaseLost
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.tasks import make_request


async def begin(store: Store, **request: Any) -> tuple[Task, Run]:
    task = await store.add_task(make_request(**request))
    claimed = await store.claim(task.id, "w1")
    assert claimed
    return claimed


def turn(usd: float) -> dict[str, Any]:
    total = {"turns": 1, "input_tokens": 10, "output_tokens": 5, "usd": usd, "seconds": 60.0}
    return {"total": total}


async def test_a_run_under_way_counts_by_its_last_turn(store: Store) -> None:
    task, run = await begin(store)
    other, _ = await begin(store, number=77)
    assert task.installation == other.installation
    day = await store.load_daily_budget(task.installation, 5.0)
    assert day.left_usd == 5.0
    attempt = (await store.begin_attempt(run)).id
    for seq, usd in enumerate((0.5, 1.25, 2.0)):
        await store.add_turn(run, attempt, seq, turn(usd))
    day = await store.load_daily_budget(task.installation, 5.0)
    assert (day.used.usd, day.used.turns, day.used.tokens, day.left_usd) == (2.0, 1, 15, 3.0)
    assert (await store.load_daily_budget(task.installation + 1, 5.0)).left_usd == 5.0
    await store.finish_run(
        run,
        outcome=Outcome(kind=OutcomeKind.CHANGED, title="T"),
        diff="",
        proof=Proof(base="abc"),
        usage=Usage(turns=3, usd=2.5),
        error="",
    )
    assert (await store.load_daily_budget(task.installation, 5.0)).used.usd == 2.5, "and not twice"


async def test_what_runs_reserve_never_comes_to_more_than_the_day(store: Store) -> None:
    async def reserve(run: Run, most: float) -> float:
        return await store.reserve_daily_budget(run, task.installation, limit_usd=5.0, most_usd=most)

    task, one = await begin(store)
    _, two = await begin(store, number=77)
    _, three = await begin(store, number=78)
    assert await reserve(one, 3.0) == 3.0
    assert await reserve(two, 3.0) == 2.0, "what is left of the day"
    assert await reserve(three, 3.0) == 0.0
    assert await reserve(one, 3.0) == 3.0, "its own is not in its way"
    attempt = (await store.begin_attempt(one)).id
    await store.add_turn(one, attempt, 0, turn(1.0))
    assert await reserve(three, 3.0) == 0.0, "used of what was reserved counts once"
    other = await store.reserve_daily_budget(three, task.installation + 1, limit_usd=5.0, most_usd=3.0)
    assert other == 3.0
    await store.finish_run(one, outcome=Outcome(kind=OutcomeKind.CHANGED, title="T"), usage=Usage(usd=1.5))
    assert await reserve(three, 3.0) == 1.5, "what the first one did not need"


async def test_runs_that_reserve_at_once_do_not_overdraw(store: Store) -> None:
    begun = [await begin(store, number=number) for number in range(100, 108)]
    reserved = await asyncio.gather(
        *(
            store.reserve_daily_budget(run, task.installation, limit_usd=5.0, most_usd=2.0)
            for task, run in begun
        )
    )
    assert sum(reserved) == 5.0


@pytest.mark.parametrize("digest", ["the same code", "other code"])
async def test_what_dead_runs_used_counts_whatever_becomes_of_their_turns(
    store: Store, database: Database, digest: str
) -> None:
    """A task that kills its worker again and again, and begins anew each time, pays for each of them."""
    task, run = await begin(store)
    spent = 0.0
    for crash in range(3):
        ground = digest if digest == "the same code" else f"{digest} {crash}"
        attempt = await store.begin_attempt(run, start_digest=ground)
        began_at = spent if digest == "the same code" else 0.0
        await store.add_turn(run, attempt.id, crash, turn(began_at + 1.0))
        spent += 1.0
        day = await store.load_daily_budget(task.installation, 5.0)
        assert (day.used.usd, day.left_usd) == (spent, 5.0 - spent)
        async with database.engine.begin() as connection:
            dead = "UPDATE tasks SET lease_until = now() - interval '1 s' WHERE id = :id"
            await connection.execute(text(dead), {"id": task.id})
        assert await sweep(database.engine)
        assert (await store.load_daily_budget(task.installation, 5.0)).used.usd == spent
        claimed = await store.claim(task.id, f"w{crash + 2}")
        if claimed is None:
            break
        task, run = claimed
    left = await store.load_daily_budget(task.installation, 5.0)
    assert left.used.usd == spent >= 2.0


async def test_a_dead_run_reserves_nothing(store: Store, database: Database) -> None:
    task, run = await begin(store)
    await store.reserve_daily_budget(run, task.installation, limit_usd=5.0, most_usd=5.0)
    _, other = await begin(store, number=77)
    async with database.engine.begin() as connection:
        dead = "UPDATE tasks SET lease_until = now() - interval '1 s' WHERE id = :id"
        await connection.execute(text(dead), {"id": task.id})
    assert await sweep(database.engine)
    again = await store.reserve_daily_budget(other, task.installation, limit_usd=5.0, most_usd=5.0)
    assert again == 5.0
    with pytest.raises(LeaseLost):
        await store.reserve_daily_budget(run, task.installation, limit_usd=5.0, most_usd=5.0)
