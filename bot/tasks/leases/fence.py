"""Whether a run still holds its task, as a condition of each of its writes.

The fence is a number that every claim raises. Every write of a run names its own fence, so that a worker that
was only asleep can no longer write once another worker has claimed the task.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, bindparam, literal_column, select

from bot.domain import Run, TaskState
from bot.errors import LeaseLost
from bot.tasks.database.tables import tasks

RUNNING = literal_column("'running'", Text)


def is_mine() -> ColumnElement[bool]:
    """The SQL condition that a task is held by the run that ``name_lease`` gives as parameters."""
    return and_(
        tasks.c.id == bindparam("of_task"),
        tasks.c.fence == bindparam("at_fence"),
        tasks.c.state == RUNNING,
    )


def is_held(run: Run) -> ColumnElement[bool]:
    """The SQL condition that the run still holds its task.

    It locks the task's row, so that this stays true until the transaction ends.
    """
    return (
        select(tasks.c.id)
        .where(tasks.c.id == run.task, tasks.c.fence == run.fence, tasks.c.state == TaskState.RUNNING)
        .with_for_update(read=True)
        .exists()
    )


def make_lease_lost(run: Run) -> LeaseLost:
    """The error of a write that found its run no longer holds the task."""
    return LeaseLost(f"run {run.id} no longer holds task {run.task} (fence {run.fence})")


def name_lease(run: Run, **more: Any) -> dict[str, Any]:
    """The parameters of a statement that is about a run's lease, and ``more``."""
    return {"of_task": run.task, "at_fence": run.fence, **more}
