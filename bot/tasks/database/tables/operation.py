"""What an operator looks after: the schema's versions, pauses, the workers, and what commands found."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import make_time, metadata

# From which revision on a program can work with the schema, for every revision from 0004 on.
compatibility = Table(
    "compatibility",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("compatible_from", Text, nullable=False),
)

# Where no task is begun: ``all``, ``installation:5`` or ``repository:11``. What runs there goes on.
pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("login", Text, nullable=False),  # whose order it is
    make_time("since", default=True),
)

# What workers say of themselves every few seconds, see bot.tasks.workers. Unlogged: they say it again.
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
    Column("host", Text, nullable=False),  # on which it was run
    Column("version", Text, nullable=False),
    Column("found", JSONB, nullable=False),
    make_time("at", default=True),
)
