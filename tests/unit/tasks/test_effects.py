"""Effects: done once, looked up after a crash, refused without the fence."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain import EffectKind, Run
from bot.errors import LeaseLost
from bot.tasks.database.connection import Database
from bot.tasks.effects import Effects, Write
from bot.tasks.store import Store
from tests.support.tasks import make_request

COMMENT = EffectKind.COMMENT


class World:
    """Somewhere to write to, that counts."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.looked = 0

    async def find(self) -> dict[str, Any] | None:
        """The first thing written, if any."""
        self.looked += 1
        return {"id": 1} if self.written else None

    async def do(self) -> dict[str, Any]:
        """Write."""
        await asyncio.sleep(0.01)
        self.written.append("x")
        return {"id": len(self.written)}

    async def do_and_die(self) -> dict[str, Any]:
        """Write, and never come back to say so."""
        await self.do()
        raise ConnectionResetError

    async def die(self) -> dict[str, Any]:
        """Fail before anything is written."""
        raise ConnectionResetError


@pytest.fixture
def world() -> World:
    """Nothing written yet."""
    return World()


@pytest.fixture
async def run(store: Store) -> Run:
    """A run that holds its task."""
    task = await store.add_task(make_request())
    claimed = await store.claim(task.id, "w")
    assert claimed
    return claimed[1]


async def take_over(database: Database, store: Store, run: Run) -> Run:
    """The task's next run, on another worker."""
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET state = 'queued', lease_until = NULL"))
    claimed = await store.claim(run.task, "w2")
    assert claimed
    return claimed[1]


async def test_an_effect_is_done_once_and_remembered(store: Store, run: Run, world: World) -> None:
    effects = Effects(store, run)
    for _ in range(2):
        assert await effects.once("k", COMMENT, find=world.find, do=world.do) == {"id": 1}
    assert (world.written, world.looked) == (["x"], 0)
    known = await effects.get("k")
    assert known and known.done and known.answer == {"id": 1} and known.task == run.task
    assert await effects.get("other") is None


@pytest.mark.parametrize("death", ["do_and_die", "die"])
async def test_s15_after_a_crash_it_is_looked_up_before_it_is_repeated(
    store: Store, database: Database, run: Run, world: World, death: str
) -> None:
    with pytest.raises(ConnectionResetError):
        await Effects(store, run).once("k", COMMENT, find=world.find, do=getattr(world, death))
    following = Effects(store, await take_over(database, store, run))
    assert await following.once("k", COMMENT, find=world.find, do=world.do) == {"id": 1}
    assert (world.written, world.looked) == (["x"], 1)


async def test_s16_nothing_is_done_without_the_fence(
    store: Store, database: Database, run: Run, world: World
) -> None:
    zombie = Effects(store, run)
    with pytest.raises(ConnectionResetError):
        await zombie.once("begun", COMMENT, find=None, do=world.die)
    following = await take_over(database, store, run)
    for key in ("begun", "new"):
        with pytest.raises(LeaseLost):
            await zombie.once(key, COMMENT, find=world.find, do=world.do)
    assert world.written == [] and await zombie.get("new") is None
    await Effects(store, following).once("new", COMMENT, find=None, do=world.do)


async def test_what_was_done_as_the_lease_was_lost_is_remembered(
    store: Store, database: Database, run: Run, world: World
) -> None:
    async def do() -> dict[str, Any]:
        await take_over(database, store, run)
        return await world.do()

    await Effects(store, run).once("k", COMMENT, find=None, do=do)
    known = await Effects(store, run).get("k")
    assert known and known.done


async def test_without_a_run_the_key_is_locked(store: Store, world: World) -> None:
    answers = await asyncio.gather(
        *(Effects(store).once("refusal:7", COMMENT, find=world.find, do=world.do) for _ in range(5))
    )
    assert answers == [{"id": 1}] * 5
    assert world.written == ["x"]


async def test_without_a_run_a_failure_lets_go_of_the_key(store: Store, world: World) -> None:
    with pytest.raises(ConnectionResetError):
        await Effects(store).once("k", COMMENT, find=world.find, do=world.die)
    async with asyncio.timeout(30):
        assert await Effects(store).once("k", COMMENT, find=world.find, do=world.do) == {"id": 1}


async def test_writes_of_one_request_are_each_remembered(store: Store, database: Database, run: Run) -> None:
    """What was done is not done again; what was refused, or not told of, is looked for by the next run."""
    asked: list[set[str]] = []

    async def send(wanted: Set[str]) -> dict[str, dict[str, Any]]:
        asked.append(set(wanted))
        return {key: {"id": 1} for key in wanted if key != "refused"}

    async def die(wanted: Set[str]) -> dict[str, dict[str, Any]]:
        raise ConnectionResetError

    async def find() -> dict[str, Any]:
        return {"id": 9}

    writes = [Write(key=key, kind=COMMENT) for key in ("a", "refused")]
    effects = Effects(store, run)
    await effects.once_together(writes, send)
    later = [*writes, Write(key="b", kind=COMMENT, find=find), Write(key="c", kind=COMMENT)]
    with pytest.raises(ConnectionResetError):
        await effects.once_together(later, die)
    again = await take_over(database, store, run)
    with pytest.raises(LeaseLost):
        await effects.once_together(later, send)
    await Effects(store, again).once_together(later, send)
    assert asked == [{"a", "refused"}, {"refused", "c"}]
    known = await effects.get("b")
    assert known and known.done and known.answer == {"id": 9}, "it was found"
