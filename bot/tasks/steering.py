"""Words that arrive on a thread while its task is open: they steer the run instead of queuing another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import Permission, Trigger
from bot.tasks.requests import OPEN
from bot.tasks.tables import steering, tasks
from bot.tasks.values import plain, restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Words that arrived on the thread while the task was open, in order of ``id``."""

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
        """Hand words to an open task; False when it has ended meanwhile. The same delivery twice is once."""
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

    async def steering(self, task_id: int, after: int = 0) -> list[Steering]:
        """The words handed to a task, those after the one with the id ``after``."""
        query = (
            select(steering).where(steering.c.task == task_id, steering.c.id > after).order_by(steering.c.id)
        )
        async with self.engine.connect() as connection:
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
