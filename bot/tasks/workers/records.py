"""What each worker says of itself every few seconds, for operators: on whatever machine it runs.

Nothing that must be right rests on it. Who holds a task is decided by leases (bot.tasks.leases); by this only
who does what one worker is enough for. The table is unlogged: after a crash of PostgreSQL it is empty until
the workers say it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import workers

SILENT_SECONDS = 3600.0  # after which a worker that said nothing is forgotten
PRESENT_SECONDS = 45.0  # after which another does what it did for all; it says something every ten


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """One worker as it is now; the bytes are of its own process and of the disk that holds its HOB_HOME.

    ``slots`` are the runs that it takes at once. ``limits`` has, by installation and resource
    (``"77 core"``), how many requests GitHub's last answer to this worker left.
    """

    worker: str
    version: str
    slots: int
    memory_bytes: int
    cache_bytes: int
    free_bytes: int
    limits: Mapping[str, int]


class WorkerRecords:
    """The table ``workers``."""

    engine: AsyncEngine

    async def note_worker(self, state: WorkerState) -> None:
        """Store what it says, over what it said before, and forget the workers that are long silent."""
        said = asdict(state) | {"seen_at": func.now()}
        row = insert(workers).values(said)
        age = func.extract("epoch", func.now() - workers.c.seen_at)
        async with self.engine.begin() as connection:
            await connection.execute(row.on_conflict_do_update(index_elements=["worker"], set_=said))
            await connection.execute(delete(workers).where(age > SILENT_SECONDS))

    async def is_first_worker(self, worker: str) -> bool:
        """Whether it is for this one to do what one worker does for all: the first by name of those present.

        Of one that is not known to be present itself it is so, too: rather two do it than nobody.
        """
        age = func.extract("epoch", func.now() - workers.c.seen_at)
        async with read_from(self.engine) as connection:
            present = (await connection.scalars(select(workers.c.worker).where(age <= PRESENT_SECONDS))).all()
        return worker not in present or worker == min(present)

    async def forget_worker(self, worker: str) -> None:
        """It has ended."""
        async with write_to(self.engine) as connection:
            await connection.execute(delete(workers).where(workers.c.worker == worker))
