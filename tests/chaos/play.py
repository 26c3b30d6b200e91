"""A hub, a web process, workers in processes of their own, requests, and what became of each: the table."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.domain import TERMINAL, TaskState
from bot.tasks.database.connection import Database, open_database
from bot.tasks.database.schema import migrate
from bot.tasks.database.transactions import is_unreachable, retry_while_away
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work
from tests.support.worker import Workers

SCRIPT = ([MEND], [DONE])
LONGEST = 150.0  # seconds that a request may take until it counts as lost
SLOWEST_RECOVERY = 25.0  # seconds, for 99 in 100
MANY = 1_000_000  # requests an hour: GitHub's own limits are not what is tried here
COUNTED = ("accepted", "ended", "lost", "doubled", "failed")


@dataclass(slots=True)
class Row:
    """One line of the table. ``recovery`` in seconds, from a kill to the next claim of a task of the dead."""

    name: str
    accepted: int = 0
    ended: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def bad(self) -> list[str]:
        """What should not have been."""
        slow = [each for each in self.recovery if each > SLOWEST_RECOVERY]
        late = [f"{len(slow)} of {len(self.recovery)} recoveries took over {SLOWEST_RECOVERY:.0f} s"]
        return [
            *self.lost,
            *self.doubled,
            *self.failed,
            *(late if len(slow) > len(self.recovery) / 100 else ()),
        ]

    def render(self) -> str:
        """The line."""
        times = sorted(self.recovery)
        last = f"{times[len(times) // 2]:.1f} / {times[int(len(times) * 0.99)]:.1f} s" if times else ""
        counts = (self.accepted, self.ended, len(self.lost), len(self.doubled), len(self.failed))
        return f"{self.name:<30}" + "".join(f"{count:>10}" for count in counts) + f"  {last}{self.note}"


class Chaos:
    """A hub, a web process, workers in processes of their own, and the table."""

    def __init__(self, hob: AtWork, workers: Workers, store: Store, chance: random.Random) -> None:
        self.hob, self.workers, self.store, self.chance = hob, workers, store, chance
        self.rows: list[Row] = []
        self._numbers = iter(range(1, 10_000))

    def add_row(self, name: str) -> Row:
        """A new line of the table."""
        self.rows.append(Row(name))
        return self.rows[-1]

    async def play(
        self,
        row: Row,
        what: str,
        fault: dict[str, Any] | None = None,
        path: str = "",
        *,
        longest: float = LONGEST,
    ) -> None:
        """One request in a repository of its own, with one fault on its way; counted in ``row``."""
        repo, issue = await self.ask(row, fault, path)
        await self.judge(row, f"{what} ({repo})", repo, issue, longest=longest)

    async def ask(self, row: Row, fault: dict[str, Any] | None = None, path: str = "") -> tuple[str, int]:
        """Make the request and return its repository and issue; what becomes of it is not waited for."""
        repo = f"calc{next(self._numbers)}"
        await self.hob.hub.seed_repo(repo, FAULTY)
        if fault:
            here = path.replace("/REPO", f"/{repo}") + r"($|\?)"
            await self.hob.hub.fault(**{"count": 1, **fault, "path": here})
        issue = await self.hob.issue(repo, "Doubling is wrong", "@hob please fix this")
        row.accepted += 1
        return repo, issue["number"]

    async def judge(self, row: Row, what: str, repo: str, issue: int, *, longest: float = LONGEST) -> None:
        """Wait for the request's end and count what became of it."""
        full = f"maintainer/{repo}"
        until = time.monotonic() + longest
        while time.monotonic() < until:
            tasks = await retry_while_away(lambda: self.store.list_tasks(repo=full), seconds=longest)
            told = [said for said in await self.hob.comments(repo, issue) if "<!-- hob:task" in said]
            if tasks and all(task.state in TERMINAL for task in tasks) and any("**" in said for said in told):
                break
            await asyncio.sleep(0.3)
        else:
            row.lost.append(f"{what}: {[(task.state.value, task.reason) for task in tasks]}")
            return
        row.ended += 1
        if len(tasks) > 1 or len(told) > 1 or len(await self.hob.pulls(repo)) > 1:
            row.doubled.append(what)
        if any(task.state is not TaskState.DONE for task in tasks):
            row.failed.append(f"{what}: {tasks[0].reason}")

    async def measure_recovery(self, killed: Sequence[float]) -> list[float]:
        """From each kill to the next claim of every task whose run it ended."""
        query = """
            SELECT extract(epoch FROM lost.started_at) AS began, extract(epoch FROM next.started_at) AS again
            FROM runs lost JOIN LATERAL (SELECT started_at FROM runs WHERE task = lost.task AND id > lost.id
            ORDER BY id LIMIT 1) next ON true WHERE lost.state = 'lost'
        """
        async with self.store.engine.connect() as connection:
            rows = (await connection.execute(text(query))).all()
        between = ([at for at in killed if row.began <= at <= row.again] for row in rows)
        return [float(row.again) - found[-1] for row, found in zip(rows, between, strict=True) if found]

    async def judge_all(self, row: Row, what: str, asked: Sequence[tuple[str, int]]) -> None:
        """The same of several."""
        await asyncio.gather(*(self.judge(row, f"{what} ({repo})", repo, issue) for repo, issue in asked))

    async def find_worker_leases(self, process: int) -> list[int]:
        """How often each task was claimed that the worker with this process id is at."""
        query = text("SELECT attempts FROM tasks WHERE state = 'running' AND worker LIKE :like")
        async with self.store.engine.connect() as connection:
            return list((await connection.execute(query, {"like": f"%:{process}:%"})).scalars())


async def hurry(database: Database) -> None:
    """Whatever shall be done later is done now; leases are left as they are."""
    while True:
        try:
            async with database.engine.begin() as connection:
                for table in ("tasks", "deliveries"):
                    await connection.execute(
                        text(f"UPDATE {table} SET not_before = now() WHERE not_before > now()")
                    )
        except Exception as trouble:
            if not is_unreachable(trouble):
                raise
        await asyncio.sleep(0.5)


@asynccontextmanager
async def open_chaos(seed: int) -> AsyncIterator[tuple[Chaos, Path]]:
    """All that takes part, and the temporary directory that it is in."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        home, scratch = Path(folder, "home"), Path(folder, "scratch")
        scratch.mkdir()
        async with open_database(home) as database:
            await migrate(database)
            async with at_work(scratch, home, database, worker=False) as hob:
                hob.says(*SCRIPT)
                workers = Workers(hob, home, database, scratch)
                chaos = Chaos(hob, workers, Store(database.engine), random.Random(seed))
                await hob.hub.admin("limits", creating={}, user=MANY, installation=MANY)
                hurrying = asyncio.create_task(hurry(database))
                try:
                    yield chaos, Path(folder)
                finally:
                    hurrying.cancel()
                    await asyncio.wait({hurrying})
                    workers.stop()
