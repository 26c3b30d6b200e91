"""A task's step from one state to another, and what has to happen in the same transaction.

Every statement that changes ``tasks.state`` takes the new value from ``change_state``, so that no code takes
a step that ``bot.domain.TRANSITIONS`` does not have.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import TERMINAL, TRANSITIONS, EffectKind, TaskState
from bot.errors import HobError
from bot.tasks.database.tables import AttemptState, attempts, effects, tasks
from bot.tasks.wake import wake_notifier, wake_task

LEFT = "the task ended before this attempt did"

_NEXT = (
    select(tasks.c.id, tasks.c.priority)
    .where(tasks.c.thread_key == bindparam("on"), tasks.c.state == literal_column("'queued'"))
    .order_by(tasks.c.id)
    .limit(1)
)


class IllegalTransition(HobError):
    """TRANSITIONS has no such step."""


def change_state(*before: TaskState, to: TaskState) -> ColumnElement[str]:
    """The new value of ``tasks.state`` for tasks that stand in one of the states ``before``.

    Raises IllegalTransition when TRANSITIONS has no step from one of them to ``to``.
    """
    for state in before:
        if to not in TRANSITIONS[state]:
            raise IllegalTransition(f"a {state} task cannot become {to}")
    return literal_column(f"'{to.value}'", Text)


def is_publishing() -> ColumnElement[bool]:
    """A task whose publication has begun: it is finished, since nobody could tell what half of it is."""
    begun = select(effects.c.key).where(effects.c.task == tasks.c.id, effects.c.kind == EffectKind.PUSH)
    return begun.correlate(tasks).exists()


async def follow_up(
    connection: AsyncConnection, task_id: int, to: TaskState, thread_key: str, priority: int
) -> None:
    """In the transaction that moved a task: wake the workers that have something to do now."""
    if to is TaskState.QUEUED:
        await wake_task(connection, task_id, priority=priority)
    if to in TERMINAL:
        await wake_notifier(connection, task_id)
        await close_attempts(connection, task_id)
    await wake_next(connection, thread_key)


async def close_attempts(connection: AsyncConnection, task_id: int) -> None:
    """Mark the attempts that an ended task left running as failed: nobody goes on with them."""
    left = attempts.c.maker == task_id, attempts.c.state == AttemptState.RUNNING
    given_up = {"state": AttemptState.FAILED, "error": LEFT, "ended_at": func.now()}
    await connection.execute(update(attempts).where(*left).values(**given_up))


async def wake_next(connection: AsyncConnection, thread_key: str) -> None:
    """Wake a worker for the oldest queued task of a thread, which may just have become claimable."""
    following = (await connection.execute(_NEXT, {"on": thread_key})).first()
    if following:
        await wake_task(connection, following.id, priority=following.priority)
