"""Words that steer a run: told to it, or, when they come too late for it, a task of their own."""

from __future__ import annotations

from dataclasses import replace

from bot.domain import Permission, Run, TaskState, Trigger
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.tasks import make_request


async def running(store: Store) -> tuple[Run, Trigger]:
    request = make_request()
    task = await store.add_task(request)
    claimed = await store.claim(task.id, "w")
    assert claimed
    assert request.event.trigger
    return claimed[1], replace(request.event.trigger, id=100, text="@hob also the docs")


async def test_words_reach_the_run_in_order(store: Store) -> None:
    run, words = await running(store)
    assert await store.steer(run.task, words, Permission.WRITE, delivery="d1")
    assert await store.steer(run.task, words, Permission.WRITE, delivery="d1")
    assert await store.steer(run.task, replace(words, id=101), Permission.WRITE, delivery="d2")
    told = await store.list_steering(run.task)
    assert [each.trigger.id for each in told] == [100, 101]
    assert await store.list_steering(run.task, told[-1].id) == []


async def test_words_that_come_too_late_become_a_task(store: Store) -> None:
    run, words = await running(store)
    await store.steer(run.task, words, Permission.WRITE, delivery="d1")
    first = await store.list_steering(run.task)
    await store.mark_steering_read(run, first[-1].id)
    await store.steer(run.task, replace(words, id=101, text="@hob one more"), Permission.WRITE, delivery="d2")
    await store.release(run, TaskState.DONE)
    swept = await sweep(store.engine)
    assert swept
    assert swept.late_steering == 1
    (late,) = [task for task in await store.list_tasks(10) if task.state is TaskState.QUEUED]
    assert (late.request, late.requester, late.trigger.id) == ("@hob one more", words.author, 101)
    again = await sweep(store.engine)
    assert not again or again.late_steering == 0


async def test_words_for_a_task_that_was_stopped_go_with_it(store: Store) -> None:
    run, words = await running(store)
    await store.steer(run.task, words, Permission.WRITE, delivery="d1")
    await store.release(run, TaskState.CANCELLED)
    swept = await sweep(store.engine)
    assert not swept or swept.late_steering == 0
    assert len(await store.list_tasks(10)) == 1


async def test_a_task_that_has_ended_takes_no_words(store: Store) -> None:
    run, words = await running(store)
    await store.release(run, TaskState.DONE)
    assert not await store.steer(run.task, words, Permission.WRITE, delivery="d1")
