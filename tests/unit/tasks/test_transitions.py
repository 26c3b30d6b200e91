"""Every step of a task's life, taken by the code that takes it; the database notes which were taken."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain import TRANSITIONS, Task, TaskState
from bot.run.pipeline import work
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from bot.tasks.transitions import IllegalTransition, change_state
from tests.support.pipeline import PipelineScene, store_end
from tests.support.tasks import make_request

QUEUED, RUNNING, WAITING = TaskState.QUEUED, TaskState.RUNNING, TaskState.WAITING
STEPS = [(state, to) for state, after in TRANSITIONS.items() for to in after]

NOTE_STEPS = (
    "CREATE TABLE steps (before text, after text)",
    """CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO steps VALUES (OLD.state, NEW.state); RETURN NEW; END $$""",
    """CREATE TRIGGER note_step AFTER UPDATE OF state ON tasks
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION note_step()""",
)


def answer(*value: Any) -> Callable[[int], Awaitable[Any]]:
    """What GitHub answers to a run's comment."""

    async def hook(number: int) -> Any:
        return value

    return hook


async def claim(scene: PipelineScene, task: Task) -> None:
    """A worker claims the task and meets a GitHub that cannot take its comment now."""
    scene.issues.on_comment = answer(409, {"message": "Conflict"})
    await work(scene.parts, task.id)


async def park(scene: PipelineScene, task: Task) -> None:
    """A run meets GitHub's rate limit."""
    scene.issues.on_comment = answer(429, {"message": "secondary rate limit"}, {"retry-after": "60"})
    await work(scene.parts, task.id)


async def resume(scene: PipelineScene, task: Task) -> None:
    """A task that waits is found by the sweep when its time has come."""
    await park(scene, task)
    async with scene.parts.store.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET not_before = now()"))
    await sweep(scene.parts.store.engine)


async def end(scene: PipelineScene, task: Task, state: TaskState) -> None:
    """A run ends its task."""
    await store_end(scene.parts.store, task.id, state)
    await work(scene.parts, task.id)


async def fail(scene: PipelineScene, task: Task) -> None:
    """A run is refused what it needs."""
    scene.issues.on_comment = answer(422, {"message": "Validation Failed"})
    await work(scene.parts, task.id)


async def stop_in_queue(scene: PipelineScene, task: Task) -> None:
    """A person stops a task that no worker has."""
    await scene.parts.store.ask_cancel(task.id)


async def stop_while_waiting(scene: PipelineScene, task: Task) -> None:
    """A person stops a task that waits."""
    await park(scene, task)
    await scene.parts.store.ask_cancel(task.id)


async def stop_while_running(scene: PipelineScene, task: Task) -> None:
    """A person stops a run."""

    async def stop(number: int) -> None:
        await scene.parts.store.ask_cancel(task.id)
        scene.issues.on_comment = answer()
        await asyncio.sleep(10)

    scene.issues.on_comment = stop
    await work(scene.parts, task.id)


DRIVERS: dict[tuple[TaskState, TaskState], Callable[[PipelineScene, Task], Awaitable[None]]] = {
    (QUEUED, RUNNING): claim,
    (QUEUED, TaskState.CANCELLED): stop_in_queue,
    (RUNNING, QUEUED): claim,
    (RUNNING, WAITING): park,
    (RUNNING, TaskState.DONE): lambda scene, task: end(scene, task, TaskState.DONE),
    (RUNNING, TaskState.FAILED): fail,
    (RUNNING, TaskState.CANCELLED): stop_while_running,
    (RUNNING, TaskState.REFUSED): lambda scene, task: end(scene, task, TaskState.REFUSED),
    (WAITING, QUEUED): resume,
    (WAITING, TaskState.CANCELLED): stop_while_waiting,
}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[0]}-{step[1]}")
async def test_every_step_is_taken_by_production_code(
    store: Store, database: Database, scene: PipelineScene, step: tuple[TaskState, TaskState]
) -> None:
    async with database.engine.begin() as connection:
        for statement in NOTE_STEPS:
            await connection.execute(text(statement))
    await DRIVERS[step](scene, await store.add_task(make_request()))
    async with database.engine.connect() as connection:
        rows = await connection.execute(text("SELECT before, after FROM steps"))
        taken = {(TaskState(row.before), TaskState(row.after)) for row in rows}
    assert step in taken and taken <= set(STEPS)


@pytest.mark.parametrize(
    ("before", "to"), [step for step in itertools.product(TaskState, TaskState) if step not in STEPS]
)
def test_no_statement_takes_a_step_that_the_table_lacks(before: TaskState, to: TaskState) -> None:
    with pytest.raises(IllegalTransition, match=f"a {before} task cannot become {to}"):
        change_state(before, to=to)


async def test_a_run_cannot_leave_its_task_running(store: Store) -> None:
    task = await store.add_task(make_request())
    claimed = await store.claim(task.id, "w")
    assert claimed
    with pytest.raises(IllegalTransition):
        await store.release(claimed[1], RUNNING)
