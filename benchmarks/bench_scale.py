"""What a large database costs: ``make bench-scale``.

A database with as many tasks, runs and deliveries as ``--tasks`` says (1,000,000), of 200 installations with
500 repositories, and 1,000 queued tasks. Then each step of the path is timed against it, in ms. ``--keep
FOLDER`` leaves the database there, and the next run with it fills in what was taken of the queue.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bot.domain import Run, TaskState
from bot.tasks.database.connection import Database, open_database
from bot.tasks.database.schema import migrate
from bot.tasks.deliveries.arrivals import ArrivedDelivery
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.tasks import make_request

QUEUED = 1000
FILL = (
    """
    INSERT INTO tasks (kind, state, priority, installation, repo, repo_id, repo_full_name, thread,
        thread_number, thread_key, trigger, requester, request, delivery, ordinal, created_at, updated_at,
        told_at, reason)
    SELECT kind, CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'done' END, 0, n % 200, repo, n % 500,
        'octo/app' || n % 500, thread, n % 10000, (n % 500) || '#' || (n % 10000), trigger, requester,
        'Fix comparison number ' || n, 'fill' || n, 0,
        now() - make_interval(secs => (:tasks - n) * 3), now(), now(), ''
    FROM tasks, generate_series(1, :tasks) n WHERE id = :like
    """,
    """
    INSERT INTO runs (task, attempt, fence, worker, state, started_at, ended_at, usage)
    SELECT id, 1, 1, 'w', state, created_at, created_at + interval '1 minute', '{"usd": 0.1}'
    FROM tasks WHERE delivery LIKE 'fill%'
    """,
    """
    INSERT INTO deliveries (guid, event, action, installation, headers, body, body_sha256, state, about,
        received_at, handled_at)
    SELECT 'fill' || n, 'issue_comment', 'created', n % 200, '{}', '{}', '', 'handled',
        'https://github.test/octo/app/issues/' || n, now() - make_interval(secs => (:tasks - n) * 3), now()
    FROM generate_series(1, :tasks) n
    """,
    """
    INSERT INTO tasks (kind, state, priority, installation, repo, repo_id, repo_full_name, thread,
        thread_number, thread_key, trigger, requester, request, delivery, ordinal)
    SELECT kind, 'queued', 0, n % 200, repo, n % 500, 'octo/app' || n % 500, thread, n, 'queued#' || n,
        trigger, requester, 'Fix it', 'queued' || n || ' ' || now(), 0
    FROM tasks, generate_series(1, :queued) n WHERE id = :like
        AND NOT EXISTS (SELECT FROM tasks WHERE thread_key = 'queued#' || n AND state = 'queued')
    """,
)


async def fill(database: Database, store: Store, tasks: int, *, again: bool) -> None:
    """Rows as a year of work leaves them; ``again``: only what was taken of the queue."""
    like = (await store.add_task(make_request())).id
    for statement in FILL[-1:] if again else FILL:
        values = {"tasks": tasks, "queued": QUEUED, "like": like}
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        async with database.engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text(statement), used)
    async with database.engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.execute(text("SET statement_timeout = 0"))
        await plain.execute(text("VACUUM ANALYZE"))
    await database.engine.dispose()  # with the connection whose limit was lifted


async def measure(name: str, times: int, step: Callable[[], Awaitable[object]], most: float) -> bool:
    """Time one step and print its row; whether its p99 is within ``most`` ms."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await step()
        took.append((time.perf_counter() - began) * 1000)
    late = max(took) if times < 100 else statistics.quantiles(took, n=100)[98]
    print(f"{name:44}{statistics.median(took):10.1f}{late:10.1f}{most:10.0f}", flush=True)
    return late <= most


async def run(tasks: int, keep: Path | None = None) -> bool:
    """Fill a database and time the steps; whether all were quick enough."""
    with tempfile.TemporaryDirectory(prefix="hob-bench-") as place:
        folder = keep or Path(place)
        mark = folder / f"filled with {tasks}"
        async with open_database(folder / "home") as database:
            await migrate(database)
            store = Store(database.engine)
            began = time.perf_counter()
            await fill(database, store, tasks, again=mark.exists())
            mark.touch()
            print(f"{tasks} tasks, runs and deliveries in {time.perf_counter() - began:.0f} s\n")
            print(f"{'step':44}{'p50 ms':>10}{'p99 ms':>10}{'at most':>10}")
            return await _measure_steps(database, store)


async def _measure_steps(database: Database, store: Store) -> bool:
    since, number = datetime.now(UTC) - timedelta(days=14), iter(range(10**9))

    async def claim() -> None:
        task = await store.find_next_task()
        assert task is not None
        claimed = await store.claim(task, "w")
        assert claimed is not None
        claims.append(claimed[1])

    async def release() -> None:
        await store.release(claims.pop(), TaskState.DONE)

    async def add_delivery() -> None:
        each = ArrivedDelivery(guid=str(uuid.uuid4()), event="issues", body=b"{}", headers={}, about="")
        await store.add_deliveries([each])

    async def look_for_delivery() -> None:
        about = f"https://github.test/octo/app/issues/{next(number) * 37}"
        await store.has_delivery_about("issue_comment", about, since)

    claims: list[Run] = []
    steps: list[tuple[str, int, Callable[[], Awaitable[object]], float]] = [
        ("claim the next task, fairly", 300, claim, 20),
        ("end its run", 300, release, 20),
        ("store a delivery", 300, add_delivery, 20),
        ("look for a lost delivery", 100, look_for_delivery, 20),
        ("sweep", 20, lambda: sweep(database.engine), 500),
        ("an installation's daily budget", 100, lambda: store.load_daily_budget(7, 50.0), 50),
        ("tasks by state, for the metrics", 20, store.count_tasks_by_state, 100),
        ("the newest tasks", 50, store.list_tasks, 100),
    ]
    return all([await measure(*step) for step in steps])


def main() -> None:
    """Read the command line; ends with 1 when a step was too slow."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--tasks", type=int, default=1_000_000)
    options.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave the database there, and use it again"
    )
    asked = options.parse_args()
    raise SystemExit(not asyncio.run(run(asked.tasks, asked.keep)))


if __name__ == "__main__":
    main()
