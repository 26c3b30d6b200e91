"""How pull requests ended, what people corrected in them, and the rules proposed from that."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import allow_only, make_count, make_text, make_time, metadata

# How pull requests of Hob's were closed, which merged one reverted them (0: none), and the thumbs on their
# threads when they were closed.
pull_ends = Table(
    "pull_ends",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("pull", Integer, primary_key=True, autoincrement=False),
    Column("merged", Boolean, nullable=False),
    make_count("reverted_by"),
    make_count("thumbs_up"),
    make_count("thumbs_down"),
    make_time("at", default=True),
)

# What people corrected in Hob's work in repositories that agreed to learning, and the rules proposed from
# that; kinds and states are those of ``bot.tasks.learning.corrections``.
_CORRECTED = ("said", "edited", "dismissed")

corrections = Table(
    "corrections",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),
    Column("installation", BigInteger, nullable=False),
    make_text("repo_full_name"),
    Column("kind", Text, nullable=False),
    Column("pull", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    make_text("path"),
    make_time("at", default=True),
    allow_only("kind", _CORRECTED),
    Index("corrections_by_time", "at"),
)

proposed_rules = Table(
    "proposed_rules",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("installation", BigInteger, nullable=False),
    make_text("repo_full_name"),
    Column("kind", Text, nullable=False),
    Column("words", Text, nullable=False),
    make_text("file_kind"),
    Column("seeds", JSONB, nullable=False),  # the corrections that it was made from
    Column("state", Text, nullable=False, server_default="wanted"),
    make_count("pull"),
    make_time("at", default=True),
    allow_only("kind", _CORRECTED),
    allow_only("state", ["wanted", "opened", "merged", "closed", "known"]),
)
