"""Deleting what is older than it is kept, in small batches."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_DELIVERIES = text("""
    DELETE FROM deliveries WHERE guid IN (
        SELECT guid FROM deliveries
        WHERE state <> 'new' AND handled_at < now() - make_interval(days => :days) LIMIT 200)
""")
_REFUSED = text("""
    DELETE FROM refused_requests WHERE (delivery, reason) IN (
        SELECT delivery, reason FROM refused_requests
        WHERE at < now() - make_interval(days => :days) LIMIT 200)
""")
_TURNS = text("""
    DELETE FROM attempt_turns WHERE (attempt, seq) IN (
        SELECT attempt, seq FROM attempt_turns WHERE at < now() - make_interval(days => :days) LIMIT 500)
""")
_CORRECTIONS = text("""
    DELETE FROM corrections WHERE (repo_id, source) IN (
        SELECT repo_id, source FROM corrections WHERE at < now() - make_interval(days => :days) LIMIT 500)
""")
# What commands print while they run is read while somebody watches; afterwards the transcript has it.
_LIVE_OUTPUT = text("""
    DELETE FROM live_output USING runs
    WHERE runs.id = live_output.run AND runs.ended_at < now() - interval '1 minute'
""")
_LIVE_VIEWERS = text("DELETE FROM live_viewers WHERE until < now() - interval '1 minute'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how many days deliveries, with their bodies, and the turns of transcripts are kept.

    What was refused is kept as long as deliveries are, corrections as long as transcripts.

    Deliveries for a while: GitHub redelivers for three days, and lost mentions are looked for in fourteen.
    """

    payload_days: int = 30
    transcript_days: int = 90


KEPT = Retention()


async def delete_old_records(connection: AsyncConnection, retention: Retention) -> None:
    """Delete some of what is older than ``retention``; the next sweep deletes more."""
    await connection.execute(_DELIVERIES, {"days": retention.payload_days})
    await connection.execute(_REFUSED, {"days": retention.payload_days})
    await connection.execute(_TURNS, {"days": retention.transcript_days})
    await connection.execute(_CORRECTIONS, {"days": retention.transcript_days})
    await connection.execute(_LIVE_OUTPUT)
    await connection.execute(_LIVE_VIEWERS)
