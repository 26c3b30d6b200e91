"""Tasks outside a run: added, listed, cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Select,
    and_,
    case,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import TERMINAL, EffectKind, Request, Task, TaskState
from bot.tasks.database.column_values import storable
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import effects, tasks, thread_stops
from bot.tasks.database.transactions import WAIT_SECONDS, retry_while_away
from bot.tasks.task_rows import build_row, build_task
from bot.tasks.transitions import change_state, follow_up, is_publishing
from bot.tasks.wake import wake_task

OPEN = tuple(state for state in TaskState if state not in TERMINAL)
PURGED = 100  # tasks that are deleted in one transaction
IDLE = (TaskState.QUEUED, TaskState.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingTask:
    """A task that waits for something to pass, and for how many more seconds."""

    id: int
    thread: str
    reason: str
    seconds: float


class TaskRecords:
    """The tasks table."""

    engine: AsyncEngine

    async def add_task(self, request: Request, ordinal: int = 0) -> Task:
        """Queue a task for a request and wake a worker, in one transaction.

        The same delivery and ordinal again gives the task that is already there. Whose turn it is, is decided
        when a task is claimed (``LeaseRecords.find_next_task``). Raises ValueError when the event names no
        repository, thread, trigger or sender.
        """
        row = build_row(request, ordinal)
        async with self.engine.begin() as connection:
            added = (
                await connection.execute(
                    insert(tasks)
                    .values(row)
                    .on_conflict_do_nothing(index_elements=["delivery", "ordinal"])
                    .returning(tasks)
                )
            ).first()
            if added is None:
                there = tasks.c.delivery == row["delivery"], tasks.c.ordinal == ordinal
                return build_task((await connection.execute(select(tasks).where(*there))).one())
            await wake_task(connection, added.id, priority=added.priority, new=True)
        return build_task(added)

    async def get_task(self, task_id: int) -> Task | None:
        """The task, or None."""
        found = await self._select(select(tasks).where(tasks.c.id == task_id))
        return found[0] if found else None

    async def list_tasks(
        self,
        limit: int = 50,
        *,
        before: int | None = None,
        state: TaskState | None = None,
        repo: str | None = None,
    ) -> list[Task]:
        """Tasks from the newest on; ``before`` a task's id, in a state, of a repository's full name."""
        query = select(tasks).order_by(tasks.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(tasks.c.id < before)
        if state is not None:
            query = query.where(tasks.c.state == state)
        if repo is not None:
            query = query.where(tasks.c.repo_full_name == repo)
        return await self._select(query)

    async def list_tasks_on(self, thread_key: str) -> list[Task]:
        """Every task of one thread, oldest first."""
        return await self._select(select(tasks).where(tasks.c.thread_key == thread_key).order_by(tasks.c.id))

    async def list_tasks_of_pull(self, repo_id: int, number: int) -> list[Task]:
        """The tasks that made a pull request or worked on it, oldest first."""
        about = or_(tasks.c.pull == number, tasks.c.thread_key == f"{repo_id}#{number}")
        query = select(tasks).where(tasks.c.repo_id == repo_id, about)
        return await self._select(query.order_by(tasks.c.id))

    async def has_worked_on_branch(self, repo_id: int, branch: str) -> bool:
        """Whether a task worked on the repository's branch of that name."""
        query = select(tasks.c.id).where(tasks.c.repo_id == repo_id, tasks.c.branch == branch)
        async with read_from(self.engine) as connection:
            return (await connection.execute(query.limit(1))).first() is not None

    async def find_task_of_delivery(self, delivery: str) -> Task | None:
        """The task that a delivery asked for, if it is stored already."""
        found = await self._select(select(tasks).where(tasks.c.delivery == delivery).limit(1))
        return found[0] if found else None

    async def find_task_of_pull(self, repo_id: int, pull: int) -> Task | None:
        """The first task that a pull request came of: the one that opened it."""
        query = select(tasks).where(tasks.c.repo_id == repo_id, tasks.c.pull == pull, tasks.c.pull > 0)
        found = await self._select(query.order_by(tasks.c.id).limit(1))
        return found[0] if found else None

    async def list_pushed_commits(self, repo_id: int, pull: int) -> set[str]:
        """The commits that Hob recorded as its own when it pushed them to a pull request's branch."""
        about = or_(tasks.c.pull == pull, tasks.c.thread_key == f"{repo_id}#{pull}")
        query = (
            select(effects.c.answer["sha"].as_string())
            .join(tasks, tasks.c.id == effects.c.task)
            .where(tasks.c.repo_id == repo_id, about, effects.c.kind == EffectKind.PUSH)
        )
        async with read_from(self.engine) as connection:
            return {sha for sha in await connection.scalars(query) if sha}

    async def purge_tasks(self, *, repo: str = "", person: str = "") -> dict[int, int]:
        """Delete the ended tasks of a repository's full name or of a person's login, in small steps.

        Upper and lower case are one, as on GitHub. Their runs, attempts, transcripts and records of writes
        go with them. Returns how many, by repository id. Raises ValueError when neither is given.
        """
        if bool(repo) == bool(person):
            raise ValueError("give a repository or a person")
        name = tasks.c.repo_full_name if repo else func.jsonb_extract_path_text(tasks.c.requester, "login")
        mine = func.lower(name) == (repo or person).lower()
        some = select(tasks.c.id).where(mine, tasks.c.state.in_(TERMINAL)).limit(PURGED)
        found: dict[int, int] = {}
        while True:
            async with self.engine.begin() as connection:
                gone = delete(tasks).where(tasks.c.id.in_(some)).returning(tasks.c.repo_id)
                ids = list(await connection.scalars(gone))
            if not ids:
                return found
            for number in ids:
                found[number] = found.get(number, 0) + 1

    async def _select(self, query: Select[Any]) -> list[Task]:
        async with read_from(self.engine) as connection:
            return [build_task(row) for row in await connection.execute(query)]

    async def count_tasks_by_state(self) -> dict[str, int]:
        """How many open tasks there are in each state (ended ones are not counted: they only grow)."""
        query = select(tasks.c.state, func.count()).where(tasks.c.state.in_(OPEN)).group_by(tasks.c.state)
        async with read_from(self.engine) as connection:
            counted = {row[0]: row[1] for row in await connection.execute(query)}
        return {state.value: counted.get(state.value, 0) for state in OPEN}

    async def list_waiting(self, most: int) -> list[WaitingTask]:
        """The tasks that wait for a limit, a budget or an outage to pass, soonest first."""
        left = func.coalesce(func.extract("epoch", tasks.c.not_before - func.now()), 0).label("seconds")
        columns = (tasks.c.id, tasks.c.repo_full_name, tasks.c.thread_number, tasks.c.reason, left)
        query = select(*columns).where(tasks.c.state == TaskState.WAITING)
        async with read_from(self.engine) as connection:
            rows = (await connection.execute(query.order_by(tasks.c.not_before).limit(most))).all()
        return [
            WaitingTask(
                id=row.id,
                thread=f"{row.repo_full_name}#{row.thread_number}",
                reason=row.reason,
                seconds=float(row.seconds),
            )
            for row in rows
        ]

    async def list_queue_ages(self, most: int = 50) -> list[tuple[int, float]]:
        """For how many seconds the oldest task of each installation has been queued and due, longest first.

        Of ``most`` installations; -1 stands for all others together.
        """
        age = func.extract("epoch", func.now() - func.min(tasks.c.updated_at)).label("age")
        due = or_(tasks.c.not_before.is_(None), tasks.c.not_before <= func.now())
        query = select(tasks.c.installation, age).where(tasks.c.state == TaskState.QUEUED, due)
        query = query.group_by(tasks.c.installation).order_by(age.desc()).limit(most + 1)
        async with read_from(self.engine) as connection:
            found = [(row[0], float(row[1])) for row in await connection.execute(query)]
        return [*found[:most], *((-1, age) for _, age in found[most:])]

    async def ask_cancel(self, task_id: int, *, why: str = "") -> TaskState:
        """Cancel a task: at once when nobody runs it, otherwise its run is stopped by its lease.

        ``why`` is said on the thread; '' where a person asked for it.

        A task whose publication has begun is published whole. Returns the state it is in now. Raises
        LookupError when there is no such task.
        """
        reason = storable(why) or "cancelled before it ran"
        idle = and_(tasks.c.state.in_(IDLE), ~is_publishing())
        cancelled = change_state(*IDLE, to=TaskState.CANCELLED)
        async with self.engine.begin() as connection:
            row = (
                await connection.execute(
                    update(tasks)
                    .where(tasks.c.id == task_id, tasks.c.state.in_(OPEN))
                    .values(
                        cancel_asked=True,
                        cancel_reason=storable(why),
                        state=case((idle, cancelled), else_=tasks.c.state),
                        reason=case((idle, literal(reason)), else_=tasks.c.reason),
                        not_before=case((idle, null()), else_=tasks.c.not_before),
                        updated_at=func.now(),
                    )
                    .returning(tasks)
                )
            ).first()
            if row is None:
                state = await connection.scalar(select(tasks.c.state).where(tasks.c.id == task_id))
                if state is None:
                    raise LookupError(f"there is no task {task_id}")
                return TaskState(state)
            task = build_task(row)
            if task.state is TaskState.CANCELLED:
                await follow_up(connection, task_id, task.state, task.thread_key, row.priority)
        return task.state

    async def note_stop(self, thread_key: str, at: datetime) -> None:
        """Store that a person wrote ``stop`` on a thread at a time of GitHub's clock."""
        new = insert(thread_stops).values(thread_key=thread_key, stopped_at=at)
        latest = func.greatest(thread_stops.c.stopped_at, new.excluded.stopped_at)
        async with write_to(self.engine) as connection:
            await connection.execute(
                new.on_conflict_do_update(index_elements=["thread_key"], set_={"stopped_at": latest})
            )

    async def is_stopped_since(self, thread_key: str, at: datetime) -> bool:
        """Whether a person wrote ``stop`` on the thread at that time or later."""
        query = select(thread_stops.c.thread_key).where(
            thread_stops.c.thread_key == thread_key, thread_stops.c.stopped_at >= at
        )
        async with read_from(self.engine) as connection:
            return (await connection.execute(query)).first() is not None

    async def has_begun_publishing(self, task_id: int) -> bool:
        """Whether an earlier run of the task began to publish."""
        query = select(tasks.c.id).where(tasks.c.id == task_id, is_publishing())

        async def once() -> bool:
            async with read_from(self.engine) as connection:
                return (await connection.execute(query)).first() is not None

        return await retry_while_away(once, seconds=WAIT_SECONDS)

    async def has_pushed(self, task_id: int) -> bool:
        """Whether a run of the task is known to have pushed a commit."""
        pushed = select(effects.c.key).where(
            effects.c.task == task_id, effects.c.kind == EffectKind.PUSH, effects.c.state == "done"
        )
        async with read_from(self.engine) as connection:
            return (await connection.execute(pushed.limit(1))).first() is not None

    async def mark_notified(self, task_id: int) -> None:
        """Store that the thread shows how the task ended."""
        async with write_to(self.engine) as connection:
            await connection.execute(update(tasks).where(tasks.c.id == task_id).values(told_at=func.now()))

    async def notify_later(self, task_id: int, *, after: float) -> None:
        """Have the queue call ``on_ended`` again for an ended task in ``after`` seconds."""
        async with write_to(self.engine) as connection:
            await connection.execute(
                update(tasks)
                .where(tasks.c.id == task_id, tasks.c.state.in_(TERMINAL))
                .values(not_before=func.clock_timestamp() + timedelta(seconds=after))
            )
