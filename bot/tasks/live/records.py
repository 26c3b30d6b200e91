"""The newest output of commands that run now, for whoever watches the run, from whatever machine.

The rows are in unlogged tables: PostgreSQL writes them to no log, and a crash empties them. A run's worker
alone writes them, and only while somebody watches; ``serial`` counts them, so that none is stored twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import Run
from bot.tasks.database.column_values import storable
from bot.tasks.database.reading import read_from
from bot.tasks.database.tables import live_output, live_viewers

LOOK_SECONDS = 1.0  # between two looks for viewers, of all runs of a worker together


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPiece:
    """Some lines of one command's output. ``command`` counts the run's commands, ``line`` their lines.

    ``line`` is the number of the first line here; more than the last piece said means that lines between were
    not kept, the same as there that its last line is written anew. ``ended`` is '' while the command runs.
    """

    serial: int
    command: int
    title: str
    line: int
    text: str
    ended: str = ""


class LiveRecords:
    """The tables of live output."""

    engine: AsyncEngine

    async def list_watched_runs(self) -> set[int]:
        """The ids of the runs that somebody watches now."""
        watched = select(live_viewers.c.run).where(live_viewers.c.until > func.clock_timestamp())
        async with read_from(self.engine) as connection:
            return set(await connection.scalars(watched))

    async def add_output(self, run: Run, pieces: Sequence[OutputPiece], *, forget_until: int) -> None:
        """Store pieces, and delete the run's pieces up to the serial ``forget_until``."""
        rows = [
            {**asdict(each), "run": run.id, "title": storable(each.title), "text": storable(each.text)}
            for each in pieces
        ]
        old = delete(live_output).where(live_output.c.run == run.id, live_output.c.serial <= forget_until)
        async with self.engine.begin() as connection:
            await connection.execute(insert(live_output).on_conflict_do_nothing(), rows)
            if forget_until:
                await connection.execute(old)


class WatchedRuns:
    """Which runs are watched, asked once a second at most for all runs of a worker."""

    def __init__(self, store: LiveRecords) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._known: set[int] = set()
        self._at = float("-inf")

    async def is_watched(self, run: Run) -> bool:
        """Whether somebody watches the run. Raises what the database raised."""
        async with self._lock:
            if time.monotonic() - self._at >= LOOK_SECONDS:
                self._known = await self._store.list_watched_runs()
                self._at = time.monotonic()
            return run.id in self._known
