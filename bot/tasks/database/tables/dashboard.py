"""Who uses the dashboard and its API, and what they did there."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from bot.tasks.database.tables.columns import make_text, make_time, metadata

# People who are signed in on the dashboard. Neither the cookie nor the token can be recovered from here: of
# the cookie the SHA-256 is stored, and the token is encrypted under a key that is derived from the cookie.
web_sessions = Table(
    "web_sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("access", JSONB(none_as_null=True)),  # the person's role in each repository, as GitHub said it
    make_time("access_at"),
    make_time("created_at", default=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("web_sessions_by_end", "expires_at"),
)

# The tokens with which programs read the API on a person's behalf. As with a session, neither the token nor
# the person's GitHub token can be recovered from here.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("access", JSONB(none_as_null=True)),
    make_time("access_at"),
    make_time("created_at", default=True),
    make_time("used_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("api_tokens_by_person", "person"),
)

# What people did on the dashboard and with `hob flags`: who, when, from which address, with what outcome; and
# the steps that releases took by themselves.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    make_time("at", default=True),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("task", BigInteger),
    Column("repo_id", BigInteger),
    make_text("words"),
    make_text("outcome"),
    Index("audit_by_time", "at"),
    Index("audit_by_task", "task", "id"),
)
