"""Flags: their rules, the pilots, and values that are released step by step."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import allow_only, make_count, make_text, make_time, metadata

# A flag's value for an audience (``all``, ``installation:5``, ``repository:11``, ``person:7``,
# ``pilots:early``), for ``percent`` of its ``unit``s, by a hash.
flag_rules = Table(
    "flag_rules",
    metadata,
    Column("flag", Text, primary_key=True),
    Column("audience", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("percent", Double, nullable=False),
    Column("unit", Text, nullable=False),
    Column("login", Text, nullable=False),  # who ordered it
    make_time("since", default=True),
)

# Named lists of pilots. A member is an installation, a repository or a person, written as in an audience.
pilots = Table(
    "pilots",
    metadata,
    Column("name", Text, primary_key=True),
    Column("member", Text, primary_key=True),
)

# The step-by-step release of a flag's value to everybody of an audience, and how it ended.
releases = Table(
    "releases",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("flag", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    Column("unit", Text, nullable=False),
    Column("steps", JSONB, nullable=False),  # percentages, rising
    make_count("step"),  # index of the present one in ``steps``
    Column("hours", Double, nullable=False),  # each step's least duration
    Column("margin", Double, nullable=False),  # by how much a share may get worse, from 0 to 1
    Column("state", Text, nullable=False, server_default="going"),
    make_text("reason"),  # why it waits, or how it ended
    Column("figures", JSONB(none_as_null=True)),  # what the guard measured last
    Column("login", Text, nullable=False),  # who ordered it
    make_time("began_at", default=True),
    make_time("step_at", default=True),
    make_time("ended_at"),
    allow_only("state", ["going", "done", "stepped back", "stopped"]),
    Index("releases_going", "flag", unique=True, postgresql_where=text("state = 'going'")),
)
