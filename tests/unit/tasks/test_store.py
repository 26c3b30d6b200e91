"""The store against a real PostgreSQL: deliveries, tasks, moves, runs, steering."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy import text

from bot.domain import (
    TERMINAL,
    ChangeKind,
    FileChange,
    Outcome,
    OutcomeKind,
    Permission,
    Phase,
    Proof,
    Run,
    Step,
    Task,
    TaskState,
    Usage,
)
from bot.errors import LeaseLost
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import DeliveryState
from bot.tasks.deliveries.records import MAX_TRIES
from bot.tasks.store import Store
from tests.support.tasks import ALICE, add_delivery, make_request


async def jobs(database: Database) -> list[tuple[str, dict[str, Any]]]:
    """The wake-ups that are waiting."""
    async with database.engine.connect() as connection:
        query = text("SELECT task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [(row.task_name, row.args) for row in await connection.execute(query)]


async def running(store: Store, **request: Any) -> tuple[Task, Run]:
    """A task that was just claimed."""
    task = await store.add_task(make_request(**request))
    claimed = await store.claim(task.id, "w1")
    assert claimed
    return claimed


async def test_s01_a_delivery_is_kept_byte_for_byte_with_its_wake_up(
    store: Store, database: Database
) -> None:
    body = b'{"a": "\xc3\xa9\r\n", "a": 2}'
    assert await add_delivery(store, "g1", "issues", body, {"x": "1\x00"}, action="opened") == "new"
    delivery = await store.get_delivery("g1")
    assert delivery is not None
    assert (delivery.body, delivery.state, delivery.action) == (body, DeliveryState.NEW, "opened")
    assert delivery.headers == {"x": "1\ufffd"}
    assert await jobs(database) == [("deliver", {"guid": "g1"})]
    assert await store.get_delivery("g2") is None


async def test_s04_fifty_at_once_with_one_guid_are_one(store: Store, database: Database) -> None:
    answers = await asyncio.gather(*(add_delivery(store, "g", "issues", b"{}", {}) for _ in range(50)))
    assert sorted(answers) == ["duplicate"] * 49 + ["new"]
    assert len(await jobs(database)) == 1


async def test_s05_the_first_body_of_a_guid_wins(store: Store, database: Database) -> None:
    await add_delivery(store, "g", "issues", b"{}", {})
    assert await add_delivery(store, "g", "issues", b"[]", {}) == "conflict"
    delivery = await store.get_delivery("g")
    assert delivery and delivery.body == b"{}"
    assert len(await jobs(database)) == 1


async def test_a_wake_up_that_fails_leaves_no_delivery(store: Store, database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE procrastinate_jobs RENAME TO hidden"))
    with pytest.raises(ConnectorException):
        await add_delivery(store, "g", "issues", b"{}", {})
    assert await store.get_delivery("g") is None


async def test_a_delivery_is_finished_once(store: Store) -> None:
    await add_delivery(store, "g", "issues", b"{}", {})
    assert await store.get_oldest_new_delivery_age() is not None
    assert await store.finish_delivery("g", DeliveryState.IGNORED, "nobody asked")
    assert not await store.finish_delivery("g", DeliveryState.HANDLED)
    delivery = await store.get_delivery("g")
    assert delivery and (delivery.state, delivery.reason) == (DeliveryState.IGNORED, "nobody asked")
    assert await store.get_oldest_new_delivery_age() is None


async def test_a_delivery_fails_after_its_tries_and_a_redelivery_takes_it_up(store: Store) -> None:
    await add_delivery(store, "g", "issues", b"{}", {})
    await store.postpone_delivery("g", "rate limit", after=60, counted=False)
    for _ in range(MAX_TRIES):
        await store.postpone_delivery("g", "bug", after=0)
    delivery = await store.get_delivery("g")
    assert delivery and (delivery.state, delivery.tries) == (DeliveryState.FAILED, MAX_TRIES)
    assert await add_delivery(store, "g", "issues", b"{}", {}) == "duplicate"
    delivery = await store.get_delivery("g")
    assert delivery and (delivery.state, delivery.tries) == (DeliveryState.NEW, 0)


async def test_a_delivery_waits_three_days_for_github(store: Store) -> None:
    await add_delivery(store, "g", "issues", b"{}", {})
    for days, state in ((2, DeliveryState.NEW), (2, DeliveryState.FAILED)):
        async with store.engine.begin() as connection:
            older = text("UPDATE deliveries SET received_at = received_at - make_interval(days => :days)")
            await connection.execute(older, {"days": days})
        await store.postpone_delivery("g", "GitHub is away", after=5, counted=False)
        delivery = await store.get_delivery("g")
        assert delivery
        assert (delivery.state, delivery.tries) == (state, 0)


async def test_a_task_comes_back_as_it_went_in(store: Store, database: Database) -> None:
    request = make_request(number=4, request="do \x00 it")
    task = await store.add_task(request)
    assert await store.get_task(task.id) == task
    assert task.repo == request.event.repo
    assert request.event.trigger and task.trigger.at == request.event.trigger.at
    assert task.trigger.text == "@hob do \ufffd it"
    assert task.thread.body == "See \ufffd and \ufffd."
    assert (task.request, task.requester, task.thread_key) == ("do \ufffd it", ALICE, "11#4")
    assert await jobs(database) == [("work", {"task": task.id})]
    assert await store.get_task(task.id + 1) is None


async def test_the_same_request_of_a_delivery_is_one_task(store: Store) -> None:
    request = make_request()
    first, again = await asyncio.gather(store.add_task(request), store.add_task(request))
    other = await store.add_task(request, ordinal=1)
    assert first == again and other.id != first.id


async def test_lists(store: Store) -> None:
    made = [await store.add_task(make_request(number=number)) for number in (1, 2, 1)]
    await store.ask_cancel(made[1].id)
    ids = [task.id for task in made]
    assert [task.id for task in await store.list_tasks(2)] == ids[:0:-1]
    assert [task.id for task in await store.list_tasks(9, before=ids[2])] == ids[1::-1]
    assert [task.id for task in await store.list_tasks(9, state=TaskState.CANCELLED)] == [ids[1]]
    assert await store.list_tasks(9, repo="octo/other") == []
    assert [task.id for task in await store.list_tasks_on("11#1")] == [ids[0], ids[2]]
    assert await store.count_tasks_by_state() == {"queued": 2, "running": 0, "waiting": 0}


async def test_s26_cancel_ends_an_idle_task_and_asks_a_running_one(store: Store, database: Database) -> None:
    idle = await store.add_task(make_request(number=1))
    assert await store.ask_cancel(idle.id) is TaskState.CANCELLED
    assert ("tell", {"task": idle.id}) in await jobs(database)
    assert await store.claim(idle.id, "w") is None
    task, run = await running(store, number=2)
    assert await store.ask_cancel(task.id) is TaskState.RUNNING
    assert await store.is_cancel_requested(run) and await store.renew_lease(run)
    assert await store.release(run, TaskState.QUEUED, "again") is TaskState.CANCELLED
    assert await store.ask_cancel(task.id) is TaskState.CANCELLED
    with pytest.raises(LookupError):
        await store.ask_cancel(10**9)


async def test_what_is_of_a_run_and_its_task_is_stored_on_both_or_on_none(store: Store) -> None:
    task, run = await running(store)
    await store.set_base(run, "abc", branch="hob/3-x")
    await store.finish_run(run, proof=Proof(base="abc"))
    there = await store.get_task(task.id)
    (record,) = await store.list_runs(task.id)
    assert (record.base_sha, there and there.branch) == ("abc", "hob/3-x")
    assert record.proof and record.proof["base"] == "abc"
    with pytest.raises(LeaseLost):
        await store.set_base(replace(run, id=run.id + 1000), "def", branch="hob/3-y")
    await store.release(run, TaskState.QUEUED)
    with pytest.raises(LeaseLost):
        await store.set_base(run, "def", branch="hob/3-y")
    there = await store.get_task(task.id)
    (record,) = await store.list_runs(task.id)
    assert (record.base_sha, there and there.branch) == ("abc", "hob/3-x")


async def test_what_a_run_leaves_behind(store: Store) -> None:
    task, run = await running(store)
    await store.set_phase(run, Phase.PREPARE)
    await store.set_base(run, "abc")
    await store.set_plan(run, [Step(text="look")])
    attempt = (await store.begin_attempt(run)).id
    await store.add_turn(run, attempt, 0, {"says": "a\x00", "cost": float("nan")})
    await store.add_turn(run, attempt, 1, {"says": "b"})
    await store.add_turn(run, attempt, 1, {"says": "c"})
    change = FileChange(path="a\udcff", kind=ChangeKind.ADDED, mode=0o100644, data=b"\x00\xff")
    await store.save_changes(run, {"files": [change]})
    await store.update_task(run, progress_comment=12, pull=8)
    await store.set_base(run, "abc", branch="hob/3-x")
    await store.finish_run(
        run,
        outcome=Outcome(kind=OutcomeKind.CHANGED, title="T"),
        diff="-\x00",
        proof=Proof(base="abc"),
        usage=Usage(turns=2),
        error="e",
    )
    assert await store.release(run, TaskState.DONE) is TaskState.DONE
    (record,) = await store.list_runs(task.id)
    assert record == await store.get_run(run.id)
    assert (record.phase, record.base_sha, record.state, record.diff) == (
        Phase.PREPARE,
        "abc",
        "done",
        "-\ufffd",
    )
    assert record.plan == [{"text": "look", "state": "todo"}]
    assert record.outcome and record.outcome["title"] == "T" and record.ended_at
    assert [turn.record["says"] for turn in await store.list_turns(run.id)] == ["a\ufffd", "c"]
    assert [turn.seq for turn in await store.list_turns(run.id, after=0)] == [1]
    kept = await store.load_changes(task.id)
    assert kept == {"files": [{"path": "a\udcff", "kind": "added", "mode": 0o100644, "data": b"\x00\xff"}]}
    ended = await store.get_task(task.id)
    assert ended and (ended.progress_comment, ended.branch, ended.pull) == (12, "hob/3-x", 8)
    assert await store.load_changes(task.id + 1) is None and await store.get_run(run.id + 1) is None


async def test_steering_reaches_an_open_task_only(store: Store) -> None:
    task, run = await running(store)
    words = task.trigger
    assert await store.steer(task.id, words, Permission.WRITE, delivery="d1")
    assert await store.steer(task.id, words, Permission.WRITE, delivery="d1")
    assert await store.steer(task.id, words, Permission.READ, delivery="d2")
    first, second = await store.list_steering(task.id)
    assert (first.trigger, first.permission, second.permission) == (words, Permission.WRITE, Permission.READ)
    assert await store.list_steering(task.id, after=first.id) == [second]
    await store.release(run, TaskState.DONE)
    assert not await store.steer(task.id, words, Permission.WRITE, delivery="d3")


def test_states_are_ended_or_open() -> None:
    assert {TaskState.DONE, TaskState.FAILED} < TERMINAL
