"""Who works on a task: claimed under a lease and a fence, by the database's clock.

A lease runs out by itself when its worker dies. The fence is a number that every claim raises; every write of
a run names its own, so that a worker that was only asleep can no longer write when another has taken over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain import TERMINAL, Run, Task, TaskState
from bot.errors import LeaseLost
from bot.tasks.database.column_values import storable
from bot.tasks.database.tables import LOST, runs, tasks
from bot.tasks.database.transactions import retry_while_away
from bot.tasks.task_rows import task_of
from bot.tasks.transitions import change_state, close_attempts, follow_up, is_publishing, wake_next

LEASE = 60.0  # seconds that a run is left alone without a heartbeat
MAX_LEASES = 3  # of one task, before it is given up: so often its worker may die, or its run be retried
DIED = "the worker died three times"
SILENT = "the worker stopped answering"


def claimable() -> ColumnElement[bool]:
    """A queued task whose thread is free and that is the oldest one queued there."""
    other = tasks.alias("other")
    blocked = select(other.c.id).where(
        other.c.thread_key == tasks.c.thread_key,
        or_(
            other.c.state == TaskState.RUNNING,
            and_(other.c.state == TaskState.QUEUED, other.c.id < tasks.c.id),
        ),
    )
    return and_(
        tasks.c.state == TaskState.QUEUED,
        or_(tasks.c.not_before.is_(None), tasks.c.not_before <= func.clock_timestamp()),
        ~blocked.exists(),
    )


def held(run: Run) -> ColumnElement[bool]:
    """The run's task is still the run's; locks the row, so that it stays so until the transaction ends."""
    return (
        select(tasks.c.id)
        .where(tasks.c.id == run.task, tasks.c.fence == run.fence, tasks.c.state == TaskState.RUNNING)
        .with_for_update(read=True)
        .exists()
    )


def lost(run: Run) -> LeaseLost:
    """The error of a write that found the fence moved on."""
    return LeaseLost(f"run {run.id} no longer holds task {run.task} (fence {run.fence})")


def _in(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(seconds, (int, float)):
        return func.clock_timestamp() + timedelta(seconds=seconds)
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


# The statements of every run are built once: building one costs more than running it.
_MINE = and_(
    tasks.c.id == bindparam("of_task"),
    tasks.c.fence == bindparam("at_fence"),
    tasks.c.state == literal_column("'running'"),
)
_CLAIMED = (
    update(tasks)
    .where(tasks.c.id == bindparam("of_task"), claimable())
    .values(
        state=change_state(TaskState.QUEUED, to=TaskState.RUNNING),
        fence=tasks.c.fence + 1,
        attempts=tasks.c.attempts + 1,
        lease_until=_in(bindparam("lease", type_=Double)),
        worker=bindparam("by"),
        not_before=None,
        updated_at=func.now(),
    )
    .returning(tasks)
    .cte("claimed")
)
_BEGUN = (
    insert(runs)
    .from_select(
        ["task", "attempt", "fence", "worker"],
        select(_CLAIMED.c.id, _CLAIMED.c.fence, _CLAIMED.c.fence, _CLAIMED.c.worker),
    )
    .returning(runs.c.id, runs.c.task)
    .cte("begun")
)
_CLAIM = select(_CLAIMED, _BEGUN.c.id.label("run")).join(_BEGUN, _BEGUN.c.task == _CLAIMED.c.id)
_BEAT = (
    update(tasks)
    .where(_MINE)
    .values(lease_until=_in(bindparam("lease", type_=Double)))
    .returning(tasks.c.cancel_asked)
)
_LOOK = select(tasks.c.cancel_asked).where(_MINE)
_END_RUN = (
    update(runs).where(runs.c.id == bindparam("of_run")).values(state=bindparam("as"), ended_at=func.now())
)


def _of(run: Run, **more: Any) -> dict[str, Any]:
    return {"of_task": run.task, "at_fence": run.fence, **more}


class Claims:
    """Claiming, keeping and giving back tasks."""

    engine: AsyncEngine

    async def claim(self, task_id: int, worker: str, *, lease: float = LEASE) -> tuple[Task, Run] | None:
        """Take a queued task for ``lease`` seconds, or None when it is not there to be taken.

        It is not while another task of its thread runs, or while an older one is queued there.
        """
        names = {"of_task": task_id, "by": worker, "lease": lease}
        try:
            async with self.engine.begin() as connection:
                row = (await connection.execute(_CLAIM, names)).first()
        except IntegrityError:  # tasks_one_run_per_thread: a task of the thread was claimed in this moment
            return None
        if row is None:
            return None
        run = Run(id=row.run, task=row.id, fence=row.fence, worker=worker)
        return task_of(row), run

    async def heartbeat(self, run: Run, *, lease: float = LEASE) -> bool:
        """Keep the task for ``lease`` more seconds; True when it is to be cancelled. Raises LeaseLost."""
        async with self.engine.begin() as connection:
            row = (await connection.execute(_BEAT, _of(run, lease=lease))).first()
        if row is None:
            raise lost(run)
        return bool(row.cancel_asked)

    async def look(self, run: Run) -> bool:
        """Whether somebody asked to cancel, without prolonging the lease. Raises LeaseLost."""
        async with self.engine.connect() as connection:
            asked = await connection.scalar(_LOOK, _of(run))
        if asked is None:
            raise lost(run)
        return bool(asked)

    async def release(
        self,
        run: Run,
        to: TaskState,
        reason: str = "",
        *,
        after: float = 0,
        counted: bool = True,
        told: bool = True,
    ) -> TaskState:
        """End a run by putting its task into another state; returns the one it is in now.

        To ``queued`` or ``waiting`` with ``after``, it comes up again in so many seconds; waiting without
        stays until somebody moves it. A task that is to be cancelled is not queued again but cancelled,
        unless it is half published.
        With ``counted`` False the lease does not count (a rate limit, a worker that is shut down). An
        ended task that people were not ``told`` about is left to the queue's ``on_ended``. Raises
        LeaseLost, IllegalTransition.
        """
        change_state(TaskState.RUNNING, to=to)

        async def once() -> TaskState:
            async with self.engine.begin() as connection:
                return await _release(connection, run, to, storable(reason), after, counted, told)

        return await retry_while_away(once, seconds=20)


async def expire_leases(connection: AsyncConnection) -> list[tuple[int, TaskState]]:
    """Take tasks from workers that no longer answer: queued again, or failed after MAX_LEASES."""
    given_up = tasks.c.attempts >= MAX_LEASES
    expired = (
        await connection.execute(
            update(tasks)
            .where(tasks.c.state == TaskState.RUNNING, tasks.c.lease_until < func.clock_timestamp())
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


async def _release(
    connection: AsyncConnection, run: Run, to: TaskState, reason: str, after: float, counted: bool, told: bool
) -> TaskState:
    again = to not in TERMINAL
    stop = and_(tasks.c.cancel_asked, literal(again), ~is_publishing())
    row = (
        await connection.execute(
            update(tasks)
            .where(_MINE)
            .values(
                state=case(
                    (stop, change_state(TaskState.RUNNING, to=TaskState.CANCELLED)),
                    else_=change_state(TaskState.RUNNING, to=to),
                ),
                reason=reason,
                lease_until=None,
                worker="",
                not_before=_in(after) if again and after > 0 else None,
                attempts=tasks.c.attempts - (0 if counted else 1),
                told_at=func.now() if told and not again else None,
                updated_at=func.now(),
            )
            .returning(tasks.c.state, tasks.c.told_at, tasks.c.thread_key, tasks.c.priority),
            _of(run),
        )
    ).first()
    if row is None:
        return await _released_before(connection, run)
    state = TaskState(row.state)
    await connection.execute(_END_RUN, {"of_run": run.id, "as": state})
    if state in TERMINAL:
        await close_attempts(connection, run.task)
    if (after and state is TaskState.QUEUED) or row.told_at:
        await wake_next(connection, row.thread_key)
    else:
        await follow_up(connection, run.task, state, row.thread_key, row.priority)
    return state


async def _released_before(connection: AsyncConnection, run: Run) -> TaskState:
    """A release that is tried again after a lost connection may already have happened."""
    state = await connection.scalar(
        select(runs.c.state).where(runs.c.id == run.id, runs.c.ended_at.is_not(None), runs.c.state != LOST)
    )
    if state is None:
        raise lost(run)
    return TaskState(state)
