"""Which worker holds a task: claiming it, renewing the lease, giving it back, by the database's clock.

A lease runs out by itself when its worker dies. The fence is a number that every claim raises. Every write of
a run names its own fence, so that a worker that was only asleep can no longer write once another worker has
claimed the task. ``lease`` renews one in the background while a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Double,
    Integer,
    Interval,
    Select,
    Subquery,
    Text,
    and_,
    any_,
    bindparam,
    case,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import ReturningUpdate

from bot.domain import TERMINAL, Run, Task, TaskKind, TaskState
from bot.errors import LeaseLost
from bot.tasks.database.column_values import storable
from bot.tasks.database.reading import read_from
from bot.tasks.database.tables import LOST, pauses, runs, tasks
from bot.tasks.database.transactions import retry_while_away
from bot.tasks.task_rows import build_task
from bot.tasks.transitions import change_state, close_attempts, follow_up, is_publishing, wake_next

LEASE = 15.0  # seconds after which a task is taken from a worker that has not renewed its lease
FAIR_WITHIN = timedelta(minutes=10)  # since its start a run counts for whose turn it is
MAX_LEASES = 3  # of one task: after so many died workers or retries it fails
DIED = "the worker died three times"
SILENT = "the worker stopped answering"


_QUEUED = literal_column("'queued'", Text)
_RUNNING = literal_column("'running'", Text)
_PERSON = literal_column("'id'", Text)  # of the requester
_FAIR_WITHIN = literal_column(f"interval '{FAIR_WITHIN.total_seconds():.0f} seconds'", Interval)
_ONE = literal_column("1", Integer)


def is_claimable() -> ColumnElement[bool]:
    """The SQL condition for a claim: the task is queued, due, and the oldest of a thread where none runs.

    And of a kind that this version knows: another waits for a worker of a newer one. And no operator has
    paused everything, its installation or its repository.

    All values in it are literal: a parameter could be any state, so that a plan which PostgreSQL keeps could
    use no partial index, and planning anew takes longer than the claim.
    """
    paused = _select_pauses(tasks.c.installation, tasks.c.repo_id)
    other = tasks.alias("other")
    blocked = select(other.c.id).where(
        other.c.thread_key == tasks.c.thread_key,
        or_(
            other.c.state == _RUNNING,
            and_(other.c.state == _QUEUED, other.c.id < tasks.c.id),
        ),
    )
    return and_(
        tasks.c.state == _QUEUED,
        tasks.c.kind.in_([literal_column(f"'{kind}'", Text) for kind in TaskKind]),
        or_(tasks.c.not_before.is_(None), tasks.c.not_before <= func.clock_timestamp()),
        ~blocked.exists(),
        ~paused.exists(),
    )


def _select_pauses(installation: ColumnElement[int], repository: ColumnElement[int]) -> Select[tuple[str]]:
    scopes = (
        literal_column("'all'", Text),
        func.concat(literal_column("'installation:'", Text), installation),
        func.concat(literal_column("'repository:'", Text), repository),
    )
    return select(pauses.c.scope).where(pauses.c.scope.in_(scopes))


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


def _seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(seconds, (int, float)):
        return func.clock_timestamp() + timedelta(seconds=seconds)
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


# Statements that every run needs are built once: building one costs more than running it.
_MINE = and_(
    tasks.c.id == bindparam("of_task"),
    tasks.c.fence == bindparam("at_fence"),
    tasks.c.state == _RUNNING,
)
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
_PAUSED = _select_pauses(
    bindparam("installation", type_=BigInteger), bindparam("repository", type_=BigInteger)
).limit(1)


def make_renewal() -> ReturningUpdate[Any]:
    """The statement that holds a task for more seconds; it returns nothing where the run lost its lease."""
    until = _seconds_from_now(bindparam("lease", type_=Double))
    return update(tasks).where(_MINE).values(lease_until=until).returning(tasks.c.id, tasks.c.cancel_asked)


_RENEW = make_renewal()
_CANCEL_ASKED = select(tasks.c.cancel_asked).where(_MINE)
_CANCELS_ASKED = select(tasks.c.id, tasks.c.fence, tasks.c.cancel_asked).where(
    tasks.c.id == any_(bindparam("of_tasks", type_=ARRAY(BigInteger))),
    tasks.c.state == _RUNNING,
)
_END_RUN = (
    update(runs).where(runs.c.id == bindparam("of_run")).values(state=bindparam("as"), ended_at=func.now())
)


def name_lease(run: Run, **more: Any) -> dict[str, Any]:
    """The parameters of a statement that is about a run's lease, and ``more``."""
    return {"of_task": run.task, "at_fence": run.fence, **more}


def _build_fair_choice() -> Select[tuple[int]]:
    """The claimable task whose turn it is.

    A person's request comes before automatic work; then whose installation, then whose repository, then who
    has the fewest runs that go on or began lately, and of one person the oldest task. The groups are sorted
    before their tasks are looked at, so that only the first group that can be served is.
    """
    waiting = tasks.alias("waiting")
    automatic = literal_column("waiting.priority < 0", Boolean)  # a parameter would not be the same twice
    lately = _select_recent_runs().cte("lately")

    def count_by(*names: str) -> Subquery:
        columns = [lately.c[name] for name in names]
        return select(*columns, func.count().label("runs")).group_by(*columns).subquery()

    groups = (
        select(
            automatic.label("automatic"),
            waiting.c.installation,
            waiting.c.repo_id,
            func.min(waiting.c.id).label("oldest"),
        )
        .where(waiting.c.state == _QUEUED)
        .group_by(automatic, waiting.c.installation, waiting.c.repo_id)
        .subquery("groups")
    )
    of_owner, of_repo, of_person = (
        count_by("installation"),
        count_by("installation", "repo_id"),
        count_by("installation", "person"),
    )
    same_repo = and_(of_repo.c.installation == groups.c.installation, of_repo.c.repo_id == groups.c.repo_id)
    order = ("automatic", "owner_runs", "repo_runs", "oldest")
    ranked = (
        select(
            *(groups.c[name] for name in ("automatic", "installation", "repo_id", "oldest")),
            func.coalesce(of_owner.c.runs, 0).label("owner_runs"),
            func.coalesce(of_repo.c.runs, 0).label("repo_runs"),
        )
        .select_from(
            groups.outerjoin(of_owner, of_owner.c.installation == groups.c.installation).outerjoin(
                of_repo, same_repo
            )
        )
        .order_by(*order)
        .offset(literal_column("0"))  # keeps PostgreSQL from taking the subquery apart again
        .subquery("ranked")
    )
    same_person = and_(
        of_person.c.installation == tasks.c.installation,
        of_person.c.person == tasks.c.requester.op("->>")(_PERSON),
    )
    first = (
        select(tasks.c.id)
        .select_from(tasks.outerjoin(of_person, same_person))
        .where(
            is_claimable(),
            ~(tasks.c.id == any_(bindparam("started", type_=ARRAY(BigInteger)))),
            tasks.c.installation == ranked.c.installation,
            tasks.c.repo_id == ranked.c.repo_id,
            (tasks.c.priority < 0) == ranked.c.automatic,
        )
        .order_by(func.coalesce(of_person.c.runs, 0), tasks.c.id)
        .limit(_ONE)
        .lateral("first")
    )
    in_order = (ranked.c[name] for name in order)
    return select(first.c.id).select_from(ranked.join(first, true())).order_by(*in_order).limit(_ONE)


def _select_recent_runs() -> CompoundSelect[Any]:
    """Whose runs go on, or began within FAIR_WITHIN and are over: a row for each."""
    begun = tasks.alias("begun")
    whose = (begun.c.installation, begun.c.repo_id, begun.c.requester.op("->>")(_PERSON).label("person"))
    running = select(*whose).where(begun.c.state == _RUNNING)
    ended = (
        select(*whose)
        .select_from(runs.join(begun, begun.c.id == runs.c.task))
        .where(runs.c.started_at > func.now() - _FAIR_WITHIN, runs.c.ended_at.is_not(None))
    )
    return running.union_all(ended)


_FAIR_CHOICE = _build_fair_choice()


class LeaseRecords:
    """The lease of a task: claimed, renewed, released."""

    engine: AsyncEngine

    async def find_next_task(self, *, started: Iterable[int] = ()) -> int | None:
        """The task whose turn it is among those that could be claimed now; None when there is none.

        ``started`` are tasks that the caller is about to claim, and which are passed over.
        """
        async with read_from(self.engine) as connection:
            found: int | None = await connection.scalar(_FAIR_CHOICE, {"started": list(started)})
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
        async with self.engine.begin() as connection:
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
            .where(_MINE)
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
