"""What commands print while they run, and who watches."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, Table, Text

from bot.tasks.database.tables.columns import make_text, metadata

# What commands of runs print while they run, newest pieces only, and which runs somebody watches. Unlogged,
# since it is worthless after a crash and must cost a worker little.
live_output = Table(
    "live_output",
    metadata,
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("command", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("text", Text, nullable=False),
    make_text("ended"),
    prefixes=["UNLOGGED"],
)

live_viewers = Table(
    "live_viewers",
    metadata,
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)
