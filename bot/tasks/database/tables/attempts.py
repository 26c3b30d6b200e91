"""Attempts at a request, their turns, and the files of their workspaces."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import allow_only, make_text, make_time, metadata


class AttemptState(StrEnum):
    """The state of an attempt. ``stopped``: by a person, and its work so far is kept."""

    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # whose request it is an attempt at, and which task made it: ``@hob try 2`` makes more for an earlier one
    Column("task", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("maker", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),  # the last one
    Column("ordinal", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default=AttemptState.RUNNING.value),
    make_text("model"),
    make_text("base_sha"),
    # a digest of brief, layers and model: an attempt is resumed only where it is the same
    make_text("ground"),
    make_time("started_at", default=True),
    make_time("ended_at"),
    Column("outcome", JSONB(none_as_null=True)),
    make_text("diff"),
    Column("proof", JSONB(none_as_null=True)),
    Column("usage", JSONB(none_as_null=True)),
    Column("changes", LargeBinary),  # the part of its change that may be published, packed
    make_text("error"),
    Column("chosen", Boolean, nullable=False, server_default=false()),
    Column("work", LargeBinary),  # the workspace after turn ``work_seq``, packed; contents in attempt_files
    Column("work_seq", Integer, nullable=False, server_default="-1"),
    Column("doing", JSONB(none_as_null=True)),  # the tool call under way, until its turn is stored
    UniqueConstraint("task", "ordinal"),
    allow_only("state", AttemptState),
    Index("attempts_by_maker", "maker"),
    Index("attempts_by_run", "run"),
)

attempt_turns = Table(
    "attempt_turns",
    metadata,
    Column("attempt", BigInteger, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("record", JSONB, nullable=False),
    # the id of the newest ``steering`` that the agent was given
    Column("heard", BigInteger, nullable=False, server_default="0"),
    make_time("at", default=True),
    Index("attempt_turns_by_time", "at"),
)

attempt_files = Table(
    "attempt_files",
    metadata,
    Column("attempt", BigInteger, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),  # zlib
)
