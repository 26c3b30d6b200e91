"""Who is blocked or admitted, what was refused and why, and tasks by the number of who asked.

Only additions: a worker of the version before neither reads nor writes them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the tables and the indexes."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    now = sa.func.now()
    op.create_table(
        "blocks",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("person", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("scope", "person", name=op.f("blocks_pk")),
    )
    op.create_index("blocks_by_person", "blocks", ["person"], unique=False)
    op.create_table(
        "admissions",
        sa.Column("repo_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("repo_id", "person", name=op.f("admissions_pk")),
    )
    op.create_table(
        "refused_requests",
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("installation", sa.BigInteger(), nullable=False),
        sa.Column("repo_id", sa.BigInteger(), nullable=False),
        sa.Column("repo_full_name", sa.Text(), server_default="", nullable=False),
        sa.Column("thread_number", sa.Integer(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("delivery", "reason", name=op.f("refused_requests_pk")),
    )
    op.create_index("refused_requests_by_time", "refused_requests", ["at"], unique=False)
    op.create_index("refused_requests_by_person", "refused_requests", ["person", "repo_id"], unique=False)
    requester = sa.text("(requester ->> 'id'::text)")
    op.create_index("tasks_by_requester", "tasks", [requester, "created_at"], unique=False)
