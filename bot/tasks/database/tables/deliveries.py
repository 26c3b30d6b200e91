"""What GitHub sent: deliveries, those that it could not send, and the newest ``stop`` on each thread."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import allow_only, make_count, make_text, make_time, metadata


class DeliveryState(StrEnum):
    """The state of a delivery: only ``new`` ones remain to be handled."""

    NEW = "new"
    HANDLED = "handled"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"


deliveries = Table(
    "deliveries",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    make_text("action"),
    Column("installation", BigInteger, nullable=False, server_default="0"),
    make_time("received_at", default=True),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("body_sha256", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=DeliveryState.NEW.value),
    make_text("reason"),
    make_count("attempts"),
    make_time("not_before"),
    make_time("handled_at"),
    # The URL of the issue, pull request, comment or review it reports on, '' for none; NULL: not known.
    Column("about", Text),
    make_time("reopened_at"),  # when it was to be handled again after it had failed, by a person or GitHub
    allow_only("state", DeliveryState),
    Index("deliveries_new", "received_at", postgresql_where=text("state = 'new'")),
    Index("deliveries_done", "handled_at", postgresql_where=text("state <> 'new'")),
    Index("deliveries_about", "about", postgresql_where=text("about <> ''")),
    Index("deliveries_unnamed", "event", "received_at", postgresql_where=text("about IS NULL")),
    Index("deliveries_failed", "received_at", postgresql_where=text("state = 'failed'")),
)

# What GitHub could not deliver, as a worker last saw it: see bot.tasks.deliveries.undelivered. ``wanted`` is
# the id in ``audit`` of an operator's order to redeliver it, NULL once a worker has done so.
undelivered = Table(
    "undelivered",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_at", DateTime(timezone=True), nullable=False),
    make_text("why"),
    make_time("asked_at"),
    Column("wanted", BigInteger),
)

# The newest ``stop`` on a thread, by GitHub's clock: a request from before it that arrives later is stopped.
thread_stops = Table(
    "thread_stops",
    metadata,
    Column("thread_key", Text, primary_key=True),
    Column("stopped_at", DateTime(timezone=True), nullable=False),
)
