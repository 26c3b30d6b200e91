"""Leases: claims, fences, the keeper in the background, and what ends a body."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.domain import Phase, Run, Task, TaskState
from bot.errors import Cancelled, LeaseLost
from bot.run.pipeline import work
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import AttemptState
from bot.tasks.leases.expire import DIED
from bot.tasks.leases.renew import CancelLooks, Lease, worker_name
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.pipeline import PipelineScene, store_changes, store_end
from tests.support.tasks import make_request, until


async def claimed(store: Store, lease: float = 60, **request: Any) -> tuple[Task, Run]:
    """A task that was just claimed."""
    task = await store.add_task(make_request(**request))
    found = await store.claim(task.id, "w1", lease=lease)
    assert found
    return found


async def set_back(database: Database) -> None:
    """Let every lease run out."""
    async with database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE tasks SET lease_until = now() - interval '1 s' WHERE state = 'running'")
        )


async def state_of(store: Store, task: Task) -> tuple[TaskState, str]:
    """Where a task stands, and why."""
    found = await store.get_task(task.id)
    assert found
    return found.state, found.reason


async def test_s22_a_thread_is_served_one_by_one_in_order(store: Store) -> None:
    first, second = [await store.add_task(make_request(number=1)) for _ in range(2)]
    other = await store.add_task(make_request(number=2))
    assert await store.claim(second.id, "w") is None
    answers = await asyncio.gather(*(store.claim(first.id, f"w{number}") for number in range(8)))
    (mine,) = [answer for answer in answers if answer]
    assert await store.claim(second.id, "w") is None
    assert await store.claim(other.id, "w")
    await store.release(mine[1], TaskState.DONE)
    assert await store.claim(first.id, "w") is None
    assert await store.claim(second.id, "w")


async def test_s22_a_claim_that_missed_another_of_its_thread_is_refused(
    store: Store, database: Database
) -> None:
    parked, run = await claimed(store, number=1)
    await store.release(run, TaskState.WAITING)
    second = await store.add_task(make_request(number=1))
    async with database.engine.connect() as other:
        await other.execute(
            text("UPDATE tasks SET state = 'running', lease_until = now() WHERE id = :id"), {"id": parked.id}
        )
        claim = asyncio.create_task(store.claim(second.id, "w"))  # does not see it and waits for the index
        done, _ = await asyncio.wait({claim}, timeout=0.2)
        assert not done
        await other.commit()
    assert await claim is None


async def test_s16_a_worker_that_slept_can_write_nothing_more(store: Store, database: Database) -> None:
    task, zombie = await claimed(store)
    attempt = await store.begin_attempt(zombie)
    await set_back(database)
    swept = await sweep(database.engine)
    assert swept and swept.expired == 1
    for write in (
        lambda: store.set_phase(zombie, Phase.PUBLISH),  # nobody has it now
        lambda: store.add_turn(zombie, attempt.id, 0, {}),
    ):
        with pytest.raises(LeaseLost):
            await write()
    again = await store.claim(task.id, "w2")
    assert again and again[1].fence == zombie.fence + 1
    for write in (
        lambda: store.set_phase(zombie, Phase.PUBLISH),
        lambda: store.add_turn(zombie, attempt.id, 0, {}),
        lambda: store.begin_attempt(zombie),
        lambda: store.end_attempt(zombie, attempt.id, AttemptState.ENDED),
        lambda: store.save_changes(zombie, {}),
        lambda: store.finish_run(zombie, diff="x"),
        lambda: store.update_task(zombie, pull=1),
        lambda: store.renew_lease(zombie),
        lambda: store.is_cancel_requested(zombie),
        lambda: store.release(zombie, TaskState.DONE),
    ):
        with pytest.raises(LeaseLost):
            await write()
    assert [(run.state, run.diff) for run in await store.list_runs(task.id)] == [
        ("lost", ""),
        ("running", ""),
    ]
    assert await store.list_turns(zombie.id) == []
    await store.release(again[1], TaskState.DONE)


async def test_s16_a_body_is_stopped_when_its_lease_is_taken(store: Store, database: Database) -> None:
    task, run = await claimed(store)
    went_on = False
    with pytest.raises(LeaseLost):
        async with Lease(store, run, look=0.02):
            await set_back(database)
            await sweep(database.engine)
            assert await store.claim(task.id, "w2")
            await asyncio.sleep(60)
            went_on = True
    assert not went_on


async def test_a_body_is_stopped_before_its_lease_ends_when_the_database_hangs(
    store: Store, database: Database
) -> None:
    _, run = await claimed(store, lease=0.6)
    went_on = False
    async with database.engine.connect() as blocker:
        await blocker.execute(text("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(LeaseLost, match="could not renew"):
            async with Lease(store, run, lease=0.6, beat=0.1, look=0.05):
                await asyncio.sleep(60)
                went_on = True
        await blocker.rollback()
    assert not went_on


async def test_s25_leases_go_by_the_databases_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    task, run = await claimed(store)
    for skew in (3600, -3600):
        now = time.time() + skew
        monkeypatch.setattr(time, "time", lambda now=now: now)
        await sweep(store.engine)
        assert not await store.renew_lease(run)
        assert (await state_of(store, task))[0] is TaskState.RUNNING


async def test_s26_a_cancel_reaches_the_body_soon(store: Store) -> None:
    task, run = await claimed(store)
    went_on = False
    with pytest.raises(Cancelled):
        async with Lease(store, run, look=0.2):
            await store.ask_cancel(task.id)
            await asyncio.sleep(60)
            went_on = True
    assert not went_on


async def test_the_leases_of_a_worker_look_for_cancels_in_one_query(store: Store, database: Database) -> None:
    """One is asked to stop, one has lost its lease, and the others go on."""
    runs = [(await claimed(store, number=number))[1] for number in range(1, 9)]
    await store.ask_cancel(runs[0].task)
    lost = replace(runs[1], fence=runs[1].fence - 1)
    asked: list[str] = []
    event.listen(
        database.engine.sync_engine, "before_cursor_execute", lambda *call: asked.append(str(call[2]))
    )
    looks = CancelLooks(store)
    answers = await asyncio.gather(
        *(looks.is_cancel_requested(run) for run in (runs[0], lost, *runs[2:])), return_exceptions=True
    )
    assert answers[0] is True
    assert isinstance(answers[1], LeaseLost)
    assert answers[2:] == [False] * 6
    assert len(asked) == 1, asked


async def test_another_lease_asks_again_when_the_one_that_asks_for_all_is_interrupted(store: Store) -> None:
    first, second = [(await claimed(store, number=number))[1] for number in (1, 2)]
    looks = CancelLooks(store)
    asking = asyncio.create_task(looks.is_cancel_requested(first))
    waiting = asyncio.create_task(looks.is_cancel_requested(second))
    await asyncio.sleep(0)
    asking.cancel()
    assert await waiting is False
    assert asking.cancelled()


async def test_s26_a_cancel_comes_too_late_once_publishing_began(store: Store) -> None:
    task, run = await claimed(store)
    async with Lease(store, run, look=0.02) as lease:
        lease.commit()
        await store.ask_cancel(task.id)
        await asyncio.sleep(0.1)
    assert await store.release(run, TaskState.DONE) is TaskState.DONE


async def test_the_lease_is_prolonged_while_the_body_works(store: Store, database: Database) -> None:
    task, run = await claimed(store, lease=1.0)
    async with Lease(store, run, lease=1.0, beat=0.05, look=0.02):
        for _ in range(6):
            await asyncio.sleep(0.2)
            await sweep(database.engine)
    assert (await state_of(store, task))[0] is TaskState.RUNNING


async def test_a_cancel_from_outside_stays_one(store: Store) -> None:
    _, run = await claimed(store)

    async def body() -> None:
        async with Lease(store, run):
            await asyncio.sleep(10)

    task = asyncio.create_task(body())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_bodys_own_error_passes(store: Store) -> None:
    _, run = await claimed(store)
    with pytest.raises(KeyError):
        async with Lease(store, run):
            raise KeyError


async def test_s21_a_task_that_kills_its_worker_three_times_fails(store: Store, database: Database) -> None:
    poison = await store.add_task(make_request(number=1))
    other = await store.add_task(make_request(number=2))
    for attempt in range(3):
        assert await store.claim(poison.id, f"w{attempt}")
        await set_back(database)
        await sweep(database.engine)
    assert await state_of(store, poison) == (TaskState.FAILED, DIED)
    assert [run.state for run in await store.list_runs(poison.id)] == ["lost"] * 3
    assert await store.claim(other.id, "w")


LIMITED = (429, {"message": "secondary rate limit"}, {"retry-after": "60"})
AWAY = (502, {"message": "Bad Gateway"})
CONFLICT = (409, {"message": "Conflict"})
FORBIDDEN = (403, {"message": "Resource not accessible by integration"})
REJECTED = (422, {"message": "Validation Failed"})


def answer(value: Any) -> Callable[[int], Awaitable[Any]]:
    """A hook that answers the same to every comment."""

    async def hook(number: int) -> Any:
        return value

    return hook


@pytest.mark.parametrize(
    ("reply", "state", "reason", "leases"),
    [
        (LIMITED, TaskState.WAITING, "rate limit is reached", 0),
        (AWAY, TaskState.WAITING, "it may have been done", 0),
        (FORBIDDEN, TaskState.WAITING, "permission", 0),
        (CONFLICT, TaskState.QUEUED, "GitHub answered 409", 1),
        (REJECTED, TaskState.FAILED, "GitHub refused", 1),
    ],
)
async def test_how_a_run_ends_whose_comment_github_does_not_take(
    store: Store, scene: PipelineScene, reply: Any, state: TaskState, reason: str, leases: int
) -> None:
    task = await store.add_task(make_request())
    scene.issues.on_comment = answer(reply)
    await work(scene.parts, task.id)
    after = await store.get_task(task.id)
    assert after and (after.state, after.leases_taken) == (state, leases) and reason in after.reason
    await work(scene.parts, task.id)
    assert await store.get_task(task.id) == after


async def test_a_run_that_meets_a_bug_fails_and_says_so(store: Store, scene: PipelineScene) -> None:
    task = await store.add_task(make_request())
    await store_changes(store, task.id, {"ended": {"state": "no such state"}})
    await work(scene.parts, task.id)
    assert await state_of(store, task) == (TaskState.FAILED, "internal error: ValidationError")
    assert "An error inside Hob" in scene.issues.bodies[3][0]


async def test_s26_a_person_stops_a_run(store: Store, scene: PipelineScene) -> None:
    task = await store.add_task(make_request())

    async def stop(number: int) -> None:
        await store.ask_cancel(task.id)
        scene.issues.on_comment = answer(None)
        await asyncio.sleep(10)

    scene.issues.on_comment = stop
    await work(scene.parts, task.id)
    assert await state_of(store, task) == (TaskState.CANCELLED, "stopped by a person")


async def test_a_run_that_is_retried_for_ever_is_given_up(
    store: Store, scene: PipelineScene, database: Database
) -> None:
    task = await store.add_task(make_request())
    scene.issues.on_comment = answer(CONFLICT)
    states = []
    for _ in range(3):
        await work(scene.parts, task.id)
        states.append((await state_of(store, task))[0])
        async with database.engine.begin() as connection:
            await connection.execute(text("UPDATE tasks SET not_before = NULL"))
    assert states == [TaskState.QUEUED, TaskState.QUEUED, TaskState.FAILED]


async def test_a_run_that_ends(store: Store, scene: PipelineScene) -> None:
    task = await store.add_task(make_request())
    await store_end(store, task.id, TaskState.DONE, "pull request 4")
    name = worker_name()
    await work(replace(scene.parts, worker=name), task.id)
    assert await state_of(store, task) == (TaskState.DONE, "pull request 4")
    (comment,) = scene.issues.bodies[3]
    assert "It has ended." in comment
    earlier, run = await store.list_runs(task.id)
    assert (earlier.state, run.state, run.worker) == ("lost", "done", name)


async def test_a_run_whose_lease_is_lost_leaves_the_task_alone(
    store: Store, scene: PipelineScene, database: Database
) -> None:
    task = await store.add_task(make_request())

    async def lose(number: int) -> None:
        await set_back(database)
        await sweep(database.engine)

    scene.issues.on_comment = lose
    await work(scene.parts, task.id)
    assert (await state_of(store, task))[0] is TaskState.QUEUED
    assert [run.state for run in await store.list_runs(task.id)] == ["lost"]


async def test_s27_a_worker_that_is_cancelled_twice_still_gives_its_task_back(
    store: Store, scene: PipelineScene, database: Database
) -> None:
    task, begun, go_on = await store.add_task(make_request()), asyncio.Event(), asyncio.Event()

    async def wait(number: int) -> None:
        begun.set()
        await go_on.wait()

    scene.issues.on_comment = wait
    working = asyncio.create_task(work(scene.parts, task.id))
    await begun.wait()
    async with database.engine.connect() as blocker:
        await blocker.execute(text("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE"))  # the release has to wait
        working.cancel()
        await until(lambda: waiting_for_a_lock(database))
        working.cancel()
        await asyncio.wait({working})
        assert working.cancelled()
        await blocker.rollback()

    async def released() -> bool:
        return (await state_of(store, task))[0] is not TaskState.RUNNING

    await until(released)
    assert await state_of(store, task) == (TaskState.QUEUED, "the worker was shut down")
    go_on.set()


async def waiting_for_a_lock(database: Database) -> bool:
    """Whether a connection to the database waits for a lock."""
    waits = "wait_event_type = 'Lock' AND datname = current_database()"
    async with database.engine.connect() as connection:
        return bool(await connection.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {waits}")))
