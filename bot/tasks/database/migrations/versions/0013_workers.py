"""What workers say of themselves. An addition: older programs neither read nor write it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the table."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    op.create_table(
        "workers",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("cache_bytes", sa.BigInteger(), nullable=False),
        sa.Column("free_bytes", sa.BigInteger(), nullable=False),
        sa.Column("limits", JSONB(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("workers_pk")),
        prefixes=["UNLOGGED"],
    )
