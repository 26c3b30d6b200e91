"""Corrections that people gave where a repository agreed to learning, and the rules proposed from them.

Only additions: a worker of the version before neither reads nor writes them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0003"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    """Add the tables."""
    compatibility = sa.table("compatibility", sa.column("revision"), sa.column("compatible_from"))
    op.bulk_insert(compatibility, [{"revision": revision, "compatible_from": COMPATIBLE_FROM}])
    when = sa.DateTime(timezone=True)
    op.create_table(
        "corrections",
        sa.Column("repo_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("installation", sa.BigInteger(), nullable=False),
        _text("repo_full_name"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pull", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        _text("path"),
        sa.Column("at", when, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind IN ('said', 'edited', 'dismissed')", name=op.f("corrections_kind_check")),
        sa.PrimaryKeyConstraint("repo_id", "source", name=op.f("corrections_pk")),
    )
    op.create_index("corrections_by_time", "corrections", ["at"])
    op.create_table(
        "proposed_rules",
        sa.Column("repo_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("installation", sa.BigInteger(), nullable=False),
        _text("repo_full_name"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        _text("file_kind"),
        sa.Column("seeds", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="wanted", nullable=False),
        sa.Column("pull", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", when, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind IN ('said', 'edited', 'dismissed')", name=op.f("proposed_rules_kind_check")),
        sa.CheckConstraint(
            "state IN ('wanted', 'opened', 'merged', 'closed', 'known')",
            name=op.f("proposed_rules_state_check"),
        ),
        sa.PrimaryKeyConstraint("repo_id", "key", name=op.f("proposed_rules_pk")),
    )
