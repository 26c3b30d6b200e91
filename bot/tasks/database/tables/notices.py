"""Notifications outside GitHub, and who wants which."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import allow_only, make_count, make_text, make_time, metadata

# Whom to notify by a repository's hob.yml, as last read.
notify_wishes = Table(
    "notify_wishes",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wishes", JSONB, nullable=False),
    make_time("read_at", default=True),
)

# Notifications outside GitHub: one row for each event and target, sent again until the target accepts it.
notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False),  # such as ``failed:7``, the task's number
    Column("target", Text, nullable=False),  # such as ``operator webhook``
    Column("task", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    make_count("tries"),
    make_time("not_before"),
    make_text("reason"),
    make_time("made_at", default=True),
    make_time("sent_at"),
    UniqueConstraint("key", "target"),
    allow_only("state", ["waiting", "sent", "failed"]),
    Index("notices_waiting", "not_before", postgresql_where=text("state = 'waiting'")),
    Index("notices_by_task", "task"),
)
