"""Releases in the database: begun, moved on and back by what ended, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from bot.flags.known import FlagError
from bot.flags.listing import list_flags
from bot.flags.order import FlagOrder, begin
from bot.flags.records import Actor
from bot.flags.releases import StoredRelease, list_releases, step_releases, stop_release
from bot.flags.rules import Subject
from bot.flags.run_flags import ask_flags
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import audit
from bot.tasks.queue import Queue
from tests.support.releases import add_ended_tasks

ANN = Actor(login="ann")
PLAN = "1,10,50,100"


class Scene:
    """One release of the flag ``prompt``, looked at as a worker would."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def do(self, what: Callable[[Connection], Any]) -> Any:
        async with self.database.engine.begin() as connection:
            return await connection.run_sync(what)

    async def begin(self, value: str = "v2", *, steps: str = PLAN, hours: float = 0, **order: str) -> str:
        made = FlagOrder(**{"flag": "prompt", "value": value, "unit": "thread"} | order)
        said: str = await self.do(
            lambda sync: begin(sync, made, ANN, set(), steps=steps, hours=hours, margin=0.15)
        )
        return said

    async def look(self) -> StoredRelease:
        await self.do(step_releases)
        return await self.read()

    async def read(self) -> StoredRelease:
        found: list[StoredRelease] = await self.do(list_releases)
        return found[0]

    async def count(self, told: str | None) -> int:
        """How many of fifty threads are told this by the flag."""
        made = [
            await ask_flags(
                self.database.engine, Subject(installation=5, repository=11, person=7, thread=number)
            )
            for number in range(50)
        ]
        return sum(each.find_word("prompt") == told for each in made)

    async def list_audit(self) -> list[tuple[str, str, str]]:
        async with self.database.engine.connect() as connection:
            rows = await connection.execute(select(audit).order_by(audit.c.id))
            return [(row.login, row.action, row.outcome) for row in rows]


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


async def test_a_bad_prompt_steps_back_by_itself_and_says_why(scene: Scene) -> None:
    await scene.begin(steps="50,100", hours=24)
    assert 10 < await scene.count("v2") < 40
    await add_ended_tasks(scene.database, 1, taken=True, proved=2, failed=18)
    await add_ended_tasks(scene.database, 1, taken=False, proved=18, failed=2)
    now = await scene.look()
    assert (now.state, now.percent, await scene.count("v2")) == ("stepped back", 0.0, 0)
    assert now.reason.startswith("failed: 90% of 20 tasks, 10% of 20 of the rest (")
    assert "proved: 10% of 20 tasks, 90% of 20 of the rest" in now.reason
    login, action, outcome = (await scene.list_audit())[-1]
    assert (login, action, outcome) == ("the release's guard", "step back", now.reason)
    assert any("stepped back since" in line and "90%" in line for line in await scene.do(list_flags))
    assert await scene.look() == now, "it stays there"
    await scene.begin("v3", steps="50,100", hours=24)
    assert (await scene.read()).id == 2, "another may be tried"


async def test_a_good_one_goes_through_step_by_step_when_its_time_is_over(scene: Scene) -> None:
    await scene.begin(hours=24)
    assert (await scene.look()).percent == 1, "its time is not over"
    over = text("UPDATE releases SET step_at = now() - interval '25 hours'")
    for percent in (10, 50):
        await scene.do(lambda connection: connection.execute(over))
        assert (await scene.look()).percent == percent
    await scene.do(lambda connection: connection.execute(over))
    waits = await scene.look()
    assert waits.percent == 50 and "fewer than 10 tasks" in waits.reason
    for taken in (True, False):
        await add_ended_tasks(scene.database, 1, taken=taken, proved=15, failed=2)
    assert "it is not sure yet" in (await scene.look()).reason
    for taken in (True, False):
        await add_ended_tasks(scene.database, 1, taken=taken, proved=300, failed=40)
    done = await scene.look()
    assert (done.state, done.percent, await scene.count("v2")) == ("done", 100.0, 50)
    assert [each[1] for each in await scene.list_audit()] == (
        ["begin release", "step forward", "step forward", "set flag", "step forward"]
    )
    assert any(
        line.startswith("prompt = v2 for all (the release's guard") for line in await scene.do(list_flags)
    )


async def test_a_task_that_still_waits_counts_as_failed(scene: Scene) -> None:
    """A provider that is down makes tasks wait, and none fail."""
    await scene.begin(steps="50,100", hours=24)
    await scene.do(lambda sync: sync.execute(text("UPDATE releases SET began_at = now() - interval '1 day'")))
    await add_ended_tasks(scene.database, 1, taken=False, proved=20)
    await add_ended_tasks(scene.database, 1, taken=True, waiting=20)
    assert (await scene.look()).is_going, "they have just begun"
    await add_ended_tasks(scene.database, 1, taken=True, waiting=20, hours=3)
    assert (await scene.look()).state == "stepped back"


async def test_thumbs_down_on_its_pull_requests_step_it_back(scene: Scene) -> None:
    await scene.begin(steps="50,100", hours=24)
    for taken, down in ((True, 2), (False, 0)):
        await add_ended_tasks(scene.database, 1, taken=taken, proved=30)
        # Each task's pull request has its thumbs; of the release's all are disliked.
        await scene.do(
            lambda sync, down=down: sync.execute(
                text(
                    "WITH mine AS (UPDATE tasks SET pull = id WHERE pull = 0 RETURNING repo_id, pull)"
                    " INSERT INTO pull_ends (repo_id, pull, merged, thumbs_up, thumbs_down)"
                    " SELECT repo_id, pull, true, 1, :down FROM mine"
                ),
                {"down": down},
            )
        )
    now = await scene.look()
    assert now.state == "stepped back"
    assert now.reason.startswith("thumbs down: 100% of 30 tasks, 0% of 30 of the rest (")


async def test_a_unit_that_decides_for_its_side_is_named(scene: Scene, database: Database) -> None:
    stop = partial(stop_release, flag="prompt", by=ANN)
    await add_ended_tasks(database, 1, taken=True, proved=30)
    assert "--by thread" not in await scene.begin(unit="repository"), "few tasks say nothing"
    await scene.do(stop)
    await add_ended_tasks(database, 1, taken=True, proved=60)
    said = await scene.begin(unit="repository")
    assert "One repository has 100% of the tasks, and counts as one among others" in said
    await scene.do(stop)
    assert "--by thread" not in await scene.begin(unit="thread")


async def test_whole_repositories_are_compared_where_they_are_on_a_side(scene: Scene) -> None:
    await scene.begin(steps="50,100", hours=0, unit="repository")
    for repo in range(4):
        await add_ended_tasks(scene.database, 1, taken=True, failed=30, repo=repo)
    for repo in range(10, 15):
        await add_ended_tasks(scene.database, 1, taken=False, proved=18, failed=2, repo=repo)
    waits = await scene.look()
    assert waits.is_going and "its tasks are worse, and its units may be: failed: 100% of 120" in waits.reason
    for repo in range(4, 8):
        await add_ended_tasks(scene.database, 1, taken=True, failed=30, repo=repo)
    for repo in range(15, 20):
        await add_ended_tasks(scene.database, 1, taken=False, proved=18, failed=2, repo=repo)
    back = await scene.look()
    assert back.state == "stepped back" and ", of 8 units and 10 (" in back.reason


async def test_only_its_own_tasks_count(scene: Scene) -> None:
    await scene.begin(steps="50,100", hours=24)
    await add_ended_tasks(scene.database, 2, taken=True, failed=50)
    await add_ended_tasks(scene.database, 1, taken=True, failed=50, flag="model")
    await add_ended_tasks(scene.database, 1, taken=False, proved=50)
    assert (await scene.look()).is_going


async def test_one_release_of_a_flag_goes_on_at_a_time(scene: Scene) -> None:
    await scene.begin()
    with pytest.raises(FlagError, match="hob flags stop prompt"):
        await scene.begin("v3")
    await scene.do(lambda connection: stop_release(connection, "prompt", ANN))
    assert (await scene.read()).state == "stopped" and await scene.count(None) == 50
    with pytest.raises(FlagError, match="no release of prompt goes on"):
        await scene.do(lambda connection: stop_release(connection, "prompt", ANN))
    await scene.begin("v3", steps="100")
    assert await scene.count("v3") == 50 and (await scene.look()).state == "done"


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": "10,1,100"}, {"steps": "1,10"}, {"steps": ""}, {"steps": "0,100"}, {"steps": "1,ten,100"},
        {"hours": -1}, {"hours": float("nan")}, {"unit": "moon"}, {"audience": "x"}, {"flag": "prmpt"},
        {"value": ""},
    ],
)  # fmt: skip
async def test_what_is_no_release(scene: Scene, wrong: dict[str, Any]) -> None:
    with pytest.raises(FlagError):
        await scene.begin(**wrong)
    assert await scene.do(list_releases) == [] and await scene.list_audit() == []


async def test_the_queue_calls_every_minute(database: Database) -> None:
    called, stop = asyncio.Event(), asyncio.Event()

    async def tick() -> None:
        called.set()
        raise ValueError("it broke")

    async def nothing(_: object) -> None:
        return None

    queue = asyncio.create_task(
        Queue(database).run(on_delivery=nothing, on_task=nothing, every_minute=tick, concurrency=1, stop=stop)
    )
    await asyncio.wait_for(called.wait(), 90)
    stop.set()
    await queue
