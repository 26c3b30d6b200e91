"""Turns to write to GitHub that workers share, and installations whose records are to be deleted.

Only additions: a worker of the version before neither reads nor writes them, and keeps its own pace.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def upgrade() -> None:
    """Add the tables."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    when = sa.DateTime(timezone=True)
    op.create_table(
        "write_turns",
        sa.Column("installation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("turn_at", when, nullable=False),
        sa.Column("next_at", when, nullable=False),
        sa.Column("closed_until", when, nullable=True),
        sa.Column("created", sa.ARRAY(when), nullable=False),
        sa.PrimaryKeyConstraint("installation", name=op.f("write_turns_pk")),
    )
    op.create_table(
        "removed_installations",
        sa.Column("installation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repositories", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("removed_at", when, server_default=sa.func.now(), nullable=False),
        sa.Column("purged_at", when, nullable=True),
        sa.PrimaryKeyConstraint("installation", name=op.f("removed_installations_pk")),
    )
