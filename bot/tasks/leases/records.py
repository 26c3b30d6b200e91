"""The leases of tasks in the database: claimed, renewed, looked at, given back, by the database's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Double,
    and_,
    any_,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import ReturningUpdate

from bot.domain import TERMINAL, Run, Task, TaskState
from bot.tasks.database.column_values import storable
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import LOST, runs, tasks
from bot.tasks.database.transactions import retry_while_away
from bot.tasks.leases.fence import RUNNING, is_mine, make_lease_lost, name_lease
from bot.tasks.leases.next_task import FAIR_CHOICE, is_claimable, select_pauses
from bot.tasks.task_rows import build_task
from bot.tasks.transitions import change_state, close_attempts, follow_up, is_publishing, wake_next

LEASE = 15.0  # seconds after which a task is taken from a worker that has not renewed its lease


def _seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(seconds, (int, float)):
        return func.clock_timestamp() + timedelta(seconds=seconds)
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


# Statements that every run needs are built once: building one costs more than running it.
_TAKEN_TASK = (
    update(tasks)
    .where(tasks.c.id == bindparam("of_task"), is_claimable())
    .values(
        state=change_state(TaskState.QUEUED, to=TaskState.RUNNING),
        fence=tasks.c.fence + 1,
        attempts=tasks.c.attempts + 1,
        lease_until=_seconds_from_now(bindparam("lease", type_=Double)),
        worker=bindparam("by"),
        not_before=None,
        updated_at=func.now(),
    )
    .returning(tasks)
    .cte("claimed")
)
_NEW_RUN = (
    insert(runs)
    .from_select(
        ["task", "attempt", "fence", "worker"],
        select(_TAKEN_TASK.c.id, _TAKEN_TASK.c.fence, _TAKEN_TASK.c.fence, _TAKEN_TASK.c.worker),
    )
    .returning(runs.c.id, runs.c.task)
    .cte("begun")
)
_CLAIM = select(_TAKEN_TASK, _NEW_RUN.c.id.label("run")).join(_NEW_RUN, _NEW_RUN.c.task == _TAKEN_TASK.c.id)
_PAUSED = select_pauses(
    bindparam("installation", type_=BigInteger), bindparam("repository", type_=BigInteger)
).limit(1)


def make_renewal() -> ReturningUpdate[Any]:
    """The statement that holds a task for more seconds; it returns nothing where the run lost its lease."""
    until = _seconds_from_now(bindparam("lease", type_=Double))
    return (
        update(tasks).where(is_mine()).values(lease_until=until).returning(tasks.c.id, tasks.c.cancel_asked)
    )


_RENEW = make_renewal()
_CANCEL_ASKED = select(tasks.c.cancel_asked).where(is_mine())
_CANCELS_ASKED = select(tasks.c.id, tasks.c.fence, tasks.c.cancel_asked).where(
    tasks.c.id == any_(bindparam("of_tasks", type_=ARRAY(BigInteger))),
    tasks.c.state == RUNNING,
)
_END_RUN = (
    update(runs).where(runs.c.id == bindparam("of_run")).values(state=bindparam("as"), ended_at=func.now())
)


class LeaseRecords:
    """The lease of a task: claimed, renewed, released."""

    engine: AsyncEngine

    async def find_next_task(self, *, started: Iterable[int] = ()) -> int | None:
        """The task whose turn it is among those that could be claimed now; None when there is none.

        ``started`` are tasks that the caller is about to claim, and which are passed over.
        """
        async with read_from(self.engine) as connection:
            found: int | None = await connection.scalar(FAIR_CHOICE, {"started": list(started)})
        return found

    async def claim(self, task_id: int, worker: str, *, lease: float = LEASE) -> tuple[Task, Run] | None:
        """Claim a queued task for ``lease`` seconds and begin a run of it; None when it cannot be claimed.

        It cannot while another task of its thread runs, or while an older one is queued there. Where this
        waited for a lock, a pause may have been committed meanwhile: it is looked for once more.
        """
        names = {"of_task": task_id, "by": worker, "lease": lease}
        try:
            async with self.engine.begin() as connection:
                row = (await connection.execute(_CLAIM, names)).first()
                where = {"installation": row.installation, "repository": row.repo_id} if row else {}
                if row is not None and await connection.scalar(_PAUSED, where) is not None:
                    await connection.rollback()
                    return None
        except IntegrityError:  # tasks_one_run_per_thread: a task of the thread was claimed in this moment
            return None
        if row is None:
            return None
        run = Run(id=row.run, task=row.id, fence=row.fence, worker=worker)
        return build_task(row), run

    async def renew_lease(self, run: Run, *, lease: float = LEASE) -> bool:
        """Hold the task for ``lease`` more seconds; returns whether to cancel it. Raises LeaseLost."""
        async with write_to(self.engine) as connection:
            row = (await connection.execute(_RENEW, name_lease(run, lease=lease))).first()
        if row is None:
            raise make_lease_lost(run)
        return bool(row.cancel_asked)

    async def is_cancel_requested(self, run: Run) -> bool:
        """Whether the task is to be cancelled; the lease is not renewed. Raises LeaseLost."""
        async with read_from(self.engine) as connection:
            asked = await connection.scalar(_CANCEL_ASKED, name_lease(run))
        if asked is None:
            raise make_lease_lost(run)
        return bool(asked)

    async def find_cancels(self, runs_held: Iterable[Run]) -> dict[Run, bool]:
        """The same of many runs in one query; one that lost its lease is not among them."""
        asked_of = {run.task: run for run in runs_held}
        async with read_from(self.engine) as connection:
            rows = await connection.execute(_CANCELS_ASKED, {"of_tasks": list(asked_of)})
        found = {row.id: row for row in rows}
        return {
            run: bool(row.cancel_asked)
            for task, run in asked_of.items()
            if (row := found.get(task)) is not None and row.fence == run.fence
        }

    async def release(
        self,
        run: Run,
        to: TaskState,
        reason: str = "",
        *,
        after: float = 0,
        counted: bool = True,
        notified: bool = True,
    ) -> TaskState:
        """End a run and move its task to the state ``to``; returns the state that it is in now.

        A task moved to ``queued`` or ``waiting`` is taken up again ``after`` so many seconds. One that is to
        be cancelled becomes cancelled instead, unless its publication has begun. With ``counted`` False
        the lease does not count towards MAX_LEASES (a rate limit, a worker that is shut down). An ended
        task whose thread was not ``notified`` is left to the queue's ``on_ended``. Raises LeaseLost,
        IllegalTransition.
        """
        change_state(TaskState.RUNNING, to=to)

        async def once() -> TaskState:
            async with self.engine.begin() as connection:
                return await _release(connection, run, to, storable(reason), after, counted, notified)

        return await retry_while_away(once, seconds=20)


async def _release(
    connection: AsyncConnection,
    run: Run,
    to: TaskState,
    reason: str,
    after: float,
    counted: bool,
    notified: bool,
) -> TaskState:
    again = to not in TERMINAL
    stop = and_(tasks.c.cancel_asked, literal(again), ~is_publishing())
    row = (
        await connection.execute(
            update(tasks)
            .where(is_mine())
            .values(
                state=case(
                    (stop, change_state(TaskState.RUNNING, to=TaskState.CANCELLED)),
                    else_=change_state(TaskState.RUNNING, to=to),
                ),
                reason=reason,
                lease_until=None,
                worker="",
                not_before=_seconds_from_now(after) if again and after > 0 else None,
                attempts=tasks.c.attempts - (0 if counted else 1),
                told_at=func.now() if notified and not again else None,
                updated_at=func.now(),
            )
            .returning(tasks.c.state, tasks.c.told_at, tasks.c.thread_key, tasks.c.priority),
            name_lease(run),
        )
    ).first()
    if row is None:
        return await _find_earlier_release(connection, run)
    state = TaskState(row.state)
    await connection.execute(_END_RUN, {"of_run": run.id, "as": state})
    if state in TERMINAL:
        await close_attempts(connection, run.task)
    if (after and state is TaskState.QUEUED) or row.told_at:
        await wake_next(connection, row.thread_key)
    else:
        await follow_up(connection, run.task, state, row.thread_key, row.priority)
    return state


async def _find_earlier_release(connection: AsyncConnection, run: Run) -> TaskState:
    """The state that an earlier try of this release left the task in; its commit may not have been seen."""
    state = await connection.scalar(
        select(runs.c.state).where(runs.c.id == run.id, runs.c.ended_at.is_not(None), runs.c.state != LOST)
    )
    if state is None:
        raise make_lease_lost(run)
    return TaskState(state)
