"""From mention to pull request, many at once: ``make bench-throughput``.

The local GitHub, ``hob web``, workers and PostgreSQL are processes on this machine, with default settings but
for the spacing of writes (one App has one installation here). Each task has a tiny repository of its own
with a fault that its test shows; all are asked for at once, in ``--rounds`` rounds. Printed are pull requests
a minute and the CPU seconds that a task cost, by process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp

FAULTY = {
    "calc.py": "def double(x):\n    return x + 2\n",
    "test_calc.py": "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n",
}
SCRIPT = [
    {"calls": [{"name": "edit", "args": {"path": "calc.py", "old": "x + 2", "new": "x * 2"}}]},
    {
        "calls": [
            {
                "name": "finish",
                "args": {"kind": "changed", "title": "Double for real", "summary": "It added instead."},
            }
        ]
    },
]
WAIT_SECONDS = 900.0


class Processes:
    """What was started, with what each has used of the CPU."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self._home, self._stack = home, stack
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Start ``hob ARGUMENTS``; its standard output is a pipe, its log a file."""
        log = self._stack.enter_context((self._home / f"{name}.log").open("wb"))
        keep = {key: value for key, value in os.environ.items() if not key.startswith("HOB_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments], env=keep | env, stdout=subprocess.PIPE, stderr=log
        )
        self._started[name] = process
        self._stack.callback(self._end, process)
        return process

    def wait_for_log(self, name: str, words: bytes) -> None:
        """Wait until the log of a process has these words."""
        until = time.monotonic() + 60
        while words not in (self._home / f"{name}.log").read_bytes():
            if time.monotonic() > until or self._started[name].poll() is not None:
                sys.exit((self._home / f"{name}.log").read_text()[-3000:])
            time.sleep(0.1)

    def measure_cpu(self) -> dict[str, float]:
        """Seconds of CPU by process, with its ended children; PostgreSQL's are all of its processes'."""
        used = {name: _read_cpu(process.pid) for name, process in self._started.items()}
        server = self._home / "home" / "postgres" / "postmaster.pid"
        leader = int(server.read_text().splitlines()[0])
        used["postgresql"] = _read_cpu(leader) + sum(map(_read_cpu, _list_children(leader)))
        return used

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _read_cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _list_children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


class Hub:
    """The local GitHub as its maintainer sees it."""

    def __init__(self, session: aiohttp.ClientSession, facts: dict[str, Any]) -> None:
        self._session, self._facts = session, facts
        self._token: str = facts["users"]["maintainer"]["token"]

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """A request to the API. Exits when it is refused."""
        headers = {"Authorization": f"Bearer {self._token}"}
        url = self._facts["api_url"] + path
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            if answer.status >= 300:
                sys.exit(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def lift_limits(self) -> None:
        """Let the App create as much as it can: what it takes is measured, not what GitHub allows."""
        headers = {"Authorization": f"Bearer {self._facts['admin_token']}"}
        url = f"{self._facts['web_url']}/_admin/limits"
        async with self._session.post(url, json={"creating": {}}, headers=headers) as answer:
            answer.raise_for_status()

    async def seed(self, name: str, work: Path) -> None:
        """A repository with the fault."""
        await self.call("POST", "/user/repos", {"name": name})
        host = self._facts["web_url"].removeprefix("http://")
        url = f"http://x-access-token:{self._token}@{host}/maintainer/{name}.git"
        process = await asyncio.create_subprocess_exec("git", "push", "-q", url, "main", cwd=work)
        if await process.wait():
            sys.exit(f"git push to {name} failed")

    async def ask(self, name: str) -> None:
        """Open an issue that mentions the bot."""
        body = "`double(4)` returns 6, expected 8. @hob please fix this"
        issue = {"title": "double adds instead of doubling", "body": body}
        await self.call("POST", f"/repos/maintainer/{name}/issues", issue)

    async def has_pull(self, name: str) -> bool:
        """Whether a pull request is open there."""
        return bool(await self.call("GET", f"/repos/maintainer/{name}/pulls"))


def make_commit(place: Path) -> Path:
    """A git repository with the fault in one commit."""
    work = place / "seed"
    work.mkdir()
    for name, text in FAULTY.items():
        (work / name).write_text(text)
    who = ["-c", "user.name=Maintainer", "-c", "user.email=maintainer@users.example"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "First"]):
        subprocess.run(["git", *command], cwd=work, check=True)
    return work


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def measure(model: str, tasks: int, rounds: int, workers: int) -> None:
    """Start everything, ask, wait, print."""
    with tempfile.TemporaryDirectory(prefix="hob-bench-") as place, ExitStack() as stack:
        home, port = Path(place), free_port()
        if model == "scripted":
            (home / "script.json").write_text(json.dumps(SCRIPT))
            model = f"scripted:{home / 'script.json'}"
        processes = Processes(home, stack)
        hook = f"http://127.0.0.1:{port}/webhook"
        hub_process = processes.start("hub", "hub", "--data", str(home / "hub"), "--webhook", hook)
        assert hub_process.stdout is not None
        facts = json.loads(hub_process.stdout.readline())
        env = {"HOB_HOME": str(home / "home"), "HOB_LOG": "json"}
        processes.start("web", "web", **env, PORT=str(port), HOB_WEBHOOK_SECRET=facts["webhook_secret"])
        processes.wait_for_log("web", b"web.started")
        app = {
            "HOB_GITHUB_URL": facts["api_url"], "HOB_APP_ID": str(facts["app_id"]), "HOB_MODEL": model,
            "HOB_PRIVATE_KEY_FILE": facts["private_key_file"], "HOB_WRITE_SECONDS": "0",
        }  # fmt: skip
        for number in range(workers):
            processes.start(f"worker-{number}", "worker", **env, **app)
        for number in range(workers):
            processes.wait_for_log(f"worker-{number}", b"worker.started")
        async with aiohttp.ClientSession() as session:
            hub, work = Hub(session, facts), make_commit(home)
            await hub.lift_limits()
            for turn in range(rounds):
                names = [f"calc-{turn}-{number}" for number in range(tasks)]
                for name in names:
                    await hub.seed(name, work)
                before, began = processes.measure_cpu(), time.perf_counter()
                await asyncio.gather(*(hub.ask(name) for name in names))
                took = await _wait_for_pulls(hub, names, began)
                used = {name: cpu - before.get(name, 0.0) for name, cpu in processes.measure_cpu().items()}
                each = ", ".join(f"{name} {cpu / tasks:.2f}" for name, cpu in used.items())
                print(f"{tasks} pull requests in {took:.1f} s: {tasks / took * 60:.0f} a minute", flush=True)
                print(f"  CPU seconds a task: {sum(used.values()) / tasks:.2f} ({each})", flush=True)


async def _wait_for_pulls(hub: Hub, names: list[str], began: float) -> float:
    """Seconds until each repository has its pull request. Exits when that takes too long."""
    waiting = set(names)
    while waiting:
        await asyncio.sleep(1.0)
        for name in sorted(waiting):
            if await hub.has_pull(name):
                waiting.discard(name)
            else:
                break  # they are served about in this order: one look a second is enough
        if time.perf_counter() - began > WAIT_SECONDS:
            sys.exit(f"{len(waiting)} of {len(names)} have no pull request after {WAIT_SECONDS:.0f} s")
    return time.perf_counter() - began


def main() -> None:
    """Read the command line."""
    as_written = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    options.add_argument("--model", default="offline", help="offline, scripted, or any other")
    options.add_argument("--tasks", type=int, default=40)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--workers", type=int, default=2)
    asked = options.parse_args()
    asyncio.run(measure(asked.model, asked.tasks, asked.rounds, asked.workers))


if __name__ == "__main__":
    main()
