"""Turns to write to GitHub, which all workers of an installation take from one row.

GitHub counts an installation's writes, however many machines they come from: see ``bot.github.http.pace``,
which keeps the same bounds for one process and asks here before each write.
"""

from __future__ import annotations

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.database.reading import write_to
from bot.tasks.database.transactions import first_line, is_unreachable

log = structlog.get_logger(__name__)

# ``created`` are the times of the last writes that made content, the oldest first. The next may be sent when
# as many as may be in a minute are a minute ago, and so for an hour. A turn more than ``longest`` away is
# not taken.
_TAKE = text("""
    INSERT INTO write_turns AS mine (installation, turn_at, next_at, created)
    VALUES (:installation, clock_timestamp(), clock_timestamp() + make_interval(secs => :spacing),
        CASE WHEN :creates THEN ARRAY[clock_timestamp()] ELSE ARRAY[]::timestamptz[] END)
    ON CONFLICT (installation) DO UPDATE SET (turn_at, next_at, created) = (
        SELECT free,
            CASE WHEN near THEN free + make_interval(secs => :spacing) ELSE mine.next_at END,
            CASE WHEN near AND :creates
                THEN (mine.created || free)[greatest(1, cardinality(mine.created) + 2 - :per_hour):]
                ELSE mine.created END
        FROM (
            SELECT free, free <= clock_timestamp() + make_interval(secs => :longest) AS near
            FROM (
                SELECT greatest(clock_timestamp(), mine.next_at, mine.closed_until,
                    CASE WHEN :creates THEN greatest(
                        mine.created[cardinality(mine.created) + 1 - :per_minute] + interval '1 minute',
                        mine.created[cardinality(mine.created) + 1 - :per_hour] + interval '1 hour')
                    END) AS free
            ) AS turn
        ) AS chosen)
    RETURNING greatest(0, extract(epoch FROM mine.turn_at - clock_timestamp()))::double precision
""")
_CLOSE = text("""
    INSERT INTO write_turns AS mine (installation, turn_at, next_at, closed_until, created)
    VALUES (:installation, clock_timestamp(), clock_timestamp(),
        clock_timestamp() + make_interval(secs => :seconds), ARRAY[]::timestamptz[])
    ON CONFLICT (installation) DO UPDATE SET closed_until = greatest(mine.closed_until, excluded.closed_until)
""")


class WriteTurns:
    """What ``bot.github.http.pace.SharedTurns`` asks for, over PostgreSQL.

    At most ``per_minute`` and ``per_hour`` turns may make content. While the database cannot be reached each
    worker keeps the bounds for itself.
    """

    def __init__(self, engine: AsyncEngine, *, per_minute: int, per_hour: int) -> None:
        self._engine = engine
        self._bounds = {"per_minute": per_minute, "per_hour": per_hour}

    async def take(self, installation: int, *, spacing: float, creates: bool, longest: float) -> float:
        """Take the installation's next turn to write; returns in how many seconds it is.

        ``spacing`` are the seconds after it in which nobody else may write. A turn that is more than
        ``longest`` seconds away is not taken.
        """
        asked = {"installation": installation, "spacing": spacing, "creates": creates, "longest": longest}
        asked |= self._bounds
        try:
            async with write_to(self._engine) as connection:
                return float(await connection.scalar(_TAKE, asked) or 0.0)
        except Exception as trouble:
            if not is_unreachable(trouble):
                raise
            log.warning("write_turns.away", installation=installation, error=first_line(trouble))
            return 0.0

    async def close(self, installation: int, seconds: float) -> None:
        """Let nobody write for the installation for so many seconds: GitHub asked one worker to wait."""
        try:
            async with write_to(self._engine) as connection:
                await connection.execute(_CLOSE, {"installation": installation, "seconds": seconds})
        except Exception as trouble:
            if not is_unreachable(trouble):
                raise
            log.warning("write_turns.away", installation=installation, error=first_line(trouble))
