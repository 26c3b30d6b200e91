"""Leases: claims, fences, the keeper in the background, and what ends a body."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain import Phase, Run, Task, TaskState
from bot.errors import Cancelled, LeaseLost, Parked, Retry, UserError
from bot.tasks.attend import Body, attend
from bot.tasks.claims import DIED
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import AttemptState
from bot.tasks.lease import Lease, worker_name
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.tasks import asked


async def claimed(store: Store, lease: float = 60, **request: Any) -> tuple[Task, Run]:
    """A task that was just claimed."""
    task = await store.add_task(asked(**request))
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
    found = await store.task(task.id)
    assert found
    return found.state, found.reason


async def test_s22_a_thread_is_served_one_by_one_in_order(store: Store) -> None:
    first, second = [await store.add_task(asked(number=1)) for _ in range(2)]
    other = await store.add_task(asked(number=2))
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
    second = await store.add_task(asked(number=1))
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
        lambda: store.heartbeat(zombie),
        lambda: store.look(zombie),
        lambda: store.release(zombie, TaskState.DONE),
    ):
        with pytest.raises(LeaseLost):
            await write()
    assert [(run.state, run.diff) for run in await store.runs(task.id)] == [("lost", ""), ("running", "")]
    assert await store.turns(zombie.id) == []
    await store.release(again[1], TaskState.DONE)


async def test_s16_a_body_is_stopped_when_its_lease_is_taken(store: Store, database: Database) -> None:
    task, run = await claimed(store)
    went_on = False
    with pytest.raises(LeaseLost):
        async with Lease(store, run, look=0.02):
            await set_back(database)
            await sweep(database.engine)
            assert await store.claim(task.id, "w2")
            await asyncio.sleep(10)
            went_on = True
    assert not went_on


async def test_a_body_is_stopped_before_its_lease_ends_when_the_database_hangs(
    store: Store, database: Database
) -> None:
    _, run = await claimed(store, lease=0.6)
    async with database.engine.connect() as blocker:
        await blocker.execute(text("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"))
        started = time.monotonic()
        with pytest.raises(LeaseLost, match="could not prolong"):
            async with Lease(store, run, lease=0.6, beat=0.1, look=0.05):
                await asyncio.sleep(10)
        assert time.monotonic() - started < 8
        await blocker.rollback()


async def test_s25_leases_go_by_the_databases_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    task, run = await claimed(store)
    for skew in (3600, -3600):
        now = time.time() + skew
        monkeypatch.setattr(time, "time", lambda now=now: now)
        await sweep(store.engine)
        assert not await store.heartbeat(run)
        assert (await state_of(store, task))[0] is TaskState.RUNNING


async def test_s26_a_cancel_reaches_the_body_soon(store: Store) -> None:
    task, run = await claimed(store)
    started = 0.0
    with pytest.raises(Cancelled):
        async with Lease(store, run, look=0.2):
            started = time.monotonic()
            await store.ask_cancel(task.id)
            await asyncio.sleep(10)
    assert time.monotonic() - started < 8  # a second, when the machine is not busy


async def test_s26_a_cancel_comes_too_late_once_publishing_began(store: Store) -> None:
    task, run = await claimed(store)
    async with Lease(store, run, look=0.02) as lease:
        lease.commit()
        await store.ask_cancel(task.id)
        await asyncio.sleep(0.1)
    assert await store.release(run, TaskState.DONE) is TaskState.DONE


async def test_s17_a_body_without_progress_is_tried_again(store: Store) -> None:
    _, run = await claimed(store)
    with pytest.raises(Retry, match="no progress"):
        async with Lease(store, run, stall=0.2) as lease:
            for _ in range(3):
                await asyncio.sleep(0.1)
                lease.progress()
            await asyncio.sleep(10)


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
    poison = await store.add_task(asked(number=1))
    other = await store.add_task(asked(number=2))
    for attempt in range(3):
        assert await store.claim(poison.id, f"w{attempt}")
        await set_back(database)
        await sweep(database.engine)
    assert await state_of(store, poison) == (TaskState.FAILED, DIED)
    assert [run.state for run in await store.runs(poison.id)] == ["lost"] * 3
    assert await store.claim(other.id, "w")


def ending(error: Exception) -> Body:
    """A body that raises."""

    async def body(task: Task, run: Run, lease: Lease) -> tuple[TaskState, str]:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "state", "reason", "attempts"),
    [
        (Parked("rate limit", after=60), TaskState.WAITING, "rate limit", 0),
        (Retry("flaky", after=60), TaskState.QUEUED, "flaky", 1),
        (UserError("no such branch"), TaskState.FAILED, "no such branch", 1),
        (Cancelled("enough"), TaskState.CANCELLED, "enough", 1),
        (ZeroDivisionError("x"), TaskState.FAILED, "internal error: ZeroDivisionError", 1),
    ],
)
async def test_how_a_body_ends(
    store: Store, error: Exception, state: TaskState, reason: str, attempts: int
) -> None:
    task = await store.add_task(asked())
    assert await attend(store, task.id, worker="w", body=ending(error)) is state
    after = await store.task(task.id)
    assert after and (after.state, after.reason, after.attempts) == (state, reason, attempts)
    assert await attend(store, task.id, worker="w", body=ending(error)) is None


async def test_a_body_that_retries_for_ever_is_given_up(store: Store) -> None:
    task = await store.add_task(asked())
    body = ending(Retry("flaky", after=0))
    states = [await attend(store, task.id, worker="w", body=body) for _ in range(3)]
    assert states == [TaskState.QUEUED, TaskState.QUEUED, TaskState.FAILED]
    assert (await state_of(store, task))[1] == "gave up after 3 attempts: flaky"


async def test_a_body_that_returns(store: Store) -> None:
    task = await store.add_task(asked())

    async def body(task: Task, run: Run, lease: Lease) -> tuple[TaskState, str]:
        await store.set_phase(run, Phase.THINK)
        return TaskState.DONE, "pull request 4"

    assert await attend(store, task.id, worker=worker_name(), body=body) is TaskState.DONE
    assert await state_of(store, task) == (TaskState.DONE, "pull request 4")


async def test_a_body_whose_lease_is_lost_leaves_the_task_alone(store: Store, database: Database) -> None:
    task = await store.add_task(asked())

    async def body(task: Task, run: Run, lease: Lease) -> tuple[TaskState, str]:
        await set_back(database)
        await sweep(database.engine)
        await store.set_phase(run, Phase.THINK)
        raise AssertionError

    assert await attend(store, task.id, worker="w", body=body) is None
    assert (await state_of(store, task))[0] is TaskState.QUEUED
