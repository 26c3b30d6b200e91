"""What the commands of a run print while they run, as its worker stored it, and that somebody watches."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from bot.dashboard.page_reader import Row
from bot.tasks.database.tables import live_output, live_viewers

WATCHED_FOR = timedelta(seconds=15)  # after this a worker takes it that nobody watches any more


class OutputReader:
    """The live output in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def mark_watched(self, run: int) -> None:
        """Let the run's worker know that somebody watches; it begins to store within about two seconds."""
        until = func.clock_timestamp() + WATCHED_FOR
        seen = insert(live_viewers).values(run=run, until=until)
        seen = seen.on_conflict_do_update(index_elements=["run"], set_={"until": until})
        with self._engine.begin() as connection:
            connection.execute(seen)

    def list_pieces(self, run: int, after: int) -> list[Row]:
        """The pieces behind the serial ``after``, in order, as many as are kept."""
        query = select(live_output).where(live_output.c.run == run, live_output.c.serial > after)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query.order_by(live_output.c.serial)).mappings()]
