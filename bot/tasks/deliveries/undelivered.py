"""What GitHub could not deliver, as a worker last saw it, and what an operator wants asked for again.

The dashboard has no key of the App, so it stores the wish, and a worker asks GitHub. What came of it stands
in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, all_, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.database.column_values import storable
from bot.tasks.database.tables import audit, undelivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A delivery of which no attempt succeeded. ``attempt`` is GitHub's number of the newest one, ``why`` how
    it failed, ``attempts`` how many there were."""

    guid: str
    event: str
    attempt: int
    attempts: int
    failed_at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliveryWish:
    """An operator wants the attempt ``attempt`` repeated; ``entry`` of the audit log says who."""

    guid: str
    attempt: int
    entry: int


class UndeliveredRecords:
    """The table ``undelivered``."""

    engine: AsyncEngine

    async def note_undelivered(self, found: Sequence[Undelivered]) -> None:
        """Store all that there are now; what is not among them has arrived, or is too old for GitHub."""
        rows = [
            asdict(each) | {"why": storable(each.why), "event": storable(each.event)}
            for each in sorted(found, key=lambda one: one.guid)
        ]
        there = literal([each["guid"] for each in rows], ARRAY(Text))
        row = insert(undelivered)
        newer = {name: row.excluded[name] for name in ("attempt", "attempts", "failed_at", "why")}
        async with self.engine.begin() as connection:
            await connection.execute(delete(undelivered).where(undelivered.c.guid != all_(there)))
            if rows:
                stored = row.on_conflict_do_update(index_elements=["guid"], set_=newer)
                await connection.execute(stored, rows)

    async def take_redelivery_wishes(self) -> list[RedeliveryWish]:
        """Take the orders of the oldest entry of the audit log; no other worker takes them again."""
        row = undelivered.c
        oldest = select(func.min(row.wanted)).scalar_subquery()
        query = select(row.guid, row.attempt, row.wanted).where(row.wanted == oldest)
        query = query.order_by(row.failed_at, row.guid).with_for_update(skip_locked=True)
        async with self.engine.begin() as connection:
            taken = (await connection.execute(query)).all()
            if taken:
                mine = row.guid.in_([each.guid for each in taken])
                await connection.execute(update(undelivered).where(mine).values(wanted=None))
        return [RedeliveryWish(guid=each.guid, attempt=each.attempt, entry=each.wanted) for each in taken]

    async def note_redelivery_asked(self, guid: str) -> None:
        """Note that GitHub was asked just now to redeliver it."""
        asked = update(undelivered).where(undelivered.c.guid == guid).values(asked_at=func.now())
        async with self.engine.begin() as connection:
            await connection.execute(asked)

    async def tell_audit(self, entry: int, outcome: str) -> None:
        """Write the outcome of a person's order into the audit log."""
        told = update(audit).where(audit.c.id == entry).values(outcome=storable(outcome))
        async with self.engine.begin() as connection:
            await connection.execute(told)
