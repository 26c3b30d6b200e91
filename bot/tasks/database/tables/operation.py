"""What an operator looks after: the schema's versions, pauses, the workers, and what commands found."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import make_time, metadata

# For every revision of the schema from 0004 on: the oldest revision whose program still works with it.
compatibility = Table(
    "compatibility",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("compatible_from", Text, nullable=False),
)

# Where no task is begun: ``all``, ``installation:5`` or ``repository:11``. Running tasks go on.
pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("login", Text, nullable=False),  # who ordered it
    make_time("since", default=True),
)

# What workers report of themselves every few seconds, see bot.tasks.workers. Unlogged, as it is soon
# reported again.
workers = Table(
    "workers",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("cache_bytes", BigInteger, nullable=False),
    Column("free_bytes", BigInteger, nullable=False),
    Column("limits", JSONB, nullable=False),
    make_time("seen_at", default=True),
    prefixes=["UNLOGGED"],
)

# What the operator's commands found (hob redteam, tune, export), see bot.tasks.reports.
command_reports = Table(
    "command_reports",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),  # the machine on which the command ran
    Column("version", Text, nullable=False),
    Column("found", JSONB, nullable=False),
    make_time("at", default=True),
)
