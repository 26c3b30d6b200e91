"""What a worker stands on gives way: PostgreSQL, GitHub for minutes, its disk, the clocks."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import text

from bot.tasks.database.transactions import retry_while_away
from tests.chaos.calls import OURS
from tests.chaos.play import LONGEST, Chaos
from tests.support.flow import eventually
from tests.support.worker import Workers

REQUESTS = 4
STILL = 20.0  # seconds for which PostgreSQL stands still
FULL_RATE_AFTER = 10.0  # seconds after PostgreSQL's return
KILLED = "PostgreSQL: kill -9"
SMALL_DISK = "96m"
SKEW = 3600.0  # seconds that GitHub's clock is ahead or behind


@asynccontextmanager
async def one_worker(chaos: Chaos) -> AsyncIterator[BaseProcess]:
    """A worker for the while."""
    worker = await chaos.workers.start()
    try:
        yield worker
    finally:
        worker.kill()
        worker.join()


async def break_database(chaos: Chaos, home: Path, *, all_kinds: bool) -> None:
    """Five faults of PostgreSQL, or its death alone, while requests are worked on; how fast it goes again."""
    postmaster = home / "postgres" / "postmaster.pid"

    async def cut() -> None:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        async with chaos.store.engine.connect() as connection:
            await connection.execute(text(f"{end} AND datname = current_database()"))

    def signalled(number: signal.Signals) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            os.kill(_read_pid(postmaster), number)

        return send

    async def freeze() -> None:
        processes = _list_family(_read_pid(postmaster))
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            await asyncio.sleep(STILL)
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    faults: dict[str, Callable[[], Awaitable[None]]] = {
        "PostgreSQL: connections cut": cut,
        "PostgreSQL: restarted": signalled(signal.SIGINT),  # a fast shutdown; it is started again
        "PostgreSQL: immediate end": signalled(signal.SIGQUIT),
        KILLED: signalled(signal.SIGKILL),
        f"PostgreSQL: still for {STILL:.0f} s": freeze,
    }
    async with one_worker(chaos):
        quiet = await _time_requests(chaos, "before PostgreSQL's faults")
        for name, fault in faults.items() if all_kinds else [(KILLED, faults[KILLED])]:
            row = chaos.add_row(name)
            asked = [await chaos.ask(row) for _ in range(REQUESTS)]
            await chaos.hob.hub.idle()  # each got its 202
            await asyncio.sleep(chaos.chance.uniform(0.0, 1.0))
            await fault()
            await retry_while_away(chaos.store.find_next_task, seconds=60)
            await asyncio.sleep(FULL_RATE_AFTER)
            again = await _time_requests(chaos, f"{FULL_RATE_AFTER:.0f} s after that")
            row.note = (
                f"  {REQUESTS} requests {FULL_RATE_AFTER:.0f} s after: {again:.1f} s, before: {quiet:.1f} s"
            )
            if again > 2 * quiet + 5:
                row.failed.append(f"not at full rate: {again:.1f} s instead of {quiet:.1f} s")
            await chaos.judge_all(row, name, asked)


async def _time_requests(chaos: Chaos, name: str) -> float:
    """Seconds until some requests have ended."""
    row = chaos.add_row(name)
    began = time.monotonic()
    await asyncio.gather(*(chaos.play(row, name) for _ in range(REQUESTS)))
    return time.monotonic() - began


async def take_github_away(chaos: Chaos, seconds: float) -> None:
    """Nothing of GitHub answers the bot for a while, in which requests run and come in."""
    row = chaos.add_row(f"GitHub away for {seconds:.0f} s")
    async with one_worker(chaos):
        asked = [await chaos.ask(row) for _ in range(REQUESTS)]
        await asyncio.sleep(1.0)
        for login in OURS:
            await chaos.hob.hub.fault("status", ".*", status=503, login=login, count=10**9)
        asked += [await chaos.ask(row) for _ in range(REQUESTS)]
        await asyncio.sleep(seconds)
        await chaos.hob.hub.admin("clear")
        await chaos.judge_all(row, "away", asked)


async def skew_clock(chaos: Chaos) -> None:
    """GitHub's clock is an hour ahead, then an hour behind."""
    for offset in (SKEW, -SKEW):
        row = chaos.add_row(f"GitHub's clock {offset:+.0f} s")
        await chaos.hob.hub.admin("clock", offset=offset)
        async with one_worker(chaos):
            await asyncio.gather(*(chaos.play(row, "clock") for _ in range(REQUESTS // 2)))
    await chaos.hob.hub.admin("clock", offset=0)


async def fill_disk(chaos: Chaos, home: Path, logs: Path) -> None:
    """A worker whose disk is full when requests come in, and has room again later. Needs root."""
    row = chaos.add_row("disk full")
    if os.geteuid() != 0:
        row.note = "  not played: a small disk needs root"
        return
    with mounted(home):
        home.chmod(0o700)
        workers = Workers(chaos.hob, home, chaos.workers.database, logs)
        try:
            await workers.start()
            await chaos.play(row, "before it is full")
            filler = home / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:  # until there is no room
                    file.write(bytes(4096))
            asked = [await chaos.ask(row) for _ in range(REQUESTS // 2)]

            async def told() -> bool:
                return "run.disk" in workers.log(0)

            await eventually(told, "nobody notices that the disk is full", patience=LONGEST)
            filler.unlink()
            await chaos.judge_all(row, "full", asked)
        finally:
            workers.stop()


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """A small file system of its own at ``folder``."""
    folder.mkdir()
    mount: list[str | Path] = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "chaos", folder]
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _read_pid(postmaster: Path) -> int:
    return int(postmaster.read_text().split("\n", 1)[0])


def _list_family(parent: int) -> list[int]:
    """A process and its children."""
    found = [parent]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found
