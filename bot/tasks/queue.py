"""The worker's two lanes: deliveries, which are short, and runs, which are long.

A job of procrastinate is only a wake-up: one that names a task waits for a free slot, starts the run as an
asyncio task and is done. A database that restarts therefore ends procrastinate's workers, which are started
again, but no run: a run depends on its lease alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.backoff import compute_backoff
from bot.errors import Parked, Retry
from bot.tasks.database.connection import Database
from bot.tasks.database.reading import read_from
from bot.tasks.database.tables import DeliveryState
from bot.tasks.database.transactions import first_line, is_unreachable
from bot.tasks.deletion.by_age import KEPT, Retention
from bot.tasks.leases.records import LEASE
from bot.tasks.store import Store
from bot.tasks.sweep import SweepCounts, sweep
from bot.tasks.wake import CALLS, INBOX, RUNS, queue_app

log = structlog.get_logger(__name__)

OnDelivery = Callable[[str], Awaitable[object]]
OnTask = Callable[[int], Awaitable[object]]
OnFailed = Callable[[str, str], Awaitable[object]]
EveryMinute = Callable[[], Awaitable[object]]

INBOX_SLOTS = 8
MOST_TRIES = 5  # to claim the task whose turn it is, while others claim it first
DELIVERY_SECONDS = 120.0  # that the handling of one delivery may take


class Queue:
    """The queue as one worker process serves it.

    ``grace`` is how long runs may go on after a stop before they are cancelled, ``every`` the seconds between
    sweeps, ``poll`` those between looks for jobs whose notification was lost: procrastinate 3.10 forgets one
    that arrives while it fetches, so this is how late a wake-up can be. ``retention``: how
    long things are kept.
    """

    def __init__(
        self,
        database: Database,
        *,
        grace: float = 20.0,
        every: float = 5.0,
        poll: float = 0.5,
        retention: Retention = KEPT,
    ) -> None:
        self._database = database
        self._store = Store(database.engine)
        self._grace = grace
        self._every = every
        self._poll = poll
        self._retention = retention
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(
        self,
        *,
        on_delivery: OnDelivery,
        on_task: OnTask,
        on_ended: OnTask | None = None,
        on_failed: OnFailed | None = None,
        on_swept: Callable[[SweepCounts], None] | None = None,
        every_minute: EveryMinute | None = None,
        concurrency: int,
        stop: asyncio.Event,
    ) -> None:
        """Work until ``stop``: deliveries to ``on_delivery(guid)``, which returns True when it has stored the
        delivery's end itself, tasks to ``on_task(id)``, which returns False when another worker had claimed
        it.

        Tasks that ended while no run could notify the thread (died workers, cancelled in the queue) go to
        ``on_ended(id)``, deliveries that failed for good to ``on_failed(guid, reason)``. ``on_swept`` is
        called with what a sweep of this worker repaired. Once a minute some worker of those that share the
        database calls ``every_minute()``. On stop no new work is taken, deliveries end within seconds, runs
        get ``grace`` and then asyncio.CancelledError. Returns when all have ended.
        """
        self._slots = asyncio.Semaphore(concurrency)
        self._inbox_slots = asyncio.Semaphore(INBOX_SLOTS)
        calls = {
            "deliver": lambda guid: self._deliver_together([guid], on_delivery, on_failed),
            "deliver_together": lambda guids: self._deliver_together(guids, on_delivery, on_failed),
            "work": lambda task: self._work(task, on_task),
            "tell": lambda task: self._notify(task, on_ended),
            "every_minute": lambda _: _tick(every_minute),
        }
        sweeper = asyncio.create_task(self._sweep_until(stop, on_swept), name="sweep")
        try:
            await self._keep_lanes_running(stop, calls)
        finally:
            sweeper.cancel()
            await asyncio.wait({sweeper})
            await self._finish_runs()

    async def _keep_lanes_running(self, stop: asyncio.Event, calls: dict[str, Any]) -> None:
        failures = 0
        while not stop.is_set():
            started = asyncio.get_running_loop().time()
            pause = compute_backoff(failures + 1, first=0.2, longest=2.0)
            try:
                await self._check_database()
                connector = PsycopgConnector(
                    conninfo=self._database.url, min_size=1, max_size=6, timeout=5.0, reconnect_timeout=5.0
                )
                app = queue_app(connector)
                async with app.open_async():
                    await self._run_lanes(app, stop, calls)
                if not stop.is_set():
                    log.warning("queue.lanes_ended", again_in=pause)
            except Exception as trouble:  # the lanes' boundary: whatever ends them, they are started again
                if not is_unreachable(trouble):
                    log.exception("queue.broken")
                log.warning("queue.database_away", error=first_line(trouble), again_in=pause)
            if asyncio.get_running_loop().time() - started > 30:
                failures = 0
            await _sleep(pause, stop)
            failures += 1

    async def _check_database(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._database.url, connect_timeout=3)
        await connection.close()

    async def _run_lanes(self, app: App, stop: asyncio.Event, calls: dict[str, Any]) -> None:
        """Both lanes until either ends (the database went away) or ``stop``."""
        options: dict[str, Any] = {
            "install_signal_handlers": False,
            "delete_jobs": "always",
            "fetch_job_polling_interval": self._poll,
            "update_heartbeat_interval": 5.0,
            "additional_context": {CALLS: calls},
        }
        inbox = app.run_worker_async(
            queues=[INBOX], name=INBOX, concurrency=INBOX_SLOTS, shutdown_graceful_timeout=5.0, **options
        )
        # One: it waits for a free slot, and leaves every other job to workers that have one.
        runs = app.run_worker_async(
            queues=[RUNS], name=RUNS, concurrency=1, shutdown_graceful_timeout=0.1, **options
        )
        parts = [asyncio.create_task(part) for part in (inbox, runs, stop.wait())]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            for ended in await asyncio.gather(*parts, return_exceptions=True):
                if isinstance(ended, Exception) and not is_unreachable(ended):
                    log.error("queue.lane_broken", exc_info=ended)

    async def _work(self, task: int, on_task: OnTask) -> None:
        await self._slots.acquire()
        try:
            # The job only says that there is one. Without passing over what was started here and is not yet
            # claimed, two jobs in a row would find the same task, and the second one's wake-up would be lost.
            task = await self._store.find_next_task(started=self._running) or task
        except BaseException:
            self._slots.release()
            raise
        if task in self._running:
            self._slots.release()
            return
        run = asyncio.create_task(self._run(task, on_task), name=f"task {task}")
        self._running[task] = run
        run.add_done_callback(self._release_slot)

    def _release_slot(self, run: asyncio.Task[None]) -> None:
        self._running = {task: other for task, other in self._running.items() if other is not run}
        self._slots.release()

    async def _run(self, task: int, on_task: OnTask) -> None:
        try:
            for _ in range(MOST_TRIES):
                if await on_task(task) is not False:
                    return
                following = await self._store.find_next_task(started=self._running)  # another was faster
                if following is None or following in self._running:
                    return
                self._running[following] = self._running.pop(task)
                task = following
        except Exception as trouble:  # the worker's boundary: the lease brings the task back
            log.error(
                "task.unattended", task=task, error=first_line(trouble), exc_info=not is_unreachable(trouble)
            )

    async def _deliver_together(
        self, guids: Sequence[str], on_delivery: OnDelivery, on_failed: OnFailed | None
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for guid in guids:
                group.create_task(self._deliver_in_turn(guid, on_delivery, on_failed))

    async def _deliver_in_turn(self, guid: str, on_delivery: OnDelivery, on_failed: OnFailed | None) -> None:
        async with self._inbox_slots:
            await self._deliver(guid, on_delivery, on_failed)

    async def _deliver(self, guid: str, on_delivery: OnDelivery, on_failed: OnFailed | None) -> None:
        with structlog.contextvars.bound_contextvars(delivery=guid):
            try:
                async with asyncio.timeout(DELIVERY_SECONDS):
                    if not await on_delivery(guid):
                        await self._store.finish_delivery(guid, DeliveryState.HANDLED)
            except (Parked, Retry) as again:
                await self._store.postpone_delivery(guid, again.reason, after=again.after, counted=False)
            except Exception as bug:  # the worker's boundary
                if is_unreachable(bug):
                    raise
                log.exception("delivery.bug")
                failed = await self._store.postpone_delivery(guid, first_line(bug), after=30.0)
                if failed and on_failed:
                    why = f"An error inside Hob ended this ({type(bug).__name__}); its log says more."
                    await self._report(guid, why, on_failed)

    async def _report(self, guid: str, why: str, on_failed: OnFailed) -> None:
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await on_failed(guid, why)
        except Exception as trouble:  # the worker's boundary: `hob doctor` lists the delivery in any case
            log.warning("delivery.failure_not_reported", error=first_line(trouble))

    async def _notify(self, task: int, on_ended: OnTask | None) -> None:
        with structlog.contextvars.bound_contextvars(task=task):
            try:
                async with asyncio.timeout(DELIVERY_SECONDS):
                    if on_ended:
                        await on_ended(task)
                    await self._store.mark_notified(task)
            except (Parked, Retry) as again:
                await self._store.notify_later(task, after=again.after)
            except Exception as bug:  # the worker's boundary
                if is_unreachable(bug):
                    raise
                log.exception("task.unnotified")
                await self._store.notify_later(task, after=60.0)

    async def _sweep_until(self, stop: asyncio.Event, on_swept: Callable[[SweepCounts], None] | None) -> None:
        while not stop.is_set():
            try:
                swept = await sweep(self._database.engine, settle=LEASE, retention=self._retention)
                if swept:
                    log.info("queue.swept", **{name: getattr(swept, name) for name in swept.__slots__})
                if swept and on_swept:
                    on_swept(swept)
            except Exception as trouble:  # the sweep's boundary: the next one may fare better
                if not is_unreachable(trouble):
                    log.exception("queue.sweep_broken")
            await _sleep(self._every, stop)

    async def _finish_runs(self) -> None:
        runs = list(self._running.values())
        if not runs:
            return
        log.info("queue.draining", runs=len(runs), grace=self._grace)
        _, left = await asyncio.wait(runs, timeout=self._grace)
        for run in left:
            run.cancel()
        if left:
            await asyncio.wait(left)


async def count_live_workers(engine: AsyncEngine, silence: float = 15.0) -> int:
    """How many workers sent a heartbeat in the last ``silence`` seconds; each has two lanes."""
    query = text(
        "SELECT count(*) FROM procrastinate_workers"
        " WHERE last_heartbeat > clock_timestamp() - make_interval(secs => :silence)"
    )
    async with read_from(engine) as connection:
        lanes: int = (await connection.execute(query, {"silence": silence})).scalar_one()
    return -(-lanes // 2)


async def _tick(every_minute: EveryMinute | None) -> None:
    try:
        if every_minute:
            await every_minute()
    except Exception as trouble:  # the job's boundary: the next one may fare better
        if not is_unreachable(trouble):
            log.exception("queue.minute_job_failed")


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, but no longer than until ``stop``."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
