"""What the dashboard's pages take with many tasks, and whether 200 people who watch one run see every turn.

make bench-dashboard        # a million tasks and 200 viewers; most of it is to fill the tables
make bench-dashboard ARGS="--tasks 50000 --viewers 50"
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bot.demo.free_port import find_free_port

sys.path[:0] = [str(Path(__file__).parent.parent)]

from bot.dashboard import create_app  # noqa: E402
from bot.dashboard.page_reader import PageReader  # noqa: E402
from bot.dashboard.server import engine_for  # noqa: E402
from bot.dashboard.task_list import TaskFilter  # noqa: E402
from bot.domain import Run, TaskState  # noqa: E402
from bot.settings import load  # noqa: E402
from bot.tasks.database.connection import Database, connect, sqlalchemy_url  # noqa: E402
from bot.tasks.database.embedded import open_embedded_database  # noqa: E402
from bot.tasks.database.schema import migrate  # noqa: E402
from bot.tasks.live.records import OutputPiece  # noqa: E402
from bot.tasks.store import Store  # noqa: E402
from tests.support.tasks import make_request  # noqa: E402

TURNS = 60
LINES = 200  # of output beside each turn, 15 KiB
PAGES = (
    "/", "/?before=500000", "/?words=word77", "/?words=mend", "/?words=nothing",
    "/?person=p7", "/?person=nobody", "/?repo=octo/app3", "/?state=failed", "/?state=waiting",
    "/?verdict=fails",
    "/?verdict=not-run",
    "/?period=day", "/?period=month", "/?kind=answer", "/?words=word77+mend&person=p7",
    "/?words=please+mend&verdict=fails&state=failed", "/?words=p+m", "/?kind=review&state=done", "/operators",
    "/figures", "/figures?by=person&period=month", "/figures?by=model&period=year",
    "/figures?by=repository&period=year", "/figures?by=prompt", "/experiments", "/experiments?days=365",
    "/safety", "/learning", "/forecast", "/tasks/500000", "/tasks/500000/attempts", "/runs/500000",
    "/runs/500000.json", "/api/v1/tasks", "/api/v1/tasks/500000", "/api/v1/runs/500000/turns",
)  # fmt: skip
TIMES = 40  # that each page is asked for; the first of them finds nothing counted
MOST_MS = 100  # of 19 in 20
SEEN = {"none": [9999], "one": [7], "100 of 500": list(range(100)), "300 of 500": list(range(300))}
FILL = (
    """INSERT INTO tasks (kind, state, installation, repo, repo_id, repo_full_name, thread, thread_number,
    thread_key, trigger, requester, request, delivery, created_at, verdict, pull)
SELECT kind, (array['done', 'done', 'done', 'failed', 'cancelled'])[1 + n % 5], n % 200, repo, n % 500,
    'octo/app' || n % 500, jsonb_set(thread, '{title}', to_jsonb('title ' || md5(n::text))), n % 1000,
    n::text,    trigger, jsonb_set(requester, '{login}', to_jsonb('p' || n % 200)),
    'please mend ' || md5((n * 7)::text) || ' word' || n % 1000, 'd' || n,
    now() - make_interval(secs => (:many - n) * 30.0), (array['proved', 'fails', 'doubtful', ''])[1 + n % 4],
    CASE WHEN n % 3 = 0 THEN n / 3 ELSE 0 END
FROM tasks, generate_series(1, :many) n WHERE id = :first""",
    """INSERT INTO runs (task, attempt, fence, worker, state, started_at, ended_at, usage, flags, prompt,
    estimate)
SELECT id, 1, 1, 'w', state, created_at, created_at + interval '5 minutes', '{"usd": 0.1, "turns": 7}',
    jsonb_build_object('prompt', jsonb_build_object('value', 'v' || id % 2)), 'abcdef' || id % 4,
    '{"chance": 0.5, "size": "small", "signs": ["names a line"]}'
FROM tasks WHERE id > :first""",
    """INSERT INTO attempts (task, maker, run, ordinal, state, model, started_at, ended_at, outcome, usage,
    chosen)
SELECT task, task, id, 1, 'ended', 'model-' || id % 3, started_at, ended_at,
    '{"kind": "changed", "title": "Take a share", "suspicions": []}', usage, true
FROM runs WHERE task > :first""",
    """INSERT INTO attempt_turns (attempt, seq, record)
SELECT id, n, '{"model": "m", "text": "", "calls": [{"name": "shell", "args": {"command": "pytest"},
    "output": "1 passed", "ok": true, "ms": 9}],
    "ms": {"turn": 900, "model": 900, "first_token": 300}, "usage": {"output_tokens": 9}}'
FROM attempts, generate_series(0, 30) n WHERE id = :one""",
    """INSERT INTO pull_ends (repo_id, pull, merged, thumbs_up, at)
SELECT repo_id, pull, id % 4 > 0, (id % 50 = 0)::int, created_at + interval '3 hours'
FROM tasks WHERE pull > 0 AND id % 5 > 0 ON CONFLICT DO NOTHING""",
    """INSERT INTO deliveries (guid, event, action, installation, headers, body, body_sha256, state, about,
    received_at, handled_at)
SELECT 'fill' || n, 'issue_comment', 'created', n % 200, '{}', '{}', '',
    CASE WHEN n % 10000 = 0 THEN 'failed' ELSE 'handled' END, '',
    now() - make_interval(secs => n * 30.0), now()
FROM generate_series(1, :many) n""",
)


async def fill(database: Database, many: int) -> None:
    """So many tasks of 200 installations, 500 repositories and 200 people, one every half minute.

    Each has a run, an attempt and a delivery; a third of them a pull request.
    """
    first = await Store(database.engine).add_task(make_request())
    values = {"many": many, "first": first.id, "one": min(many, 500_000)}
    for statement in FILL:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        async with database.engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text(statement), used)
    async with database.engine.connect() as opened:
        connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("VACUUM ANALYZE"))


def time_pages(url: str, many: int) -> tuple[Table, list[str]]:
    """The milliseconds of each page, in this process, and which were too slow.

    Last come the lists of people who see some repositories alone.
    """
    engine = engine_for(sqlalchemy_url(url))
    app = create_app(load(), engine)
    gc.freeze()  # as ``hob dashboard`` does
    client, reader = app.test_client(), PageReader(engine)
    table, slow = Table("page", "median ms", "p95 ms", "slowest ms", "counted in s"), []

    def measure(name: str, ask: Callable[[], object]) -> None:
        taken, began, counted = [], time.perf_counter(), 0.0
        for _ in range(TIMES):
            at = time.perf_counter()
            answer = ask()
            taken.append((time.perf_counter() - at) * 1000)
            if is_counted(answer):
                counted = time.perf_counter() - began
        while is_counted(ask()):
            time.sleep(0.2)
            counted = time.perf_counter() - began
        late = statistics.quantiles(taken, n=20)[-1]
        row = (statistics.median(taken), late, max(taken))
        table.add_row(name, *(f"{each:.0f}" for each in row), f"{counted:.1f}" if counted else "")
        if late > MOST_MS:
            slow.append(name)

    def get(path: str) -> object:
        answer = client.get(path)
        assert answer.status_code == 200, path
        return answer

    for path in PAGES:
        measure(path, partial(get, path.replace("500000", str(min(many, 500_000)))))
    for who, seen in SEEN.items():
        measure(f"tasks of who sees {who}", partial(reader.list_tasks, TaskFilter(), seen))
        for part in (TaskFilter(verdict="proved"), TaskFilter(words="mend")):
            measure(f"{part.query} of who sees {who}", partial(reader.list_tasks, part, seen))
        measure(f"open tasks of who sees {who}", partial(reader.count_open, seen))
    engine.dispose()
    return table, slow


def is_counted(answer: object) -> bool:
    """Whether a page says that what it shows is still looked for."""
    return re.search(rb"Being (counted|searched for)\.", getattr(answer, "data", b"")) is not None


@dataclass
class Seen:
    """The turns and pieces of output that one viewer saw, how many lines, and when the last turn came."""

    turns: list[int] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)
    lines: int = 0
    last: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether it saw each once, in order."""
        pieces = list(range(1, TURNS + 1))
        return (self.turns, self.pieces, self.lines) == (list(range(TURNS)), pieces, TURNS * LINES)


async def watch(session: aiohttp.ClientSession, address: str) -> Seen:
    """What one viewer sees until the run's end."""
    seen, event = Seen(), b""
    async with session.get(address) as answer:
        assert answer.status == 200, answer.status
        async for line in answer.content:
            seen.lines += line.count(b'class="line"')
            if line.startswith(b"event: "):
                event = line
                if event == b"event: end\n":
                    return seen
            elif found := re.fullmatch(rb"id: (-?\d+)\.(\d+)\n", line):
                if event == b"event: turn\n":
                    seen.turns.append(int(found[1]))
                    seen.last = time.monotonic()
                else:
                    seen.pieces.append(int(found[2]))
    return seen


async def play(store: Store, run: Run, attempt: int) -> float:
    """Store the turns, and end the run; returns when the last turn was stored."""
    for seq in range(TURNS):
        call = {"name": "shell", "args": {"command": "pytest"}, "output": "x" * 2000, "ok": True, "ms": 1}
        record = {"seq": seq, "model": "m", "text": "", "calls": [call], "ms": {"turn": 3}}
        text = "\n".join(f"\x1b[32m{seq}\x1b[m {number} {'x' * 60}" for number in range(LINES))
        piece = OutputPiece(serial=seq + 1, command=1, title="pytest", line=seq * LINES, text=text)
        await store.add_output(run, [piece], forget_until=max(0, seq - 15))
        await store.add_turn(run, attempt, seq, record)
        await asyncio.sleep(0.3)
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
    port = find_free_port()
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
        whole = sum(each.is_whole for each in found)
        late = max(each.last for each in found) - stored
        memory = _peak_memory(server.pid)
        return (
            f"{whole} of {viewers} viewers saw all {TURNS} turns and {TURNS * LINES:,} lines of output once;"
            f" the last turn {late:.1f} s after it was stored; the server took at most {memory} MiB"
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
            began = time.monotonic()
            await fill(database, asked.tasks)
            console.print(f"filled in {time.monotonic() - began:.0f} s")
            table, slow = await asyncio.to_thread(time_pages, url, asked.tasks)
            console.print(f"{asked.tasks:,} tasks", table)
            if slow:
                raise SystemExit(f"more than {MOST_MS} ms in more than 1 of 20: {', '.join(slow)}")
        await database.engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
