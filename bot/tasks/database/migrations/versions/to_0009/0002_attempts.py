"""Attempts at a task, their turns, and the files an interrupted one goes on from; what a command asked for.

Only additions: a worker of the version before goes on writing ``turns`` and never looks at these. When it
takes up a task that an interrupted attempt left, it starts over, and when it takes one with a directive, it
works on the request, which is the original one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the column."""
    op.add_column("tasks", sa.Column("directive", JSONB(none_as_null=True), nullable=True))
    op.create_index(
        "tasks_by_pull",
        "tasks",
        ["repo_id", "pull"],
        unique=False,
        postgresql_where=sa.text("pull > 0"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=False),
        sa.Column("maker", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("base_sha", sa.Text(), server_default="", nullable=False),
        sa.Column("ground", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", JSONB(none_as_null=True), nullable=True),
        sa.Column("diff", sa.Text(), server_default="", nullable=False),
        sa.Column("proof", JSONB(none_as_null=True), nullable=True),
        sa.Column("usage", JSONB(none_as_null=True), nullable=True),
        sa.Column("changes", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("chosen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("work", sa.LargeBinary(), nullable=True),
        sa.Column("work_seq", sa.Integer(), server_default="-1", nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'ended', 'failed', 'stopped')", name=op.f("attempts_state_check")
        ),
        sa.ForeignKeyConstraint(["maker"], ["tasks.id"], name=op.f("attempts_maker_fk"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("attempts_run_fk"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name=op.f("attempts_task_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("attempts_pk")),
        sa.UniqueConstraint("task", "ordinal", name=op.f("attempts_task_ordinal_key")),
    )
    op.create_index("attempts_by_maker", "attempts", ["maker"], unique=False)
    op.create_index("attempts_by_run", "attempts", ["run"], unique=False)
    op.create_table(
        "attempt_turns",
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record", JSONB(), nullable=False),
        sa.Column("heard", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt"], ["attempts.id"], name=op.f("attempt_turns_attempt_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attempt", "seq", name=op.f("attempt_turns_pk")),
    )
    op.create_table(
        "attempt_files",
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt"], ["attempts.id"], name=op.f("attempt_files_attempt_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attempt", "sha256", name=op.f("attempt_files_pk")),
    )
