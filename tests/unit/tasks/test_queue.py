"""The queue with real workers: wake-ups, lanes, sweeps, stopping, a database that goes away."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from bot.domain import TaskState
from bot.errors import Parked, Retry
from bot.run.pipeline import work
from bot.tasks.database.connection import Database, connect, open_database
from bot.tasks.database.embedded import find_programs
from bot.tasks.database.schema import migrate
from bot.tasks.database.tables import DeliveryState
from bot.tasks.database.transactions import retry_while_away
from bot.tasks.leases.expire import DIED
from bot.tasks.queue import Queue
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from bot.workspace.workshop import Workshop
from tests.support.pipeline import PipelineScene, pipeline_scene, store_end
from tests.support.tasks import add_delivery, make_request, until


class Worker:
    """What a worker was asked to look at. Its runs only publish their task's end, delayed by ``work``."""

    def __init__(self, scene: PipelineScene) -> None:
        self.parts, self.store = scene.parts, scene.parts.store
        self.delivered: dict[str, float] = {}
        self.ended: list[int] = []
        self.order: list[int] = []
        self.together = self.most = 0
        self.fail: Exception | None = None
        self.work: Callable[[int], Awaitable[object]] = lambda number: asyncio.sleep(0)
        scene.issues.on_read = self.read_back

    async def on_delivery(self, guid: str) -> None:
        """Note when."""
        self.delivered[guid] = time.monotonic()
        if self.fail:
            raise self.fail

    async def on_task(self, task: int) -> None:
        """Claim it and work."""
        await retry_while_away(lambda: store_end(self.store, task), seconds=60)
        await work(self.parts, task)

    async def on_ended(self, task: int) -> None:
        """Note it."""
        self.ended.append(task)

    async def read_back(self, number: int) -> None:
        """A run reads back what it said on an issue: note the order and how many run at once."""
        tasks = await retry_while_away(lambda: self.store.list_tasks_on(f"11#{number}"), seconds=60)
        self.order += [task.id for task in tasks if task.state is TaskState.RUNNING]
        self.together += 1
        self.most = max(self.most, self.together)
        try:
            await self.work(number)
        finally:
            self.together -= 1


@pytest.fixture
def worker(scene: PipelineScene) -> Worker:
    """A worker that does nothing for its tasks."""
    return Worker(scene)


@asynccontextmanager
async def at_work(
    database: Database, worker: Worker, *, concurrency: int = 2, **options: Any
) -> AsyncIterator[None]:
    """A queue that runs meanwhile, and is stopped afterwards."""
    stop = asyncio.Event()
    queue = Queue(database, **{"grace": 5.0, "every": 0.3, **options})
    running = asyncio.create_task(
        queue.run(
            on_delivery=worker.on_delivery,
            on_task=worker.on_task,
            on_ended=worker.on_ended,
            concurrency=concurrency,
            stop=stop,
        )
    )
    try:
        await until(lambda: listening(database))
        yield
    finally:
        stop.set()
        await running


async def listening(database: Database) -> bool:
    """Whether both lanes wait for notifications."""
    query = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'
    """
    async with database.engine.connect() as connection:
        return bool(await connection.scalar(text(query)) == 2)


async def states(store: Store) -> set[TaskState]:
    """The states that tasks are in."""
    return {task.state for task in await store.list_tasks(1000)}


async def all_done(store: Store) -> bool:
    """Whether every task is done."""
    return await states(store) == {TaskState.DONE}


async def left(database: Database) -> int:
    """How many jobs procrastinate still knows."""
    async with database.engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) or 0)


async def test_a_delivery_is_looked_at_at_once(database: Database, store: Store, worker: Worker) -> None:
    waits = []
    async with at_work(database, worker, every=30):
        for number in range(20):
            guid = f"g{number}"
            await add_delivery(store, guid, "issues", b"{}", {})
            stored = time.monotonic()
            await until(lambda guid=guid: _async(guid in worker.delivered))
            waits.append(worker.delivered[guid] - stored)
        await until(lambda: _handled(store, "g19"))
    print(f"wake-up: median {statistics.median(waits) * 1000:.1f} ms, worst {max(waits) * 1000:.1f} ms")
    assert statistics.median(waits) < 5  # without a wake-up a sweep would find them, after 30
    assert await left(database) == 0


async def test_an_end_that_the_handler_stored_is_not_stored_again(
    database: Database, store: Store, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def end_it(guid: str) -> bool:
        worker.delivered[guid] = time.monotonic()
        return guid == "mine"

    monkeypatch.setattr(worker, "on_delivery", end_it)
    async with at_work(database, worker, every=30):
        for guid in ("mine", "yours"):
            await add_delivery(store, guid, "issues", b"{}", {})
        await until(lambda: _handled(store, "yours"))
        await until(lambda: _async("mine" in worker.delivered))
        await until(lambda: _is_empty(database))
    assert not await _handled(store, "mine")


async def _is_empty(database: Database) -> bool:
    return await left(database) == 0


async def _async(value: bool) -> bool:
    return value


async def _handled(store: Store, guid: str) -> bool:
    delivery = await store.get_delivery(guid)
    return delivery is not None and delivery.state is DeliveryState.HANDLED


async def test_tasks_run_side_by_side_but_threads_one_by_one(
    database: Database, store: Store, worker: Worker
) -> None:
    both = asyncio.Barrier(2)
    worker.work = lambda number: both.wait()
    async with at_work(database, worker, concurrency=3, every=600):
        made = [await store.add_task(make_request(number=number % 2)) for number in range(8)]
        # Without any sweep: each that ends wakes the next of its thread.
        await until(lambda: all_done(store))
    assert worker.most == 2
    ids = [task.id for task in made]
    assert [i for i in worker.order if i in ids[::2]] == ids[::2]
    assert [i for i in worker.order if i in ids[1::2]] == ids[1::2]


async def test_no_more_at_once_than_told_and_deliveries_do_not_wait(
    database: Database, store: Store, worker: Worker
) -> None:
    go_on = asyncio.Event()
    worker.work = lambda number: go_on.wait()
    async with at_work(database, worker, concurrency=2):
        for number in range(4):
            await store.add_task(make_request(number=number))
        await until(lambda: _async(worker.together == 2))
        await add_delivery(store, "g", "issues", b"{}", {})
        await until(lambda: _handled(store, "g"))
        assert worker.together == 2
        go_on.set()
        await until(lambda: all_done(store))
    assert worker.most == 2


async def test_s24_a_job_whose_notification_was_lost_is_found(
    database: Database, store: Store, worker: Worker
) -> None:
    silent = "DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1"
    async with database.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE procrastinate_jobs {silent}"))
    stop = asyncio.Event()
    queue = Queue(database, every=60, poll=0.2)
    running = asyncio.create_task(
        queue.run(on_delivery=worker.on_delivery, on_task=worker.on_task, concurrency=1, stop=stop)
    )
    await until(lambda: listening(database))
    await add_delivery(store, "g", "issues", b"{}", {})
    await until(lambda: _handled(store, "g"))
    stop.set()
    await running


async def test_s24_a_wake_up_that_was_lost_is_made_up_for(
    database: Database, store: Store, worker: Worker
) -> None:
    await add_delivery(store, "g", "issues", b"{}", {})
    await store.add_task(make_request())
    async with database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM procrastinate_jobs"))
    async with at_work(database, worker):
        await until(lambda: _handled(store, "g"))
        await until(lambda: all_done(store))


async def test_a_job_of_a_killed_worker_is_taken_from_it(database: Database, store: Store) -> None:
    await add_delivery(store, "g", "issues", b"{}", {})
    async with database.engine.begin() as connection:
        await connection.execute(
            text(
                "WITH w AS (INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - interval '1 hour') RETURNING id)"
                " UPDATE procrastinate_jobs SET status = 'doing', worker_id = w.id FROM w"
            )
        )
    swept = await sweep(database.engine)
    assert swept and swept.deliveries == 1
    again = await sweep(database.engine)
    assert again is not None and not again


async def test_one_sweep_at_a_time(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(7240002)"))
        assert await sweep(database.engine) is None


async def test_s21_people_are_told_of_a_task_that_no_run_could_tell_of(
    database: Database, store: Store, worker: Worker
) -> None:
    poison = await store.add_task(make_request(number=1))
    for _ in range(3):
        assert await store.claim(poison.id, "dead")
        async with database.engine.begin() as connection:
            await connection.execute(text("UPDATE tasks SET lease_until = now() - interval '1 s'"))
        await sweep(database.engine)
    cancelled = await store.add_task(make_request(number=2))
    await store.ask_cancel(cancelled.id)
    done = await store.add_task(make_request(number=3))
    async with at_work(database, worker):
        await until(lambda: _async(len(worker.ended) == 2))
        await until(lambda: _in_state(store, done.id, TaskState.DONE))
        await asyncio.sleep(0.7)  # two more sweeps
    assert sorted(worker.ended) == [poison.id, cancelled.id]
    failed = await store.get_task(poison.id)
    assert failed and (failed.state, failed.reason) == (TaskState.FAILED, DIED)


async def _in_state(store: Store, task_id: int, state: TaskState) -> bool:
    task = await store.get_task(task_id)
    return task is not None and task.state is state


@pytest.mark.parametrize(
    ("error", "tries", "reason"),
    [
        (Parked("limit", after=50), 0, "limit"),
        (Retry("x", after=50), 0, "x"),
        (KeyError("k"), 1, "KeyError: 'k'"),
    ],
)
async def test_a_delivery_that_fails_is_postponed(
    database: Database, store: Store, worker: Worker, error: Exception, tries: int, reason: str
) -> None:
    worker.fail = error
    await add_delivery(store, "g", "issues", b"{}", {})

    async def postponed() -> bool:
        delivery = await store.get_delivery("g")
        return delivery is not None and (delivery.tries, delivery.reason) == (tries, reason)

    async with at_work(database, worker):
        await until(postponed)


async def test_a_parked_task_comes_up_again(database: Database, store: Store, worker: Worker) -> None:
    task = await store.add_task(make_request())
    claimed = await store.claim(task.id, "w")
    assert claimed
    await store.release(claimed[1], TaskState.WAITING, "rate limit", after=0.2, counted=False)
    async with at_work(database, worker):
        await until(lambda: all_done(store))
    ended = await store.get_task(task.id)
    assert ended and ended.leases_taken == 1 and ended.fence == 2


async def test_s27_a_stop_lets_runs_end_and_gives_the_others_back(
    database: Database, store: Store, worker: Worker
) -> None:
    quick = await store.add_task(make_request(number=1))
    slow = await store.add_task(make_request(number=2))
    stop = asyncio.Event()
    waits = {1: stop.wait, 2: asyncio.Event().wait}
    worker.work = lambda number: waits[number]()
    queue = Queue(database, grace=5.0)
    running = asyncio.create_task(
        queue.run(on_delivery=worker.on_delivery, on_task=worker.on_task, concurrency=2, stop=stop)
    )
    await until(lambda: _async(worker.together == 2))
    stop.set()
    await running
    assert await _in_state(store, quick.id, TaskState.DONE)
    back = await store.get_task(slow.id)
    assert back and (back.state, back.leases_taken, back.reason) == (
        TaskState.QUEUED,
        0,
        "the worker was shut down",
    )


async def test_s18_every_connection_is_cut_and_runs_go_on(
    postgres: str, database: Database, store: Store, worker: Worker
) -> None:
    go_on = asyncio.Event()
    worker.work = lambda number: go_on.wait()
    async with at_work(database, worker, concurrency=3):
        await store.add_task(make_request(number=1))
        await until(lambda: _async(worker.together == 1))
        async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as admin:
            for _ in range(3):
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [database.url.partition("?")[0].rsplit("/", 1)[1]],
                )
                await asyncio.sleep(0.2)
        await store.add_task(make_request(number=2))
        await until(lambda: _async(worker.together == 2))
        await until(lambda: listening(database))
        assert len(worker.order) == 2  # the first run was never begun anew
        go_on.set()
        await until(lambda: all_done(store))


async def test_s18_the_server_restarts(home: Path, workshop: Workshop) -> None:
    async with (
        open_database(home) as database,
        pipeline_scene(Store(database.engine), workshop) as scene,
    ):
        await migrate(database)
        worker = Worker(scene)
        go_on = asyncio.Event()
        worker.work = lambda number: go_on.wait()
        async with at_work(database, worker, concurrency=3):
            await worker.store.add_task(make_request(number=1))
            await until(lambda: _async(worker.together == 1))
            await asyncio.to_thread(restart, home / "postgres")
            await retry_while_away(lambda: add_delivery(worker.store, "g", "issues", b"{}", {}), seconds=60)
            await until(lambda: _handled(worker.store, "g"))
            go_on.set()
            await until(lambda: all_done(worker.store))
        assert len(worker.order) == 1


def restart(data: Path) -> None:
    """Stop the server as an operator would, and start it again."""
    other: dict[str, Any] = {}
    if os.geteuid() == 0:
        other = {"user": data.stat().st_uid, "group": data.stat().st_gid, "extra_groups": []}
    subprocess.run(
        [find_programs() / "pg_ctl", "restart", "-w", "-m", "fast", "-D", data, "-l", data / "log"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        **other,
    )


async def test_no_database_at_the_start_is_waited_for(worker: Worker) -> None:
    gone = connect("postgresql://nobody@127.0.0.1:1/x")
    stop = asyncio.Event()
    running = asyncio.create_task(
        Queue(gone).run(on_delivery=worker.on_delivery, on_task=worker.on_task, concurrency=1, stop=stop)
    )
    await asyncio.sleep(0.5)
    assert not running.done()
    stop.set()
    await running
    await gone.engine.dispose()
