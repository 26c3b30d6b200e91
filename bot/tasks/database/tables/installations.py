"""Installations of the App: whose turn it is to write to GitHub, and from which it was removed."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Table

from bot.tasks.database.tables.columns import make_time, metadata

# When an installation's next write to GitHub may be sent, whichever worker sends it: see
# bot.tasks.write_turns.
write_turns = Table(
    "write_turns",
    metadata,
    Column("installation", BigInteger, primary_key=True, autoincrement=False),
    Column("turn_at", DateTime(timezone=True), nullable=False),  # granted last
    Column("next_at", DateTime(timezone=True), nullable=False),
    make_time("closed_until"),
    Column(
        "created", ARRAY(DateTime(timezone=True)), nullable=False
    ),  # when content was made, the oldest first
)

# Installations from which the app was removed, whose data is deleted: see
# bot.tasks.deletion.removed_installations.
removed_installations = Table(
    "removed_installations",
    metadata,
    Column("installation", BigInteger, primary_key=True, autoincrement=False),
    Column("repositories", ARRAY(BigInteger), nullable=False),  # ids, of those in which tasks were requested
    make_time("removed_at", default=True),
    make_time("purged_at"),
)
