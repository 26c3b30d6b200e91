"""Finding what no wake-up found: done every few seconds, by one worker at a time under an advisory lock."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import String, cast, column, func, or_, select, table, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import ColumnElement

from bot.domain import TERMINAL, TaskState
from bot.tasks.database.tables import deliveries, tasks
from bot.tasks.deletion.by_age import KEPT, Retention, delete_old_records
from bot.tasks.deletion.removed_installations import delete_removed_installations
from bot.tasks.deliveries.records import is_due
from bot.tasks.leases.expire import expire_leases
from bot.tasks.leases.next_task import is_claimable
from bot.tasks.steering import queue_late_steering
from bot.tasks.transitions import change_state
from bot.tasks.wake import wake_delivery, wake_notifier, wake_task

_LOCK = 7_240_002
_MAX_AT_ONCE = 200  # of each kind, so that one sweep stays short
_jobs = table(
    "procrastinate_jobs",
    column("queueing_lock"),
    column("status", String),
    column("task_name", String),
    column("args", JSONB),
)

# A job that a killed worker left behind, or that ended otherwise than by being deleted.
_PRUNE_JOBS = text("""
    DELETE FROM procrastinate_jobs AS job
    WHERE job.status NOT IN ('todo', 'doing')
       OR job.status = 'doing' AND NOT EXISTS (
            SELECT FROM procrastinate_workers AS worker
            WHERE worker.id = job.worker_id
              AND worker.last_heartbeat > clock_timestamp() - make_interval(secs => :silence))
""")
_PRUNE_WORKERS = text("SELECT procrastinate_prune_stalled_workers_v1(:silence)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepCounts:
    """How many rows a sweep repaired: expired leases, waits that are over, and rows without a job."""

    expired: int = 0
    resumed: int = 0
    deliveries: int = 0
    tasks: int = 0
    unnotified: int = 0
    late_steering: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


async def sweep(
    engine: AsyncEngine, *, silence: float = 15.0, settle: float = 0, retention: Retention = KEPT
) -> SweepCounts | None:
    """Requeue and wake what is stuck; None when another worker is sweeping.

    ``silence`` is after how many seconds without a sign a worker's jobs are taken from it, ``settle`` for how
    many after a start of PostgreSQL no lease ends.
    """
    async with engine.begin() as connection:
        if not await connection.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
            return None
        await connection.execute(_PRUNE_JOBS, {"silence": silence})
        await connection.execute(_PRUNE_WORKERS, {"silence": silence})
        await delete_old_records(connection, retention)
        await delete_removed_installations(connection)
        return SweepCounts(
            expired=len(await expire_leases(connection, settle=settle)),
            resumed=await _queue_waiting_tasks(connection),
            late_steering=await queue_late_steering(connection),
            deliveries=await _wake_deliveries(connection),
            tasks=await _wake_tasks(connection),
            unnotified=await _wake_notifiers(connection),
        )


async def _queue_waiting_tasks(connection: AsyncConnection) -> int:
    """Queue the waiting tasks whose wait is over; returns how many."""
    resumed = await connection.execute(
        update(tasks)
        .where(tasks.c.state == TaskState.WAITING, tasks.c.not_before <= func.clock_timestamp())
        .values(
            state=change_state(TaskState.WAITING, to=TaskState.QUEUED),
            not_before=None,
            updated_at=func.now(),
        )
    )
    return resumed.rowcount


def _has_job(prefix: str, key: ColumnElement[str], *states: str) -> ColumnElement[bool]:
    named = _jobs.c.queueing_lock == prefix + key
    return select(_jobs.c.queueing_lock).where(named, _is_in_state(*states)).exists()


def _is_in_state(*states: str) -> ColumnElement[bool]:
    return or_(*(_jobs.c.status == text(f"'{state}'") for state in states))


async def _wake_deliveries(connection: AsyncConnection) -> int:
    together = select(func.jsonb_array_elements_text(_jobs.c.args["guids"])).where(
        _jobs.c.task_name == "deliver_together", _is_in_state("todo", "doing")
    )
    lost = select(deliveries.c.guid).where(
        is_due(),
        ~_has_job("delivery:", deliveries.c.guid, "todo", "doing"),
        deliveries.c.guid.not_in(together),
    )
    found = (await connection.execute(lost.order_by(deliveries.c.received_at).limit(_MAX_AT_ONCE))).all()
    for row in found:
        await wake_delivery(connection, row.guid)
    return len(found)


async def _wake_tasks(connection: AsyncConnection) -> int:
    lost = select(tasks.c.id, tasks.c.priority).where(
        is_claimable(), ~_has_job("task:", cast(tasks.c.id, String), "todo")
    )
    query = lost.order_by(tasks.c.priority.desc(), tasks.c.id).limit(_MAX_AT_ONCE)
    found = (await connection.execute(query)).all()
    for row in found:
        await wake_task(connection, row.id, priority=row.priority)
    return len(found)


async def _wake_notifiers(connection: AsyncConnection) -> int:
    lost = select(tasks.c.id).where(
        tasks.c.told_at.is_(None),
        tasks.c.state.in_(TERMINAL),
        or_(tasks.c.not_before.is_(None), tasks.c.not_before <= func.clock_timestamp()),
        ~_has_job("tell:", cast(tasks.c.id, String), "todo", "doing"),
    )
    found = (await connection.execute(lost.limit(_MAX_AT_ONCE))).all()
    for row in found:
        await wake_notifier(connection, row.id)
    return len(found)
