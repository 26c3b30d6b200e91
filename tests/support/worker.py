"""Workers in processes of their own, to be killed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.serve import sandbox as machine
from bot.serve.loop_watchdog import watch_loop
from bot.serve.worker import serve_worker
from bot.settings import Settings, load
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.flow import AtWork, eventually
from tests.support.processes import fork, print_to


def _work(settings: dict[str, Any], log: str, held: set[tuple[str, str, str]], stalls: str) -> None:
    """A worker process, as ``hob worker`` starts it, on a machine whose sandboxes were seen to hold."""
    machine._HOLDS.update(held)
    print_to(Path(log), Path(log))
    asyncio.run(
        _serve_and_measure(load(**settings), Path(stalls)) if stalls else serve_worker(load(**settings))
    )


async def _serve_and_measure(settings: Settings, stalls: Path) -> None:
    with watch_loop(MEASURED_SECONDS):  # says in the log by what
        meter = asyncio.create_task(measure_stalls(stalls))
        try:
            await serve_worker(settings)
        finally:
            meter.cancel()


async def measure_stalls(stalls: Path) -> None:
    """Append a line to ``stalls`` each time that this process kept its event loop from running: the seconds,
    and in brackets what was measured.

    Counted is what the loop was late, without what the machine kept from it: while the loop's thread stood in
    the queue for a processor, and while it waited longer than other threads of this process, who may have had
    the interpreter's lock, were on a processor. On a busy machine it is late by others' doing.
    """
    queue = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")  # docs.kernel.org/scheduler

    def measure() -> tuple[float, float, float, float]:
        waited = int(queue.read_text().split()[1]) / 1e9
        return time.monotonic(), time.thread_time(), time.process_time(), waited

    before = measure()
    while True:
        await asyncio.sleep(_BEAT)
        after = measure()
        passed, mine, everybodys, queued = (new - old for new, old in zip(after, before, strict=True))
        before = after
        late = passed - _BEAT
        still = min(late, mine + min(max(0.0, late - mine - queued), everybodys - mine))
        if still > MEASURED_SECONDS / 2:
            with stalls.open("a") as file:
                told = f"late {late:.3f}, loop {mine:.3f}, process {everybodys:.3f}, queued {queued:.3f}"
                file.write(f"{still:.3f} ({told})\n")


_BEAT = 0.02
MEASURED_SECONDS = 0.25


class Workers:
    """Worker processes, started and killed."""

    def __init__(self, hob: AtWork, home: Path, database: Database, logs: Path) -> None:
        hub = hob.hub
        self.hob, self.database, self._logs = hob, database, logs
        self.store = Store(database.engine)
        self._all: list[BaseProcess] = []
        self._settings = {
            "home": home, "database_url": database.url, "github_url": hub.api_url, "app_id": hub.app_id,
            "private_key": hub.private_key, "model": hob.model, "write_seconds": 0, "progress_seconds": 0,
        }  # fmt: skip

    async def start(self, stalls: Path | None = None) -> BaseProcess:
        """One more, which takes work when this returns; how long its loop stands still goes to ``stalls``."""
        log = self._logs / f"worker-{len(self._all)}.log"
        log.touch()
        await machine.check_sandbox(load(**self._settings))  # attacked once, not by each worker anew
        worker = fork(_work, self._settings, str(log), set(machine._HOLDS), str(stalls or ""))
        self._all.append(worker)

        async def started() -> bool:
            assert worker.is_alive(), log.read_text()
            return b"worker.started" in log.read_bytes()

        await eventually(started, "the worker does not start")
        return worker

    async def expire(self) -> None:
        """A minute passes for the leases of all who do not beat, and somebody sweeps."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text("UPDATE tasks SET lease_until = now() WHERE state = 'running'"))

        async def swept() -> bool:  # not while a worker is at it
            return await sweep(self.database.engine) is not None

        await eventually(swept, "somebody sweeps for ever")

    def log(self, number: int) -> str:
        """What the worker started as ``number`` logged."""
        return (self._logs / f"worker-{number}.log").read_text()

    def stop(self) -> None:
        """Kill those that are left."""
        for worker in self._all:
            worker.kill()
            worker.join()


@asynccontextmanager
async def working(hob: AtWork, home: Path, database: Database, **more: Any) -> AsyncIterator[None]:
    """A worker in this process for the while; ``more`` are settings."""
    hub, stop = hob.hub, asyncio.Event()
    settings = load(
        home=home,
        database_url=database.url,
        github_url=hub.api_url,
        app_id=hub.app_id,
        private_key=hub.private_key,
        model=hob.model,
        write_seconds=0,
        progress_seconds=0,
        log="console",
        **more,
    )
    worker = asyncio.create_task(serve_worker(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await worker
