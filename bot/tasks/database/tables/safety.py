"""Who may not ask, who may ask although they are new, and what was refused."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from bot.tasks.database.tables.columns import make_text, make_time, metadata

# Whose requests are not taken, in ``all`` or in ``repository:11``; accounts are told apart by id, not login.
blocks = Table(
    "blocks",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("login", Text, nullable=False),
    make_text("decided_by"),  # a maintainer's login, '' for the operator
    make_text("reason"),
    make_time("since", default=True),
    Index("blocks_by_person", "person"),
)

# Who may ask in a repository where first requests wait for a maintainer's approval.
admissions = Table(
    "admissions",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("login", Text, nullable=False),
    make_text("decided_by"),
    make_time("since", default=True),
)

# Requests that were not taken, or whose result was not published, and why.
refused_requests = Table(
    "refused_requests",
    metadata,
    Column("delivery", Text, primary_key=True),  # or ``task:7``
    Column("reason", Text, primary_key=True),
    make_text("detail"),
    Column("installation", BigInteger, nullable=False),
    Column("repo_id", BigInteger, nullable=False),
    make_text("repo_full_name"),
    Column("thread_number", Integer, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    make_time("at", default=True),
    make_time("settled_at"),  # when a held request was taken
    Index("refused_requests_by_time", "at"),
    Index("refused_requests_by_person", "person", "repo_id"),
)
