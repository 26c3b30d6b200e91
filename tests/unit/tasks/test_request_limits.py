"""How much may be asked for by a repository's own limits, once a request is a task."""

from __future__ import annotations

import pytest

from bot.domain import Task, TaskState
from bot.tasks.safety.limits import RequestLimits, find_exceeded_limit
from bot.tasks.store import Store
from tests.support.tasks import ALICE, make_request


async def exceeded(store: Store, task: Task, **limits: float) -> str:
    return await find_exceeded_limit(
        store,
        RequestLimits(**limits),  # type: ignore[arg-type]
        person=ALICE,
        repo=task.repo,
        installation=task.installation,
        task=task.id,
    )


@pytest.mark.parametrize("which", ["person", "repository", "installation"])
async def test_a_task_is_over_by_the_older_ones_alone(store: Store, which: str) -> None:
    first, second, third = [await store.add_task(make_request(number=n)) for n in (1, 2, 3)]
    assert not await exceeded(store, first, **{which: 1})
    assert "and there were 1" in await exceeded(store, second, **{which: 1})
    assert not await exceeded(store, second, **{which: 2})
    assert "and there were 2" in await exceeded(store, third, **{which: 2})
    assert not await exceeded(store, third)


async def test_a_person_counts_in_the_repository_alone(store: Store) -> None:
    await store.add_task(make_request(repo=12))
    here = await store.add_task(make_request(repo=11))
    assert not await exceeded(store, here, person=1, repository=1)
    assert await exceeded(store, here, installation=1)
    assert (await store.claim(here.id, "w")) is not None
    assert not await exceeded(store, here, person_usd=0.01, repository_usd=0.01)


async def test_what_is_refused_is_kept_with_its_reason_once(store: Store) -> None:
    task = await store.add_task(make_request())
    for _ in range(2):
        await store.note_refused_task(task, "too much", "a sentence with \x00 in it")
    await store.note_refused_task(task, "something else")
    assert await store.count_refusals() == {"too much": 1, "something else": 1}
    assert await store.list_open_tasks_of(ALICE.id, task.repo.id) == [task.id]
    assert await store.list_open_tasks_of(ALICE.id, 99) == []
    assert await store.ask_cancel(task.id) is TaskState.CANCELLED
    assert await store.list_open_tasks_of(ALICE.id) == []
