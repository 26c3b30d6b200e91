"""Who is signed in on the dashboard, what people did there, and what its lists are searched by.

Only additions: a worker of the version before leaves the new columns empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the tables, the columns and the indexes."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    op.create_table(
        "web_sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("access", JSONB(none_as_null=True), nullable=True),
        sa.Column("access_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("web_sessions_pk")),
    )
    op.create_index("web_sessions_by_end", "web_sessions", ["expires_at"], unique=False)
    op.create_table(
        "pauses",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pauses_pk")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=True),
        sa.Column("repo_id", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_pk")),
    )
    op.create_index("audit_by_time", "audit", ["at"], unique=False)
    op.create_index("audit_by_task", "audit", ["task", "id"], unique=False)
    op.add_column("tasks", sa.Column("verdict", sa.Text(), server_default="", nullable=False))
    op.add_column("runs", sa.Column("timeline", JSONB(none_as_null=True), nullable=True))
    op.add_column("attempts", sa.Column("doing", JSONB(none_as_null=True), nullable=True))
    op.create_index("tasks_by_repo_id", "tasks", ["repo_id", "id"], unique=False)
    op.create_index("tasks_by_verdict", "tasks", ["verdict", "id"], unique=False)
    op.create_index("tasks_by_kind", "tasks", ["kind", "id"], unique=False)
    op.create_index("tasks_by_installation", "tasks", ["installation", "id"], unique=False)
    op.create_index("tasks_by_creation", "tasks", ["created_at"], unique=False)
    person = sa.text("lower(requester ->> 'login'::text)")
    op.create_index("tasks_by_person", "tasks", [person, "id"], unique=False)
    title = "COALESCE(thread ->> 'title'::text, ''::text)"
    words = f"to_tsvector('simple'::regconfig, (request || ' '::text) || {title})"
    op.create_index("tasks_words", "tasks", [sa.text(words)], unique=False, postgresql_using="gin")
