"""How fast deliveries are taken, beside an empty server of the same libraries: ``make bench-ingest``.

Both run as processes on this machine, with the load's own process beside them, and are asked in turns within
one run. The empty server (aiohttp, gidgethub) checks the signature, parses the payload and answers 202; Hob's
``web`` answers after its commit to a real PostgreSQL.

``capacity``   deliveries answered 202 per second with 64 connections that always wait for an answer, and the
               server's own CPU time per delivery.
``steady``     deliveries sent at a fixed rate whatever the answers do: 200 a second for the latency's
               percentiles, 500 a second for refusals. Latency counts from when each should have been sent.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import socket
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

SECRET = "a secret of the benchmark only"
CONNECTIONS = 64
PAYLOAD = {
    "action": "created",
    "installation": {"id": 7},
    "repository": {"id": 11, "full_name": "o/calc"},
    "sender": {"id": 5, "login": "maintainer", "type": "User"},
    "issue": {"number": 3, "title": "Doubling is wrong", "body": "word " * 400},
    "comment": {
        "id": 9,
        "body": "nothing for anybody " * 200,
        "html_url": "http://127.0.0.1/o/calc/issues/3#9",
    },
}
BODY = json.dumps(PAYLOAD).encode()
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


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def measure(rounds: int, seconds: float, steady_seconds: float) -> None:
    """Run both servers and print the table."""
    with tempfile.TemporaryDirectory(prefix="hob-bench-") as place:
        home, (port, empty_port) = Path(place), (free_port(), free_port())
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
            rates: dict[str, list[Answers]] = {"empty": [], "hob": []}
            for _ in range(rounds):
                for server in (empty_server, hob):
                    rates[server.name].append(await press(server, seconds))
            print(f"{'server':8}{'202/s':>10}{'CPU ms each':>14}{'other answers':>16}")
            each: dict[str, tuple[float, float]] = {}
            for name, seen in rates.items():
                rate = statistics.median(answers.rate for answers in seen)
                cpu = statistics.median(a.cpu_seconds / max(1, a.statuses[202]) * 1000 for a in seen)
                others = sum(sum(answers.statuses.values()) - answers.statuses[202] for answers in seen)
                each[name] = (rate, cpu)
                print(f"{name:8}{rate:10.0f}{cpu:14.2f}{others:16}")
            print(f"rate, hob / empty: {each['hob'][0] / each['empty'][0]:.2f} (at least 0.50)")
            print(f"CPU, hob / empty: {each['hob'][1] / each['empty'][1]:.2f} (at most 2.00)")
            for server, rate in ((empty_server, 200), (hob, 200), (hob, 500)):
                seen_steady = await send_steadily(server, rate, steady_seconds)
                refused = sum(seen_steady.statuses.values()) - seen_steady.statuses[202]
                middle, late = seen_steady.percentile(50), seen_steady.percentile(99)
                print(
                    f"{server.name} at {rate}/s for {steady_seconds:.0f} s:"
                    f" p50 {middle:.1f} ms, p99 {late:.1f} ms, refused {refused}"
                )


def main() -> None:
    """Read the command line."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=5.0, help="of one round of capacity")
    options.add_argument("--steady", type=float, default=30.0, help="seconds of each fixed rate")
    options.add_argument("--serve-empty", type=int, metavar="PORT", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.serve_empty:
        asyncio.run(serve_empty(asked.serve_empty))
    else:
        asyncio.run(measure(asked.rounds, asked.seconds, asked.steady))


if __name__ == "__main__":
    main()
