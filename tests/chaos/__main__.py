"""Plays the faults and prints the table; exits with 1 when a request was lost, doubled or wrongly failed.

The short form (three minutes on two quiet cores) attacks every call of the path once, each with one kind of
fault in turn, and kills workers while tasks run. ``--long`` plays every kind of fault on every call, and
forty kills over sixty tasks. The calls are those that the bot makes for one quiet task, so that a new one is
attacked by itself. What is put off is done at once, but for leases: how long a recovery takes is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
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
from bot.tasks.database.transactions import retry_while_away
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work
from tests.support.worker import Workers

SCRIPT = ([MEND], [DONE])
LONGEST = 150.0  # seconds that a request may take until it counts as lost
TOGETHER = 4
COUNTED = ("accepted", "ended", "lost", "doubled", "failed")
FAULTS: dict[str, dict[str, Any]] = {
    "401": {"kind": "status", "status": 401, "body": {"message": "Bad credentials"}},
    "403": {"kind": "status", "status": 403, "body": {"message": "Resource not accessible by integration"}},
    "404": {"kind": "status", "status": 404, "body": {"message": "Not Found"}},
    "502": {"kind": "status", "status": 502},
    "502 though done": {"kind": "status", "status": 502, "after": True},
    "reset": {"kind": "reset"},
    "reset though done": {"kind": "reset", "after": True},
    "secondary limit": {"kind": "secondary_limit", "seconds": 1},
    "five times 503": {"kind": "status", "status": 503, "count": 5},
}
REPO = re.compile(r"^.*/maintainer/calc\d+")  # what stands before does not matter


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

    @property
    def bad(self) -> list[str]:
        """What should not have been."""
        return [*self.lost, *self.doubled, *self.failed]

    def render(self) -> str:
        """The line."""
        times = sorted(self.recovery)
        last = f"{times[len(times) // 2]:.1f} / {times[int(len(times) * 0.99)]:.1f} s" if times else ""
        counts = (self.accepted, self.ended, len(self.lost), len(self.doubled), len(self.failed))
        return f"{self.name:<28}" + "".join(f"{count:>10}" for count in counts) + f"  {last}"


class Chaos:
    """A hub, a web process, workers in processes of their own, and the table."""

    def __init__(self, hob: AtWork, workers: Workers, store: Store, chance: random.Random) -> None:
        self.hob, self.workers, self.store, self.chance = hob, workers, store, chance
        self.rows: list[Row] = []
        self._numbers = iter(range(1, 10_000))

    async def find_calls(self) -> list[tuple[str, str, str]]:
        """The requests that the bot makes for one task: as whom, method, and a pattern of the path."""
        await self.hob.hub.admin("limits", creating={})  # more tasks than one installation may have
        await self.hob.hub.admin("requests", clear=True)
        row = self.add_row("quiet")
        await self.play(row, "quiet")
        made = await self.hob.hub.admin("requests")
        ours = [one for one in made if one["actor"] in ("hob[bot]", "app:hob")]
        found: dict[tuple[str, str, str], None] = {}
        for one in ours:
            path = REPO.sub("/REPO", one["path"].split("?")[0])
            path = re.sub(r"[0-9a-f]{40}", "[0-9a-f]{40}", re.sub(r"(?<=/)\d+", r"\\d+", path))
            found[one["actor"], one["method"], path] = None
        return list(found)

    def add_row(self, name: str) -> Row:
        """A new line of the table."""
        self.rows.append(Row(name))
        return self.rows[-1]

    async def play(self, row: Row, what: str, fault: dict[str, Any] | None = None, path: str = "") -> None:
        """One request in a repository of its own, with one fault on its way; counted in ``row``."""
        repo = f"calc{next(self._numbers)}"
        await self.hob.hub.seed_repo(repo, FAULTY)
        if fault:
            here = path.replace("/REPO", f"/{repo}") + r"($|\?)"
            await self.hob.hub.fault(**{"count": 1, **fault, "path": here})
        issue = await self.hob.issue(repo, "Doubling is wrong", "@hob please fix this")
        row.accepted += 1
        await self.judge(row, f"{what} ({repo})", repo, issue["number"])

    async def judge(self, row: Row, what: str, repo: str, issue: int) -> None:
        """Wait for the request's end and count what became of it."""
        full = f"maintainer/{repo}"
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            tasks = await retry_while_away(lambda: self.store.list_tasks(repo=full), seconds=LONGEST)
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

    async def attack_calls(self, calls: Sequence[tuple[str, str, str]], *, all_kinds: bool) -> None:
        """One fault at a time on every call; whoever else makes it, as this program does, is spared."""
        names = list(FAULTS)
        plays = [
            (name, *call)
            for at, call in enumerate(calls)
            for name in (names if all_kinds else [names[at % len(names)]])
        ]
        rows = {name: self.add_row(name) for name in names}
        gate = asyncio.Semaphore(TOGETHER)

        async def one(name: str, login: str, method: str, path: str) -> None:
            async with gate:
                fault = {**FAULTS[name], "login": login, "method": method}
                await self.play(rows[name], f"{method} {path}", fault, path)

        await asyncio.gather(*(one(*play) for play in plays))
        await self.hob.hub.admin("clear")

    async def kill(self, kills: int, tasks: int) -> None:
        """Kill a random worker now and then while tasks run, and start another."""
        row = self.add_row(f"kill -9, {kills} times")
        alive = [await self.workers.start() for _ in range(2)]
        killed: list[float] = []

        async def killing() -> None:
            for _ in range(kills):
                await asyncio.sleep(self.chance.uniform(0.5, 3.0))
                victim = alive.pop(self.chance.randrange(len(alive)))
                victim.kill()
                killed.append(time.time())
                victim.join()
                alive.append(await self.workers.start())

        async with asyncio.TaskGroup() as group:
            group.create_task(killing())
            for _ in range(tasks):
                group.create_task(self.play(row, "killed"))
                await asyncio.sleep(0.5)
        row.recovery += await self.measure_recovery(killed)

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


async def hurry(database: Database) -> None:
    """Whatever shall be done later is done now; leases are left as they are."""
    while True:
        async with database.engine.begin() as connection:
            for table in ("tasks", "deliveries"):
                await connection.execute(
                    text(f"UPDATE {table} SET not_before = now() WHERE not_before > now()")
                )
        await asyncio.sleep(0.5)


@asynccontextmanager
async def open_chaos(seed: int) -> AsyncIterator[Chaos]:
    """All that takes part, in a temporary directory."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        home, scratch = Path(folder, "home"), Path(folder, "scratch")
        scratch.mkdir()
        async with open_database(home) as database:
            await migrate(database)
            async with at_work(scratch, home, database, worker=False) as hob:
                hob.says(*SCRIPT)
                workers = Workers(hob, home, database, scratch)
                hurrying = asyncio.create_task(hurry(database))
                try:
                    yield Chaos(hob, workers, Store(database.engine), random.Random(seed))
                finally:
                    hurrying.cancel()
                    await asyncio.wait({hurrying})
                    workers.stop()


async def play(*, long: bool, seed: int) -> int:
    """The whole of it; 1 when something was lost, doubled or wrongly failed."""
    async with open_chaos(seed) as chaos:
        first = await chaos.workers.start()
        calls = await chaos.find_calls()
        await chaos.attack_calls(calls, all_kinds=long)
        first.kill()
        first.join()
        await chaos.kill(40 if long else 4, 60 if long else 8)
    print(f"{'fault':<28}" + "".join(f"{name:>10}" for name in COUNTED) + "  recovery p50 / p99")
    print(*(row.render() for row in chaos.rows), sep="\n")
    print(f"{len(calls)} calls were attacked; seed {seed}")
    bad = [f"{row.name}: {what}" for row in chaos.rows for what in row.bad]
    print(*bad, sep="\n")
    return 1 if bad else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--long", action="store_true", help="every kind of fault on every call, forty kills")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    return asyncio.run(play(long=given.long, seed=given.seed))


if __name__ == "__main__":  # the workers' processes import this module again
    sys.exit(main())
