"""What the dashboard's pages take with many tasks, and whether 200 people who watch one run see every turn.

make bench-dashboard        # a million tasks and 200 viewers; most of it is to fill the tables
make bench-dashboard ARGS="--tasks 50000 --viewers 50"
"""

from __future__ import annotations

import argparse
import asyncio
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

sys.path[:0] = [str(Path(__file__).parent.parent)]

from bot.dashboard import create_app  # noqa: E402
from bot.dashboard.server import engine_for  # noqa: E402
from bot.domain import Run, TaskState  # noqa: E402
from bot.settings import load  # noqa: E402
from bot.tasks.database.connection import Database, connect, sqlalchemy_url  # noqa: E402
from bot.tasks.database.embedded import open_embedded_database  # noqa: E402
from bot.tasks.database.schema import migrate  # noqa: E402
from bot.tasks.store import Store  # noqa: E402
from tests.support.tasks import make_request  # noqa: E402

TURNS = 60
PAGES = (
    "/", "/?before=500000", "/?words=word77", "/?words=mend", "/?words=nothing",
    "/?person=p7", "/?person=nobody", "/?repo=octo/app3", "/?state=failed", "/?state=waiting",
    "/?verdict=fails",
    "/?verdict=not-run",
    "/?period=day", "/?period=month", "/?kind=answer", "/?words=word77+mend&person=p7", "/operators",
    "/figures", "/figures?by=person&period=month",
)  # fmt: skip
FILL = """INSERT INTO tasks (kind, state, installation, repo, repo_id, repo_full_name, thread, thread_number,
    thread_key, trigger, requester, request, delivery, created_at, verdict)
SELECT kind, (array['done', 'done', 'done', 'failed', 'cancelled'])[1 + n % 5], n % 200, repo, n % 500,
    'octo/app' || n % 500, jsonb_set(thread, '{title}', to_jsonb('title ' || md5(n::text))), n % 1000,
    n::text,    trigger, jsonb_set(requester, '{login}', to_jsonb('p' || n % 200)),
    'please mend ' || md5((n * 7)::text) || ' word' || n % 1000, 'd' || n,
    now() - make_interval(secs => (:many - n) * 30.0), (array['proved', 'fails', 'doubtful', ''])[1 + n % 4]
FROM tasks, generate_series(1, :many) n WHERE id = :first"""


async def fill(database: Database, many: int) -> None:
    """So many tasks of 200 installations, 500 repositories and 200 people, one every half minute."""
    first = await Store(database.engine).add_task(make_request())
    async with database.engine.begin() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text(FILL), {"many": many, "first": first.id})
    async with database.engine.connect() as opened:
        connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("VACUUM ANALYZE tasks"))


def time_pages(url: str) -> Table:
    """The milliseconds of each page, in this process."""
    engine = engine_for(sqlalchemy_url(url))
    client = create_app(load(), engine).test_client()
    table = Table("page", "median ms", "slowest of 20 ms")
    for path in PAGES:
        taken = []
        for _ in range(20):
            began = time.perf_counter()
            assert client.get(path).status_code == 200
            taken.append((time.perf_counter() - began) * 1000)
        table.add_row(path, f"{statistics.median(taken):.0f}", f"{max(taken):.0f}")
    engine.dispose()
    return table


async def watch(session: aiohttp.ClientSession, address: str) -> tuple[list[int], float]:
    """The turns that one viewer saw, and when the last one came."""
    seen, last = list[int](), 0.0
    async with session.get(address) as answer:
        assert answer.status == 200, answer.status
        async for line in answer.content:
            if found := re.fullmatch(rb"id: (\d+)\.\d+\n", line):
                seen.append(int(found[1]))
                last = time.monotonic()
            elif line == b"event: end\n":
                return seen, last
    return seen, last


async def play(store: Store, run: Run, attempt: int) -> float:
    """Store the turns, and end the run; returns when the last turn was stored."""
    for seq in range(TURNS):
        call = {"name": "shell", "args": {"command": "pytest"}, "output": "x" * 2000, "ok": True, "ms": 1}
        record = {"seq": seq, "model": "m", "text": "", "calls": [call], "ms": {"turn": 3}}
        await store.add_turn(run, attempt, seq, record)
        await asyncio.sleep(0.1)
    stored = time.monotonic()
    await asyncio.sleep(2)
    await store.finish_run(run)
    await store.release(run, TaskState.DONE)
    return stored


async def time_viewers(database: Database, url: str, viewers: int) -> str:
    """How a real server serves so many viewers of one run."""
    store = Store(database.engine)
    task = await store.add_task(make_request(number=99_999, repo=424_242))
    claimed = await store.claim(task.id, "bench", lease=600)
    assert claimed
    run, attempt = claimed[1], await store.begin_attempt(claimed[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = (
        "from bot.dashboard.server import serve; from bot.settings import load; import sys;"
        f"serve(load(dashboard_port={port}), sys.argv[1])"
    )
    server = subprocess.Popen(  # noqa: ASYNC220 - nothing else goes on meanwhile
        [sys.executable, "-c", code, sqlalchemy_url(url)]
    )
    try:
        limits = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=limits, timeout=aiohttp.ClientTimeout(total=300)
        ) as session:
            await _wait_until_up(session, f"http://127.0.0.1:{port}/healthz")
            address = f"http://127.0.0.1:{port}/runs/{run.id}/events"
            watching = [asyncio.create_task(watch(session, address)) for _ in range(viewers)]
            stored = await play(store, run, attempt.id)
            found = await asyncio.gather(*watching)
        whole = sum(seen == list(range(TURNS)) for seen, _ in found)
        late = max(last for _, last in found) - stored
        memory = _peak_memory(server.pid)
        return (
            f"{whole} of {viewers} viewers saw all {TURNS} turns once; the last one {late:.1f} s after it was"
            f" stored; the server took at most {memory} MiB"
        )
    finally:
        server.terminate()
        server.wait(30)


def _peak_memory(parent: int) -> int:
    """MiB of the largest process below the server's first one."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    peaks = [re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in children]
    return max(int(found[1]) for found in peaks if found) // 1024


async def _wait_until_up(session: aiohttp.ClientSession, address: str) -> None:
    for _ in range(200):
        try:
            async with session.get(address) as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)
    raise SystemExit("the dashboard did not start")


async def main() -> None:
    parser = argparse.ArgumentParser(description="What the dashboard takes with many tasks and many viewers.")
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--viewers", type=int, default=200)
    asked, console = parser.parse_args(), Console()
    with tempfile.TemporaryDirectory() as home, open_embedded_database(Path(home)) as url:
        database = connect(url)
        await migrate(database)
        if asked.viewers:
            console.print(await time_viewers(database, url, asked.viewers))
        if asked.tasks:
            await fill(database, asked.tasks)
            console.print(f"{asked.tasks:,} tasks", await asyncio.to_thread(time_pages, url))
        await database.engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
