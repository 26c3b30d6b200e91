"""How fast deliveries are taken, beside an empty server of the same libraries: ``make bench-ingest``.

Both run as processes on this machine, with the load's own process beside them, and are asked in turns within
one run, so that a busy machine is busy for both. The empty server (aiohttp, gidgethub) checks the signature,
parses the payload and answers 202; Hob's ``web`` answers after its commit to a real PostgreSQL.

``capacity``   deliveries answered 202 per second with 64 connections that always wait for an answer, and the
               server's own CPU time for each: a line for each round, and the median of the rounds' ratios.
``steady``     deliveries sent at a fixed rate whatever the answers do: 200 a second for the latency's
               percentiles, 500 a second for refusals. Latency counts from when each should have been sent.

Ends with 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from gidgethub.sansio import Event

from bot.demo.free_port import find_free_port

SECRET = "a secret of the benchmark only"
CONNECTIONS = 64
LEAST_RATE, MOST_CPU = 0.5, 2.0  # of the empty server's
MOST_P99 = 25.0  # ms, at 200 a second
EXAMPLES = Path(__file__).parents[1] / "tests" / "data" / "github" / "examples.json.xz"
# GitHub's own example of a comment, 13 KB: https://github.com/octokit/webhooks
BODY = json.dumps(json.loads(lzma.decompress(EXAMPLES.read_bytes()))["issue_comment"][0]).encode()
SIGNATURE = "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


@dataclass(slots=True)
class Answers:
    """What a round saw: status codes, and the latencies in milliseconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of the server

    @property
    def rate(self) -> float:
        """Answers 202 per second."""
        return self.statuses[202] / self.seconds

    @property
    def cpu_each(self) -> float:
        """The server's CPU time for one answer 202, in ms."""
        return self.cpu_seconds / max(1, self.statuses[202]) * 1000

    @property
    def refused(self) -> int:
        """Answers other than 202."""
        return sum(self.statuses.values()) - self.statuses[202]

    def add(self, more: Answers) -> None:
        """Take another round in."""
        self.statuses += more.statuses
        self.latencies += more.latencies
        self.seconds += more.seconds
        self.cpu_seconds += more.cpu_seconds

    def percentile(self, percent: int) -> float:
        """The latency that so many percent of the answers stayed under, in ms."""
        return statistics.quantiles(self.latencies, n=100)[percent - 1]


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load."""

    name: str
    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def serve_empty(port: int) -> None:
    """Serve a handler that does what every App must, and nothing with what it was sent."""

    async def take(request: web.Request) -> web.Response:
        event = Event.from_http(request.headers, await request.read(), secret=SECRET)
        return web.json_response({"delivery": event.delivery_id}, status=202)

    app = web.Application()
    app.router.add_post("/webhook", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


@asynccontextmanager
async def started(
    name: str, command: list[str], port: int, env: dict[str, str], log: Path
) -> AsyncIterator[Server]:
    """The process, once it answers on its port; ended afterwards."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out)  # noqa: ASYNC220 - nothing else runs yet
        try:
            async with aiohttp.ClientSession() as session:
                until = time.monotonic() + 60
                while True:
                    try:
                        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                            if answer.status in (200, 404):
                                break
                    except aiohttp.ClientError:
                        pass
                    if process.poll() is not None or time.monotonic() > until:
                        sys.exit(f"{name} did not start:\n{log.read_text()[-2000:]}")
                    await asyncio.sleep(0.1)
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


async def post(session: aiohttp.ClientSession, server: Server, answers: Answers, due: float) -> None:
    """Send one delivery of its own GUID; ``due``: from when its latency counts."""
    headers = {
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": SIGNATURE,
        "Content-Type": "application/json",
    }
    async with session.post(f"http://127.0.0.1:{server.port}/webhook", data=BODY, headers=headers) as answer:
        await answer.read()
        answers.statuses[answer.status] += 1
    answers.latencies.append((time.perf_counter() - due) * 1000)


async def press(server: Server, seconds: float) -> Answers:
    """As many deliveries as it answers, over CONNECTIONS connections."""
    answers = Answers()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        began, cpu = time.perf_counter(), server.cpu()

        async def one_after_another() -> None:
            while time.perf_counter() - began < seconds:
                await post(session, server, answers, time.perf_counter())

        await asyncio.gather(*(one_after_another() for _ in range(CONNECTIONS)))
        answers.seconds = time.perf_counter() - began
        answers.cpu_seconds = server.cpu() - cpu
    return answers


async def send_steadily(server: Server, rate: int, seconds: float) -> Answers:
    """``rate`` deliveries a second, sent on time whether or not others were answered."""
    answers = Answers()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        began, cpu = time.perf_counter(), server.cpu()
        async with asyncio.TaskGroup() as sent:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                sent.create_task(post(session, server, answers, due))
        answers.seconds = time.perf_counter() - began
        answers.cpu_seconds = server.cpu() - cpu
    return answers


async def measure(rounds: int, seconds: float, steady_seconds: float) -> bool:
    """Run both servers and print the table; whether all bounds were kept."""
    with tempfile.TemporaryDirectory(prefix="hob-bench-") as place:
        home, (port, empty_port) = Path(place), (find_free_port(), find_free_port())
        env = {name: value for name, value in os.environ.items() if not name.startswith("HOB_")}
        env |= {
            "HOB_HOME": str(home / "home"), "HOB_APP_ID": "1", "HOB_SLUG": "hob", "HOB_BOT_ID": "2",
            "HOB_WEBHOOK_SECRET": SECRET, "PORT": str(port), "HOB_LOG": "json",
        }  # fmt: skip
        empty = [sys.executable, __file__, "--serve-empty", str(empty_port)]
        web_command = [sys.executable, "-m", "bot", "web"]
        async with (
            started("empty", empty, empty_port, env, home / "empty.log") as empty_server,
            started("hob", web_command, port, env, home / "web.log") as hob,
        ):
            return all(
                [
                    await compare_capacity(empty_server, hob, rounds, seconds),
                    await compare_latency(empty_server, hob, rounds, steady_seconds),
                    await count_refusals(hob, steady_seconds),
                ]
            )


async def compare_capacity(empty: Server, hob: Server, rounds: int, seconds: float) -> bool:
    """Rounds in turns, and whether the medians of their ratios are within the bounds."""
    heads = ("empty 202/s", "hob 202/s", "ratio", "empty CPU", "hob CPU", "ratio")
    print(f"{'round':8}" + "".join(f"{head:>12}" for head in heads))
    rates: list[float] = []
    costs: list[float] = []
    others = 0
    for number in range(rounds):
        bare, ours = await press(empty, seconds), await press(hob, seconds)
        rates.append(ours.rate / bare.rate)
        costs.append(ours.cpu_each / bare.cpu_each)
        others += ours.refused
        print(
            f"{number + 1:<8}{bare.rate:12.0f}{ours.rate:12.0f}{rates[-1]:12.2f}"
            f"{bare.cpu_each:9.2f} ms{ours.cpu_each:9.2f} ms{costs[-1]:12.2f}",
            flush=True,
        )
    rate, cost = statistics.median(rates), statistics.median(costs)
    print(f"rate, hob / empty: {rate:.2f} (at least {LEAST_RATE:.2f}); answers other than 202: {others}")
    print(f"CPU, hob / empty: {cost:.2f} (at most {MOST_CPU:.2f})", flush=True)
    return rate >= LEAST_RATE and cost <= MOST_CPU and not others


async def compare_latency(empty: Server, hob: Server, rounds: int, seconds: float) -> bool:
    """200 a second to each in turns; whether hob's p99 over all of them is within its bound."""
    seen = {empty.name: Answers(), hob.name: Answers()}
    for _ in range(rounds):
        for server in (empty, hob):
            seen[server.name].add(await send_steadily(server, 200, seconds / rounds))
    for name, answers in seen.items():
        print_steady(name, 200, answers)
    return seen[hob.name].percentile(99) <= MOST_P99 and not seen[hob.name].refused


async def count_refusals(hob: Server, seconds: float) -> bool:
    """500 a second; whether none was refused."""
    answers = await send_steadily(hob, 500, seconds)
    print_steady(hob.name, 500, answers)
    return not answers.refused


def print_steady(name: str, rate: int, answers: Answers) -> None:
    """One line of what a fixed rate gave."""
    middle, late = answers.percentile(50), answers.percentile(99)
    print(
        f"{name} at {rate}/s for {answers.seconds:.0f} s: p50 {middle:.1f} ms, p99 {late:.1f} ms,"
        f" refused {answers.refused}",
        flush=True,
    )


def main() -> None:
    """Read the command line."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=4.0, help="of one round of capacity")
    options.add_argument("--steady", type=float, default=30.0, help="seconds of each fixed rate")
    options.add_argument("--serve-empty", type=int, metavar="PORT", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.serve_empty:
        asyncio.run(serve_empty(asked.serve_empty))
    else:
        sys.exit(not asyncio.run(measure(asked.rounds, asked.seconds, asked.steady)))


if __name__ == "__main__":
    main()
