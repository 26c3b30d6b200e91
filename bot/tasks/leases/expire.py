"""Leases that were not renewed in time expire: their tasks are queued again, or fail."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, case, func, literal, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import TaskState
from bot.tasks.database.tables import LOST, runs, tasks
from bot.tasks.transitions import change_state, follow_up, is_publishing

MAX_LEASES = 3  # of one task: after so many died workers or retries it fails
DIED = "the worker died three times"
SILENT = "the worker stopped answering"


async def expire_leases(connection: AsyncConnection, *, settle: float = 0) -> list[tuple[int, TaskState]]:
    """Take tasks from workers that did not renew their lease: queued again, or failed after MAX_LEASES.

    In the first ``settle`` seconds after a start of PostgreSQL none is taken: while it was away nobody could
    renew a lease. Returns each task's id and its new state.
    """
    given_up = tasks.c.attempts >= MAX_LEASES
    expired = (
        await connection.execute(
            update(tasks)
            .where(
                tasks.c.state == TaskState.RUNNING,
                tasks.c.lease_until < func.clock_timestamp(),
                func.pg_postmaster_start_time() < func.clock_timestamp() - timedelta(seconds=settle),
            )
            .values(
                state=case(
                    (
                        and_(tasks.c.cancel_asked, ~is_publishing()),
                        change_state(TaskState.RUNNING, to=TaskState.CANCELLED),
                    ),
                    (given_up, change_state(TaskState.RUNNING, to=TaskState.FAILED)),
                    else_=change_state(TaskState.RUNNING, to=TaskState.QUEUED),
                ),
                reason=case((given_up, literal(DIED)), else_=literal(SILENT)),
                lease_until=None,
                worker="",
                updated_at=func.now(),
            )
            .returning(tasks)
        )
    ).all()
    for row in expired:
        await connection.execute(
            update(runs)
            .where(runs.c.task == row.id, runs.c.ended_at.is_(None))
            .values(state=LOST, ended_at=func.now(), error=SILENT)
        )
        await follow_up(connection, row.id, TaskState(row.state), row.thread_key, row.priority)
    return [(row.id, TaskState(row.state)) for row in expired]
