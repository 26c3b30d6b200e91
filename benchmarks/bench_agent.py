"""What the harness adds to a turn, and how stable the prefix is that providers cache: ``make bench-agent``.

``overhead``  time of a turn that is neither the model's nor a tool's: limits, records, redaction, the journal
              in PostgreSQL, the plan, new words, compaction. From the stored transcript of one long run of a
              whole Hob on this machine (local GitHub, real sandbox, a scripted model): from the end of one
              turn to the end of the next, less ``ms.model`` and ``ms.tools``. An empty transaction of the
              same database stands below, to tell a busy machine from a slow harness.
``prefix``    of the bytes of a request (tools, system, messages), the share that the next one begins with,
              against servers that speak OpenAI's and Anthropic's protocol, with and without a full context.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bot.agent.loop import run_loop  # noqa: E402
from bot.domain import Limits  # noqa: E402
from bot.offline.registry import MODELS  # noqa: E402
from bot.tasks.database.connection import open_database  # noqa: E402
from bot.tasks.database.schema import migrate  # noqa: E402
from bot.tasks.store import Store  # noqa: E402
from tests.support.agent import DirectorySandbox, Memory, brief, repository  # noqa: E402
from tests.support.flow import DONE, FAULTY, MEND, at_work, call  # noqa: E402
from tests.support.model_servers import SERVERS, Say, bodies, common, environment, serving  # noqa: E402
from tests.support.model_servers import call as served_call  # noqa: E402

CONFIG = "budget: {turns: 2000, minutes: 600, usd: 1000}\ntest: python -m pytest -q\n"
TEXT = "".join(f"line {n} of a text that is read\n" for n in range(400))


async def overhead(turns: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each turn that are neither model nor tool, and of an empty trip to the database."""
    with tempfile.TemporaryDirectory(prefix="hob-bench-", dir="/dev/shm") as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o755)
        Path(folder).chmod(0o755)
        async with open_database(home, None) as database:
            await migrate(database)
            async with at_work(Path(folder), home, database, progress_seconds=30) as hob:
                await hob.hub.seed_repo("calc", {**FAULTY, "text.txt": TEXT, ".github/hob.yml": CONFIG})
                hob.says(*[_turn(at) for at in range(turns - 2)], [MEND], [DONE])
                await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
                store = Store(database.engine)
                records = await _finished(store, turns)
                trips = [await _timed(store.ping()) for _ in range(100)]
    ends = [datetime.fromisoformat(each["at"]).timestamp() * 1000 for each in records]
    spent = [each["ms"]["model"] + each["ms"]["tools"] for each in records]
    times = [end - start - used for (start, end), used in zip(pairwise(ends), spent[1:], strict=True)]
    return times, trips


async def _timed(doing: Awaitable[None]) -> float:
    start = time.perf_counter()
    await doing
    return (time.perf_counter() - start) * 1000


def _turn(at: int) -> list[dict[str, Any]]:
    steps = [{"text": f"Step {at}", "state": "doing"}]
    if at % 10 == 0:
        return [call("plan", steps=steps), call("shell", command="seq 1 2000")]
    return [call("read", path="text.txt", start=at % 300 + 1, lines=100)]


async def _finished(store: Store, turns: int) -> list[dict[str, Any]]:
    """The turns of the run, read when it is over: reading them meanwhile would be in its way."""
    while True:
        await asyncio.sleep(0.5)
        for run in await store.list_runs(1):
            if run.ended_at is None:
                continue
            records = [turn.record for turn in await store.list_turns(run.id)]
            if len(records) != turns:
                raise RuntimeError(f"the run ended after {len(records)} turns: {run.state} {run.error}")
            return records


async def prefix(kind: str, turns: int, most_bytes: int) -> tuple[list[float], int]:
    """The share of each request that the next one begins with, and how often it was compacted."""
    async with serving(kind) as server:
        os.environ.update(environment(server))
        server.most_bytes = most_bytes
        server.answers = [
            Say(
                thinking=f"Thought {at}." if at % 3 != 1 else "",
                text=f"Step {at}.",
                calls=[served_call("read", path="long.txt", start=at + 1, lines=60)],
            )
            for at in range(turns)
        ]
        server.answers.append(Say(calls=[served_call("finish", kind="answered", summary="x")]))
        model, journal = MODELS.choose(server.model), Memory()
        with tempfile.TemporaryDirectory() as folder:
            repo = repository(Path(folder) / "repo")
            (repo / "long.txt").write_text(TEXT)
            limits = Limits(turns=turns + 1, seconds=3600, tokens=10**9, usd=1000)
            await run_loop(
                brief=brief(), model=model, sandbox=DirectorySandbox(repo), limits=limits, journal=journal
            )
        await model.aclose()
    sent = [body for at, body in enumerate(bodies(server)) if at not in server.refused]
    compacted = {each["seq"] for each in journal.records if each["compaction"]}
    shares = [
        common(one, two) / len(one) for at, (one, two) in enumerate(pairwise(sent), 1) if at not in compacted
    ]
    return shares, len(compacted)


def _share(values: Sequence[float], of: float) -> float:
    """A quantile, by the nearest rank."""
    return sorted(values)[min(len(values) - 1, int(of * len(values)))]


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--turns", type=int, default=300)
    turns = parser.parse_args().turns
    logging.disable(logging.INFO)
    times, trips = await overhead(turns)
    third = len(times) // 3
    print(f"\noverhead per turn, ms         p50    p95    p99    max   ({turns} turns)")
    rows = [("all", times), ("first third", times[:third]), ("last third", times[-third:])]
    for name, some in [*rows, ("an empty transaction", trips)]:
        cells = "".join(f"{_share(some, of):7.1f}" for of in (0.5, 0.95, 0.99, 1.0))
        print(f"  {name:<22}{cells}")
    print("\nprefix kept from turn to turn  least  median  turns  compactions")
    for kind in sorted(SERVERS):
        for most in (0, 100_000):
            shares, compacted = await prefix(kind, 60, most)
            name = f"{kind}, {'100 kB at most' if most else 'unbounded'}"
            least, middle = 100 * min(shares), 100 * _share(shares, 0.5)
            print(f"  {name:<28}{least:6.1f}% {middle:6.1f}% {len(shares):6} {compacted:12}")


if __name__ == "__main__":
    asyncio.run(main())
