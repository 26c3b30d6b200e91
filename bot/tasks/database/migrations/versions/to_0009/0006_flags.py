"""Flags with their rules, pilots and releases, and what flags said to each run.

Only additions: a worker of the version before goes by no flag, and by pauses as ever.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the tables and the column."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    op.create_table(
        "flag_rules",
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("percent", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("flag", "audience", name=op.f("flag_rules_pk")),
    )
    op.create_table(
        "pilots",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "member", name=op.f("pilots_pk")),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("steps", JSONB(), nullable=False),
        sa.Column("step", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hours", sa.Double(), nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), server_default="going", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("figures", JSONB(none_as_null=True), nullable=True),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("step_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('going', 'done', 'stepped back', 'stopped')", name=op.f("releases_state_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("releases_pk")),
    )
    going = sa.text("state = 'going'")
    op.create_index("releases_going", "releases", ["flag"], unique=True, postgresql_where=going)
    op.add_column("runs", sa.Column("flags", JSONB(none_as_null=True), nullable=True))
    given = sa.text("flags <> '{}'::jsonb")
    op.create_index("runs_with_flags", "runs", ["started_at"], unique=False, postgresql_where=given)
