"""Processes of Hob that are started as commands, and the requests that are played to them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from bot.tasks.database.connection import Database
from bot.tasks.database.transactions import retry_while_away
from tests.chaos.play import COUNTED, Chaos
from tests.support.flow import eventually


@dataclass(kw_only=True)
class Processes:
    """Processes of one program, on one machine: ``prefix`` is the command that enters it."""

    name: str
    program: Path
    environment: dict[str, str]
    logs: Path
    prefix: tuple[str, ...] = ()
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def start(self, process: str, says: bytes) -> subprocess.Popen[bytes]:
        """Start ``hob PROCESS`` and wait until its log has the words that say that it is up."""
        log = self.logs / f"{self.name}-{process}-{len(self._started)}.log"
        with log.open("wb") as into:
            started = subprocess.Popen(  # noqa: ASYNC220  it goes on
                [*self.prefix, sys.executable, "-m", "bot", process],
                env={**self.environment, "PYTHONPATH": str(self.program)},
                cwd=self.logs,
                stdin=subprocess.DEVNULL,
                stdout=into,
                stderr=into,
            )
        self._started.append(started)

        async def is_up() -> bool:
            if started.poll() is not None:
                raise AssertionError(f"{self.name} {process}: {log.read_text()[-2000:]}")
            return says in log.read_bytes()

        await eventually(is_up, f"{self.name} {process} does not start")
        return started

    async def start_worker(self) -> subprocess.Popen[bytes]:
        """A worker."""
        return await self.start("worker", b"worker.started")

    async def start_web(self) -> subprocess.Popen[bytes]:
        """The web process."""
        return await self.start("web", b"web.started")

    def stop(self) -> None:
        """End what runs of it."""
        for one in self._started:
            if one.poll() is None:
                one.send_signal(signal.SIGTERM)
        for one in self._started:
            try:
                one.wait(30)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


async def play_requests(
    chaos: Chaos, name: str, count: int, database: Database, *, workers: int
) -> list[str]:
    """So many requests at once, as one row; what is wrong with which workers took them."""
    row = chaos.add_row(name)
    print(f"{name} ...", file=sys.stderr)
    began = await find_run_workers(database, 0)
    await asyncio.gather(*(chaos.play(row, name) for _ in range(count)))
    took = await find_run_workers(database, max(began, default=0))
    names = sorted(set(took.values()))
    return [] if len(names) >= workers else [f"{name}: only {names} took tasks"]


async def find_run_workers(database: Database, after: int) -> dict[int, str]:
    """The runs with a higher number than ``after``, each with its worker. Waits for the database."""

    async def find() -> dict[int, str]:
        async with database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT id, worker FROM runs WHERE id > :id"), {"id": after})
            return {row.id: row.worker for row in rows}

    return await retry_while_away(find, seconds=60)


async def holds_run(database: Database, process: int) -> bool:
    """Whether the worker with this process id is at a run."""
    query = text("SELECT EXISTS (SELECT FROM runs WHERE ended_at IS NULL AND worker LIKE :like)")
    async with database.engine.connect() as connection:
        return bool(await connection.scalar(query, {"like": f"%:{process}:%"}))


def print_table(chaos: Chaos, wrong: Sequence[str]) -> int:
    """Print the rows and what was wrong; 1 when something was."""
    print(f"{'phase':<30}" + "".join(f"{name:>10}" for name in COUNTED) + "  recovery p50 / p99")
    print(*(row.render() for row in chaos.rows), sep="\n")
    wrong = [*wrong, *(f"{row.name}: {what}" for row in chaos.rows for what in row.bad)]
    print(*wrong, sep="\n")
    return 1 if wrong else 0
