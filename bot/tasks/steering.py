"""Comments that arrive on a thread while its task is open: they steer the run instead of queuing a task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain import TERMINAL, Permission, Run, TaskState, Trigger
from bot.tasks.database.column_values import plain, restore
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import steering, tasks
from bot.tasks.database.transactions import WAIT_SECONDS, retry_while_away
from bot.tasks.tasks import OPEN
from bot.tasks.wake import wake_task


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """A comment that arrived on the thread while the task was open; ids grow in order of arrival."""

    id: int
    task: int
    trigger: Trigger
    permission: Permission
    at: datetime


class SteeringRecords:
    """The steering table."""

    engine: AsyncEngine

    async def steer(
        self, task_id: int, trigger: Trigger, permission: Permission, *, delivery: str, ordinal: int = 0
    ) -> bool:
        """Add a comment to an open task; False when the task has ended. The same delivery is added once."""
        row = select(
            literal(task_id),
            literal(delivery),
            literal(ordinal),
            literal(plain(trigger), steering.c.trigger.type),
            literal(permission.value),
        ).where(
            select(tasks.c.id)
            .where(tasks.c.id == task_id, tasks.c.state.in_(OPEN))
            .with_for_update(read=True)
            .exists()
        )
        names = ["task", "delivery", "ordinal", "trigger", "permission"]
        async with self.engine.begin() as connection:
            added = await connection.execute(
                insert(steering).from_select(names, row).on_conflict_do_nothing().returning(steering.c.id)
            )
            if added.first():
                return True
            known = select(steering.c.id).where(
                steering.c.delivery == delivery, steering.c.ordinal == ordinal, steering.c.task == task_id
            )
            return (await connection.execute(known)).first() is not None

    async def list_steering(self, task_id: int, after: int = 0) -> list[Steering]:
        """The comments that steer a task, those with an id above ``after``."""
        query = (
            select(steering).where(steering.c.task == task_id, steering.c.id > after).order_by(steering.c.id)
        )

        async def once() -> list[Steering]:
            async with read_from(self.engine) as connection:
                return [
                    Steering(
                        id=row.id,
                        task=row.task,
                        trigger=restore(Trigger, row.trigger),
                        permission=Permission(row.permission),
                        at=row.created_at,
                    )
                    for row in await connection.execute(query)
                ]

        return await retry_while_away(once, seconds=WAIT_SECONDS)

    async def find_steered_task(self, delivery: str) -> int | None:
        """The task that a delivery's comment was added to, also when it has ended since; None: none."""
        query = select(steering.c.task).where(steering.c.delivery == delivery).limit(1)
        async with read_from(self.engine) as connection:
            task: int | None = await connection.scalar(query)
        return task

    async def mark_steering_read(self, run: Run, upto: int) -> None:
        """Mark every comment up to the id ``upto`` as given to the run's agent."""

        async def once() -> None:
            async with write_to(self.engine) as connection:
                await connection.execute(
                    update(steering)
                    .where(steering.c.task == run.task, steering.c.id <= upto, ~steering.c.heard)
                    .values(heard=True)
                )

        await retry_while_away(once, seconds=WAIT_SECONDS)


async def queue_late_steering(connection: AsyncConnection) -> int:
    """Make tasks of the comments that arrived too late for the run they were to steer; returns how many.

    Those of a task that was cancelled are dropped.
    """
    late = (
        select(steering.c.id)
        .join(tasks, tasks.c.id == steering.c.task)
        .where(~steering.c.heard, tasks.c.state.in_(TERMINAL))
        .limit(100)
        .scalar_subquery()
    )
    taken = (
        update(steering)
        .where(steering.c.id.in_(late))
        .values(heard=True)
        .returning(steering.c.task, steering.c.delivery, steering.c.ordinal, steering.c.trigger)
        .cte("taken")
    )
    same = (
        "kind",
        "installation",
        "repo",
        "repo_id",
        "repo_full_name",
        "thread",
        "thread_number",
        "thread_key",
    )
    row = (
        select(
            *(tasks.c[name] for name in same),
            taken.c.trigger,
            taken.c.trigger["author"],
            taken.c.trigger["text"].astext,
            taken.c.delivery,
            taken.c.ordinal,
        )
        .join(taken, taken.c.task == tasks.c.id)
        .where(tasks.c.state != TaskState.CANCELLED)
    )
    names = [*same, "trigger", "requester", "request", "delivery", "ordinal"]
    added = insert(tasks).from_select(names, row).on_conflict_do_nothing().returning(tasks.c.id)
    found = (await connection.execute(added)).all()
    for each in found:
        await wake_task(connection, each.id)
    return len(found)
