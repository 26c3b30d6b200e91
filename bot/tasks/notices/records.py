"""Notices: made once for an event and a target, claimed by one sender at a time, sent until one is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.database.column_values import storable
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import notices, notify_wishes

KEPT = timedelta(days=30)  # for so long what was sent or given up stays to be looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """To send: ``key`` names the event, ``target`` the receiver, ``address`` its URL or mailbox."""

    key: str
    target: str
    task: int
    address: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotice:
    """A notice that is to be sent now, by whoever claimed it; ``tries`` counts this one."""

    id: int
    key: str
    target: str
    address: str
    body: Mapping[str, Any]
    tries: int


class NoticeRecords:
    """The tables of notices."""

    engine: AsyncEngine

    async def save_notify_wishes(self, repo_id: int, wishes: Mapping[str, Any] | None) -> None:
        """Store whom a repository's hob.yml has notified; None: nobody."""
        mine = delete(notify_wishes).where(notify_wishes.c.repo_id == repo_id)
        new = insert(notify_wishes).values(repo_id=repo_id, wishes=wishes)
        changed = {"wishes": new.excluded.wishes, "read_at": func.now()}
        new = new.on_conflict_do_update(index_elements=["repo_id"], set_=changed)
        async with write_to(self.engine) as connection:
            await connection.execute(mine if wishes is None else new)

    async def load_notify_wishes(self, repo_id: int) -> Mapping[str, Any] | None:
        """Whom a repository's hob.yml has notified, as last read."""
        query = select(notify_wishes.c.wishes).where(notify_wishes.c.repo_id == repo_id)
        async with read_from(self.engine) as connection:
            found: Mapping[str, Any] | None = await connection.scalar(query)
        return found

    async def add_notices(self, new: Sequence[NewNotice]) -> None:
        """Make notices; those that are there already stay as they are."""
        rows = [
            {"key": each.key, "target": each.target, "task": each.task, "address": storable(each.address),
             "body": dict(each.body)}
            for each in new
        ]  # fmt: skip
        if rows:
            async with self.engine.begin() as connection:
                await connection.execute(insert(notices).on_conflict_do_nothing(), rows)

    async def claim_notices(self, *, seconds: float, most: int = 10) -> list[DueNotice]:
        """Take due notices for so many seconds; another sender gets them when they are not ended by then."""
        is_due = or_(notices.c.not_before.is_(None), notices.c.not_before <= func.clock_timestamp())
        due = (
            select(notices.c.id)
            .where(notices.c.state == "waiting", is_due)
            .order_by(notices.c.id)
            .limit(most)
        )
        taken = (
            update(notices)
            .where(notices.c.id.in_(due.with_for_update(skip_locked=True)))
            .values(tries=notices.c.tries + 1, not_before=func.clock_timestamp() + timedelta(seconds=seconds))
            .returning(*(notices.c[name] for name in DueNotice.__dataclass_fields__))
        )
        async with write_to(self.engine) as connection:
            rows = (await connection.execute(taken)).mappings().all()
        return [DueNotice(**row) for row in sorted(rows, key=lambda row: row["id"])]

    async def note_sent(self, notice: DueNotice) -> None:
        """It was taken."""
        await self._set(notice, {"state": "sent", "sent_at": func.now(), "reason": ""})

    async def note_refused(self, notice: DueNotice, reason: str, *, again: float | None) -> None:
        """It was not taken: try it again after so many seconds, or never (None)."""
        values: dict[str, Any] = {"reason": storable(reason)[:500]}
        if again is None:
            values["state"] = "failed"
        else:
            values["not_before"] = func.clock_timestamp() + timedelta(seconds=again)
        await self._set(notice, values)

    async def purge_notices(self) -> None:
        """Delete what was sent or given up long ago."""
        old = delete(notices).where(notices.c.state != "waiting", notices.c.made_at < func.now() - KEPT)
        async with write_to(self.engine) as connection:
            await connection.execute(old)

    async def _set(self, notice: DueNotice, values: Mapping[str, Any]) -> None:
        # Whoever was so slow that another one took it has no say any more.
        mine = (notices.c.id == notice.id, notices.c.tries == notice.tries, notices.c.state == "waiting")
        async with write_to(self.engine) as connection:
            await connection.execute(update(notices).where(*mine).values(values))
