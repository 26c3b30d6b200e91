"""The version of a run's prompt, the estimate before it, and what became of pull requests.

Only additions: a worker of the version before neither reads nor writes them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the column and the table."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    op.add_column("runs", sa.Column("estimate", JSONB(none_as_null=True), nullable=True))
    op.add_column("runs", sa.Column("prompt", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "pull_ends",
        sa.Column("repo_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pull", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merged", sa.Boolean(), nullable=False),
        sa.Column("reverted_by", sa.Integer(), server_default="0", nullable=False),
        sa.Column("thumbs_up", sa.Integer(), server_default="0", nullable=False),
        sa.Column("thumbs_down", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("repo_id", "pull", name=op.f("pull_ends_pk")),
    )
