"""Webhook deliveries: stored once by their GUID, byte for byte; the same transaction wakes a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import ColumnElement, and_, delete, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.tasks.database.column_values import storable
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import DeliveryState, deliveries
from bot.tasks.deliveries.arrivals import ArrivedDelivery, Stored, hash_body, insert_arrived
from bot.tasks.wake import wake_delivery

log = structlog.get_logger(__name__)

LONGEST_POSTPONED = timedelta(days=3)  # as long as GitHub itself keeps a delivery
LONGEST_PAUSE = timedelta(minutes=10)
PURGED = 200  # rows that are looked at in one transaction
MAX_TRIES = 6  # of a delivery whose handling fails for no known reason; spread over about ten minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook delivery as stored. ``headers`` have lower-case names, ``body`` is what was signed.

    ``age_seconds``, by the database's clock: since it arrived, or since its last retry by hand.
    """

    guid: str
    event: str
    action: str
    installation: int
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes
    state: DeliveryState
    reason: str
    tries: int
    age_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """A delivery that was taken and failed for good, and why."""

    guid: str
    event: str
    received_at: datetime
    reason: str


class DeliveryRecords:
    """The deliveries table."""

    engine: AsyncEngine

    async def add_deliveries(self, arrived: Sequence[ArrivedDelivery]) -> list[Stored]:
        """Store deliveries and wake a worker, in one transaction; returns how each was stored, in their
        order.

        The first body of a GUID wins. The same body again is a ``duplicate``, and a delivery that failed is
        then handled once more; another body is a ``conflict``, logged and otherwise ignored.
        """
        async with self.engine.begin() as connection:
            fresh = await insert_arrived(connection, arrived)
            answers: list[Stored] = []
            for each in arrived:
                if each.guid in fresh:
                    fresh.remove(each.guid)
                    answers.append("new")
                else:
                    answers.append(await _compare_with_stored(connection, each))
        return answers

    async def get_delivery(self, guid: str) -> Delivery | None:
        """The delivery, or None."""
        async with read_from(self.engine) as connection:
            age = func.extract("epoch", _compute_age()).label("age")
            query = select(deliveries, age).where(deliveries.c.guid == guid)
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        return Delivery(
            guid=row.guid,
            event=row.event,
            action=row.action,
            installation=row.installation,
            received_at=row.received_at,
            headers=row.headers,
            body=bytes(row.body),
            state=DeliveryState(row.state),
            reason=row.reason,
            tries=row.attempts,
            age_seconds=max(0.0, float(row.age)),
        )

    async def has_delivery_about(self, event: str, url: str, since: datetime) -> bool:
        """Whether a delivery of this event about what stands at ``url`` arrived since ``since``.

        In those that an older version stored, the body is searched for the URL.
        """
        named = select(deliveries.c.guid).where(deliveries.c.about == url, deliveries.c.event == event)
        unnamed = select(deliveries.c.guid).where(
            deliveries.c.about.is_(None),
            deliveries.c.event == event,
            deliveries.c.received_at >= since,
            func.position(literal(f'"{url}"'.encode()).op("IN")(deliveries.c.body)) > 0,
        )
        async with read_from(self.engine) as connection:
            for query in (named.where(deliveries.c.about != "", deliveries.c.received_at >= since), unnamed):
                if (await connection.execute(query.limit(1))).first() is not None:
                    return True
        return False

    async def list_failed_deliveries(self, limit: int = 20) -> list[FailedDelivery]:
        """The deliveries that were taken and failed for good, the newest first."""
        failed = select(deliveries).where(deliveries.c.state == DeliveryState.FAILED)
        async with read_from(self.engine) as connection:
            rows = await connection.execute(failed.order_by(deliveries.c.received_at.desc()).limit(limit))
            return [
                FailedDelivery(guid=row.guid, event=row.event, received_at=row.received_at, reason=row.reason)
                for row in rows
            ]

    async def count_failed_deliveries(self) -> int:
        """How many deliveries failed for good and are still kept."""
        failed = select(func.count()).where(deliveries.c.state == DeliveryState.FAILED)
        async with read_from(self.engine) as connection:
            return int(await connection.scalar(failed) or 0)

    async def purge_deliveries(self, about: Callable[[bytes], bool]) -> int:
        """Delete the handled deliveries whose body is ``about`` it, in small steps; returns how many."""
        deleted, last = 0, ""
        while True:
            query = select(deliveries.c.guid, deliveries.c.body).where(
                deliveries.c.guid > last, deliveries.c.state != DeliveryState.NEW
            )
            async with self.engine.begin() as connection:
                rows = (await connection.execute(query.order_by(deliveries.c.guid).limit(PURGED))).all()
                guids = [row.guid for row in rows if about(bytes(row.body))]
                if guids:
                    await connection.execute(delete(deliveries).where(deliveries.c.guid.in_(guids)))
            if not rows:
                return deleted
            deleted, last = deleted + len(guids), rows[-1].guid

    async def retry_delivery(self, guid: str) -> bool:
        """Have a failed delivery handled again; False when there is none of this GUID that failed."""
        async with self.engine.begin() as connection:
            return await _reopen(connection, guid)

    async def find_newest_delivery_time(self) -> datetime | None:
        """When the newest delivery arrived; None without any."""
        async with read_from(self.engine) as connection:
            newest: datetime | None = await connection.scalar(select(func.max(deliveries.c.received_at)))
        return newest

    async def finish_delivery(self, guid: str, state: DeliveryState, reason: str = "") -> bool:
        """Store how a new delivery ended; False when another worker did so before."""
        async with write_to(self.engine) as connection:
            done = await connection.execute(
                update(deliveries)
                .where(deliveries.c.guid == guid, deliveries.c.state == DeliveryState.NEW)
                .values(state=state, reason=storable(reason), handled_at=func.now())
            )
        return done.rowcount == 1

    async def postpone_delivery(self, guid: str, reason: str, *, after: float, counted: bool = True) -> bool:
        """Handle a new delivery again in ``after`` seconds; after MAX_TRIES counted failures it has failed.

        Returns whether it has. Failures that are not counted (GitHub is away) may go on for
        LONGEST_POSTPONED, at growing intervals.
        """
        tries = deliveries.c.attempts + (1 if counted else 0)
        age = _compute_age()
        pause = func.greatest(timedelta(seconds=after), func.least(age / 4, LONGEST_PAUSE))
        async with self.engine.begin() as connection:
            mine = and_(deliveries.c.guid == guid, deliveries.c.state == DeliveryState.NEW)
            await connection.execute(
                update(deliveries)
                .where(mine)
                .values(
                    attempts=tries,
                    reason=storable(reason),
                    not_before=func.clock_timestamp() + (timedelta(seconds=after) if counted else pause),
                )
            )
            over = deliveries.c.attempts >= MAX_TRIES if counted else age > LONGEST_POSTPONED
            given_up = await connection.execute(
                update(deliveries).where(mine, over).values(state=DeliveryState.FAILED, handled_at=func.now())
            )
            return given_up.rowcount == 1

    async def get_oldest_new_delivery_age(self) -> float | None:
        """The age in seconds of the oldest unhandled delivery, None when there is none."""
        waited = func.extract("epoch", func.clock_timestamp() - func.min(deliveries.c.received_at))
        async with read_from(self.engine) as connection:
            age = await connection.scalar(select(waited).where(deliveries.c.state == DeliveryState.NEW))
        return None if age is None else max(0.0, float(age))


def is_due() -> ColumnElement[bool]:
    """The SQL condition for a delivery that is to be handled now."""
    return and_(
        deliveries.c.state == DeliveryState.NEW,
        or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= func.clock_timestamp()),
    )


def _compute_age() -> ColumnElement[Any]:
    return func.clock_timestamp() - func.coalesce(deliveries.c.reopened_at, deliveries.c.received_at)


async def _compare_with_stored(
    connection: AsyncConnection, arrived: ArrivedDelivery
) -> Literal["duplicate", "conflict"]:
    query = select(deliveries.c.body_sha256, deliveries.c.state).where(deliveries.c.guid == arrived.guid)
    known = (await connection.execute(query)).one()
    if known.body_sha256 != hash_body(arrived.body):
        log.error(
            "delivery.conflict", delivery=arrived.guid, github_event=arrived.event, first=known.body_sha256
        )
        return "conflict"
    if known.state == DeliveryState.FAILED:
        await _reopen(connection, arrived.guid)
    return "duplicate"


async def _reopen(connection: AsyncConnection, guid: str) -> bool:
    reopened = await connection.execute(
        update(deliveries)
        .where(deliveries.c.guid == guid, deliveries.c.state == DeliveryState.FAILED)
        .values(state=DeliveryState.NEW, attempts=0, not_before=None, handled_at=None, reopened_at=func.now())
    )
    if reopened.rowcount:
        await wake_delivery(connection, guid)
    return reopened.rowcount == 1
