"""The first schema: deliveries, tasks, runs, turns, effects, steering."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "deliveries",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), server_default="", nullable=False),
        sa.Column("installation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("headers", JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('new', 'handled', 'ignored', 'rejected', 'failed')",
            name=op.f("deliveries_state_check"),
        ),
        sa.PrimaryKeyConstraint("guid", name=op.f("deliveries_pk")),
    )
    op.create_index(
        "deliveries_done",
        "deliveries",
        ["handled_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'new'"),
    )
    op.create_index(
        "deliveries_new",
        "deliveries",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("installation", sa.BigInteger(), nullable=False),
        sa.Column("repo", JSONB(), nullable=False),
        sa.Column("repo_id", sa.BigInteger(), nullable=False),
        sa.Column("repo_full_name", sa.Text(), nullable=False),
        sa.Column("thread", JSONB(), nullable=False),
        sa.Column("thread_number", sa.Integer(), nullable=False),
        sa.Column("thread_key", sa.Text(), nullable=False),
        sa.Column("trigger", JSONB(), nullable=False),
        sa.Column("requester", JSONB(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("progress_comment", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("branch", sa.Text(), server_default="", nullable=False),
        sa.Column("pull", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f("tasks_lease_check")),
        sa.CheckConstraint("kind IN ('change', 'revise')", name=op.f("tasks_kind_check")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled', 'refused',"
            " 'superseded')",
            name=op.f("tasks_state_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("tasks_pk")),
        sa.UniqueConstraint("delivery", "ordinal", name=op.f("tasks_delivery_ordinal_key")),
    )
    op.create_index("tasks_by_repo", "tasks", ["repo_full_name", "id"], unique=False)
    op.create_index("tasks_by_state", "tasks", ["state", "id"], unique=False)
    op.create_index("tasks_by_thread", "tasks", ["thread_key", "id"], unique=False)
    op.create_index(
        "tasks_leases", "tasks", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'running'")
    )
    op.create_index(
        "tasks_one_run_per_thread",
        "tasks",
        ["thread_key"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "tasks_open",
        "tasks",
        ["installation"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting')"),
    )
    op.create_index(
        "tasks_queued",
        "tasks",
        [sa.literal_column("priority DESC"), "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "tasks_untold",
        "tasks",
        ["not_before"],
        unique=False,
        postgresql_where=sa.text("told_at IS NULL AND state NOT IN ('queued', 'running', 'waiting')"),
    )
    op.create_index(
        "tasks_waiting", "tasks", ["not_before"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", JSONB(none_as_null=True), nullable=True),
        sa.Column("plan", JSONB(none_as_null=True), nullable=True),
        sa.Column("base_sha", sa.Text(), server_default="", nullable=False),
        sa.Column("diff", sa.Text(), server_default="", nullable=False),
        sa.Column("proof", JSONB(none_as_null=True), nullable=True),
        sa.Column("usage", JSONB(none_as_null=True), nullable=True),
        sa.Column("changes", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "phase IN ('prepare', 'think', 'prove', 'publish')", name=op.f("runs_phase_check")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled', 'refused',"
            " 'superseded', 'lost')",
            name=op.f("runs_state_check"),
        ),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name=op.f("runs_task_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("runs_pk")),
        sa.UniqueConstraint("task", "fence", name=op.f("runs_task_fence_key")),
    )
    op.create_table(
        "steering",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trigger", JSONB(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("heard", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "permission IN ('admin', 'write', 'read', 'none')", name=op.f("steering_permission_check")
        ),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name=op.f("steering_task_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("steering_pk")),
        sa.UniqueConstraint("delivery", "ordinal", name=op.f("steering_delivery_ordinal_key")),
    )
    op.create_index("steering_by_task", "steering", ["task", "id"], unique=False)
    op.create_index(
        "steering_unheard", "steering", ["task"], unique=False, postgresql_where=sa.text("NOT heard")
    )
    op.create_table(
        "effects",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=True),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="intended", nullable=False),
        sa.Column("answer", JSONB(none_as_null=True), nullable=True),
        sa.Column("intended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'done') = (answer IS NOT NULL)", name=op.f("effects_answer_check")),
        sa.CheckConstraint(
            "kind IN ('reaction', 'comment', 'edit', 'push', 'pull', 'review', 'reply', 'check')",
            name=op.f("effects_kind_check"),
        ),
        sa.CheckConstraint("state IN ('intended', 'done')", name=op.f("effects_state_check")),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("effects_run_fk"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name=op.f("effects_task_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name=op.f("effects_pk")),
    )
    op.create_index("effects_by_run", "effects", ["run"], unique=False)
    op.create_index("effects_by_task", "effects", ["task"], unique=False)
    op.create_table(
        "turns",
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("turns_run_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "seq", name=op.f("turns_pk")),
    )
