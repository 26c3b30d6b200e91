"""What commands print while they run and who watches; tokens for the API; what people are told elsewhere.

Only additions: a worker of the version before shows nothing while its commands run.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the tables."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    op.create_table(
        "live_output",
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("command", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ended", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("live_output_run_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "serial", name=op.f("live_output_pk")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "live_viewers",
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("live_viewers_run_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", name=op.f("live_viewers_pk")),
        prefixes=["UNLOGGED"],
    )
    now = sa.func.now()
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("access", JSONB(none_as_null=True), nullable=True),
        sa.Column("access_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("api_tokens_pk")),
        sa.UniqueConstraint("digest", name=op.f("api_tokens_digest_key")),
    )
    op.create_index("api_tokens_by_person", "api_tokens", ["person"], unique=False)
    op.create_table(
        "notify_wishes",
        sa.Column("repo_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wishes", JSONB(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("notify_wishes_pk")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed')", name=op.f("notices_state_check")),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name=op.f("notices_task_fk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("notices_pk")),
        sa.UniqueConstraint("key", "target", name=op.f("notices_key_target_key")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("notices_waiting", "notices", ["not_before"], unique=False, postgresql_where=waiting)
    op.create_index("notices_by_task", "notices", ["task"], unique=False)
