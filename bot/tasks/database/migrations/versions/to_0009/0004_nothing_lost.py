"""What a delivery is about, when it was taken up anew, why a task is cancelled, stops that overtake their
request, and a fair queue.

Only additions: a worker of the version before leaves the new columns empty and never looks at the tables.
``compatibility`` says from which revision on a program can work with this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the columns, the tables and the indexes."""
    compatibility = op.create_table(
        "compatibility",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("compatible_from", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("compatibility_pk")),
    )
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    op.create_table(
        "thread_stops",
        sa.Column("thread_key", sa.Text(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("thread_key", name=op.f("thread_stops_pk")),
    )
    op.add_column("tasks", sa.Column("cancel_reason", sa.Text(), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("about", sa.Text(), nullable=True))
    op.add_column("deliveries", sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True))
    for name, columns, where in (
        ("deliveries_about", ["about"], "about <> ''"),
        ("deliveries_unnamed", ["event", "received_at"], "about IS NULL"),
        ("deliveries_failed", ["received_at"], "state = 'failed'"),
    ):
        op.create_index(name, "deliveries", columns, unique=False, postgresql_where=sa.text(where))
    op.create_index(
        "tasks_queued_fairly",
        "tasks",
        ["priority", "installation", "repo_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("attempt_turns_by_time", "attempt_turns", ["at"], unique=False)
    op.create_index("runs_by_start", "runs", ["started_at"], unique=False)
