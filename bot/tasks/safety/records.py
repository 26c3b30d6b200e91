"""People who are blocked or admitted, requests that were refused, and how much somebody asked for lately.

An account counts by its number, since a login can become somebody else's. The login is kept to be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import Event, Person, Task
from bot.tasks.database.column_values import storable
from bot.tasks.database.reading import read_from
from bot.tasks.database.tables import (
    TASK_PERSON,
    DeliveryState,
    admissions,
    api_tokens,
    blocks,
    deliveries,
    refused_requests,
    tasks,
    web_sessions,
)
from bot.tasks.wake import wake_delivery

EVERYWHERE = "all"
HELD = "first request"  # the reason of a request that waits for a maintainer's approval
HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A person whose requests are not taken in ``scope``, which is ``all`` or ``repository:11``.

    ``by`` is who decided so, '' for the operator at a terminal.
    """

    scope: str
    person: int
    login: str
    by: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentRequests:
    """How many tasks were asked for in the last hour, by one person, in one repository, one installation."""

    person: int
    repository: int
    installation: int


def name_repository(repo_id: int) -> str:
    """The scope of a block in one repository."""
    return f"repository:{repo_id}"


class SafetyRecords:
    """The tables ``blocks``, ``admissions`` and ``refused_requests``."""

    engine: AsyncEngine

    async def block(self, scope: str, person: Person, *, by: str, reason: str = "") -> bool:
        """Take no more requests of a person in a scope; False when that was so already."""
        row = {
            "scope": scope,
            "person": person.id,
            "login": storable(person.login),
            "decided_by": storable(by),
            "reason": storable(reason),
        }
        async with self.engine.begin() as connection:
            new = insert(blocks).values(row).on_conflict_do_nothing().returning(blocks.c.person)
            return (await connection.execute(new)).first() is not None

    async def unblock(self, scope: str, person: int) -> bool:
        """Take a person's requests again; False when they were not blocked in that scope."""
        which = (blocks.c.scope == scope) & (blocks.c.person == person)
        async with self.engine.begin() as connection:
            return (await connection.execute(delete(blocks).where(which))).rowcount == 1

    async def find_block(self, person: int, repo_id: int) -> Block | None:
        """Why a person's requests are not taken in a repository, the operator's word first."""
        scopes = blocks.c.scope.in_([EVERYWHERE, name_repository(repo_id)])
        query = select(blocks).where(blocks.c.person == person, scopes).order_by(blocks.c.scope)
        async with read_from(self.engine) as connection:
            row = (await connection.execute(query.limit(1))).first()
        return _build_block(row) if row else None

    async def list_blocked(self, repo_id: int) -> frozenset[int]:
        """The ids of the accounts that are blocked in a repository."""
        scopes = blocks.c.scope.in_([EVERYWHERE, name_repository(repo_id)])
        async with read_from(self.engine) as connection:
            return frozenset(await connection.scalars(select(blocks.c.person).where(scopes)))

    async def list_blocks(self) -> list[Block]:
        """Everybody who is blocked anywhere, the newest first."""
        async with read_from(self.engine) as connection:
            rows = await connection.execute(select(blocks).order_by(blocks.c.since.desc(), blocks.c.person))
            return [_build_block(row) for row in rows]

    async def list_open_tasks_of(self, person: int, repo_id: int | None = None) -> list[int]:
        """The tasks that a person asked for, in one repository or all, and that are not over."""
        query = select(tasks.c.id).where(
            tasks.c.state.in_(["queued", "running", "waiting"]), _is_by(person), ~tasks.c.cancel_asked
        )
        if repo_id is not None:
            query = query.where(tasks.c.repo_id == repo_id)
        async with read_from(self.engine) as connection:
            return list(await connection.scalars(query.order_by(tasks.c.id)))

    async def find_person(self, login: str) -> Person | None:
        """The person with this login among those who asked for something, whoever had it last."""
        name = login.lower()
        asked = select(tasks.c.requester["id"].astext.label("id"), tasks.c.created_at.label("at")).where(
            text(f"{TASK_PERSON} = :login").bindparams(login=name)
        )
        refused = select(cast(refused_requests.c.person, Text), refused_requests.c.at).where(
            func.lower(refused_requests.c.login) == name
        )
        both = asked.union_all(refused).subquery()
        async with read_from(self.engine) as connection:
            found = await connection.scalar(select(both.c.id).order_by(both.c.at.desc()).limit(1))
            if found is None:  # somebody blocked before they ever asked here
                blocked = select(blocks.c.person).where(func.lower(blocks.c.login) == name)
                found = await connection.scalar(blocked.limit(1))
        return Person(id=int(found), login=login) if found else None

    async def find_repository(self, full_name: str) -> int | None:
        """The number of the repository with this full name in which something was asked for last."""
        asked = select(tasks.c.repo_id).where(func.lower(tasks.c.repo_full_name) == full_name.lower())
        refused = select(refused_requests.c.repo_id).where(
            func.lower(refused_requests.c.repo_full_name) == full_name.lower()
        )
        async with read_from(self.engine) as connection:
            for query in (asked.order_by(tasks.c.id.desc()), refused.order_by(refused_requests.c.at.desc())):
                found: int | None = await connection.scalar(query.limit(1))
                if found is not None:
                    return found
        return None

    async def is_known(self, person: int, repo_id: int) -> bool:
        """Whether a person asked for something in a repository before, or was admitted there."""
        admitted = select(literal(1)).where(admissions.c.repo_id == repo_id, admissions.c.person == person)
        before = select(literal(1)).where(tasks.c.repo_id == repo_id, _is_by(person))
        async with read_from(self.engine) as connection:
            return bool(await connection.scalar(select(or_(admitted.exists(), before.exists()))))

    async def admit(self, repo_id: int, person: Person, *, by: str) -> int:
        """Let a person ask in a repository, and take up what was held of theirs; returns how much."""
        row = {
            "repo_id": repo_id,
            "person": person.id,
            "login": storable(person.login),
            "decided_by": storable(by),
        }
        held = (
            refused_requests.c.repo_id == repo_id,
            refused_requests.c.person == person.id,
            refused_requests.c.reason == HELD,
            refused_requests.c.settled_at.is_(None),
        )
        async with self.engine.begin() as connection:
            await connection.execute(insert(admissions).values(row).on_conflict_do_nothing())
            waiting = select(refused_requests.c.delivery).where(*held)
            reopened = await connection.scalars(
                update(deliveries)
                .where(deliveries.c.guid.in_(waiting), deliveries.c.state == DeliveryState.HANDLED)
                .values(
                    state=DeliveryState.NEW,
                    attempts=0,
                    not_before=None,
                    handled_at=None,
                    reopened_at=func.now(),
                )
                .returning(deliveries.c.guid)
            )
            taken = sorted(reopened)
            await connection.execute(
                update(refused_requests)
                .where(*held, refused_requests.c.delivery.in_(taken))
                .values(settled_at=func.now())
            )
            for guid in taken:
                await wake_delivery(connection, guid)
        return len(taken)

    async def note_refusal(self, event: Event, reason: str, detail: str = "") -> None:
        """Store that what a delivery asked for was refused, once for each reason."""
        repo, sender = event.repo, event.sender
        await self._note(
            {
                "delivery": event.delivery,
                "reason": storable(reason),
                "detail": storable(detail)[:500],
                "installation": event.installation,
                "repo_id": repo.id if repo else 0,
                "repo_full_name": storable(repo.full_name) if repo else "",
                "thread_number": event.thread.number if event.thread else 0,
                "person": sender.id if sender else 0,
                "login": storable(sender.login) if sender else "",
            }
        )

    async def note_refused_task(self, task: Task, reason: str, detail: str = "") -> None:
        """Store that a task, or what came of it, was refused, once for each reason."""
        await self._note(
            {
                "delivery": f"task:{task.id}",
                "reason": storable(reason),
                "detail": storable(detail)[:500],
                "installation": task.installation,
                "repo_id": task.repo.id,
                "repo_full_name": storable(task.repo.full_name),
                "thread_number": task.thread.number,
                "person": task.requester.id,
                "login": storable(task.requester.login),
            }
        )

    async def _note(self, row: Mapping[str, Any]) -> None:
        new = insert(refused_requests).values(row)
        # A request that was held, admitted and is refused anew for the same reason waits anew.
        again = new.on_conflict_do_update(index_elements=["delivery", "reason"], set_={"settled_at": None})
        async with self.engine.begin() as connection:
            await connection.execute(again)

    async def count_refusals(self) -> dict[str, int]:
        """How many requests were refused in the last 24 hours, by reason."""
        query = (
            select(refused_requests.c.reason, func.count())
            .where(refused_requests.c.at > func.now() - DAY)
            .group_by(refused_requests.c.reason)
        )
        async with read_from(self.engine) as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    async def count_recent_requests(
        self, *, person: int, repo_id: int, installation: int, before: int | None = None
    ) -> RecentRequests:
        """How many tasks were asked for in the last hour.

        With ``before``, a task's id: those older than it that were asked for in the hour before it was, and
        of a person only those in the repository.
        """
        until: Any = func.now()
        which: list[ColumnElement[bool]] = []
        by = _is_by(person)
        if before is not None:
            by = by & (tasks.c.repo_id == repo_id)
            until = select(tasks.c.created_at).where(tasks.c.id == before).scalar_subquery()
            which = [tasks.c.id < before]
        query = select(
            *(
                func.count().filter(one)
                for one in (by, tasks.c.repo_id == repo_id, tasks.c.installation == installation)
            )
        ).where(tasks.c.created_at > until - HOUR, *which)
        async with read_from(self.engine) as connection:
            counts = tuple((await connection.execute(query)).one())
        return RecentRequests(person=counts[0], repository=counts[1], installation=counts[2])

    async def purge_refusals(self, *, repo: str = "", person: str = "") -> int:
        """Delete what was refused in a repository, or to a person; returns how many records.

        Who is blocked stays so: that is a decision, and forgetting it would undo it.
        """
        column = refused_requests.c.repo_full_name if repo else refused_requests.c.login
        async with self.engine.begin() as connection:
            gone = await connection.execute(
                delete(refused_requests).where(func.lower(column) == (repo or person).lower())
            )
        return gone.rowcount

    async def purge_sign_ins(self, person: str) -> None:
        """End a person's sessions on the dashboard and their tokens for its API."""
        async with self.engine.begin() as connection:
            for table in (web_sessions, api_tokens):
                await connection.execute(delete(table).where(func.lower(table.c.login) == person.lower()))


def _is_by(person: int) -> ColumnElement[bool]:
    is_theirs: ColumnElement[bool] = tasks.c.requester["id"].astext == str(person)
    return is_theirs


def _build_block(row: Any) -> Block:
    return Block(
        scope=row.scope,
        person=row.person,
        login=row.login,
        by=row.decided_by,
        reason=row.reason,
        since=row.since,
    )
