"""From mention to pull request, many at once: ``make bench-throughput``.

The local GitHub, ``hob web``, workers and PostgreSQL are processes on this machine, with default settings.

``rate``     pull requests a minute, by the offline engine and by a scripted model: each task has a tiny
             repository of its own with a fault that its test shows, over twenty installations; ``--people``
             ask at once, and anew as soon as one is served; those that come within ``--seconds`` count.
             Beside it stands what a task cost, by process and by program (``/proc``: a process's own time
             and that of its ended children).
``waiting``  forty runs at once on one worker whose model answers after 20 seconds: how long they take in all,
             and what one that waits holds in memory; then as many more on one worker and on two.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.demo.free_port import find_free_port

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
INSTALLATIONS = 20
ANSWER_SECONDS = 20.0  # of a slow model
WAITING = 40
PEOPLE = 80  # who ask at once: four in each installation
MOST_A_SECOND = {"offline": 2.0}  # pull requests; so many repositories are made for each second measured


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
        leaders = {name: process.pid for name, process in self._started.items()} | {
            "postgresql": self._server
        }
        return {name: sum(map(_read_cpu, list_tree(pid))) for name, pid in leaders.items()}

    def measure_own_cpu(self) -> dict[str, float]:
        """The same of the processes themselves, without their children."""
        return {name: _read_cpu(process.pid, own=True) for name, process in self._started.items()}

    def find_pid(self, name: str) -> int:
        """The process id of one that was started."""
        return self._started[name].pid

    @property
    def _server(self) -> int:
        return int((self._home / "home" / "postgres" / "postmaster.pid").read_text().splitlines()[0])

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


def _read_cpu(pid: int, *, own: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11 : 13 if own else 15])) / os.sysconf("SC_CLK_TCK")


def list_tree(pid: int) -> Iterator[int]:
    """A process, and all that are below it now."""
    yield pid
    try:
        below = [each.read_text().split() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in (int(word) for words in below for word in words):
        yield from list_tree(child)


def read_memory(pid: int) -> float:
    """MiB that a process holds for itself, pages that it shares divided among all that share them (PSS)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


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

    async def administer(self, action: str, **body: object) -> Any:
        """An order to the local GitHub itself."""
        headers = {"Authorization": f"Bearer {self._facts['admin_token']}"}
        url = f"{self._facts['web_url']}/_admin/{action}"
        async with self._session.post(url, json=body, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def lift_limits(self) -> None:
        """Let the App create as much as it can: what it takes is measured, not what GitHub allows."""
        await self.administer("limits", creating={})

    async def add_owners(self, count: int) -> list[str]:
        """So many organizations with an installation each."""
        owners = [f"house-{number}" for number in range(count)]
        for owner in owners:
            await self.administer("user", login=owner, organization=True, install=True)
        return owners

    async def seed(self, name: str, work: Path, owner: str = "maintainer") -> None:
        """A repository with the fault."""
        path = "/user/repos" if owner == "maintainer" else f"/orgs/{owner}/repos"
        await self.call("POST", path, {"name": name})
        host = self._facts["web_url"].removeprefix("http://")
        url = f"http://x-access-token:{self._token}@{host}/{owner}/{name}.git"
        process = await asyncio.create_subprocess_exec("git", "push", "-q", url, "main", cwd=work)
        if await process.wait():
            sys.exit(f"git push to {name} failed")

    async def ask(self, name: str, owner: str = "maintainer") -> None:
        """Open an issue that mentions the bot."""
        body = "`double(4)` returns 6, expected 8. @hob please fix this"
        issue = {"title": "double adds instead of doubling", "body": body}
        await self.call("POST", f"/repos/{owner}/{name}/issues", issue)

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


@dataclass(slots=True, kw_only=True)
class House:
    """A whole Hob on this machine, and the local GitHub that it works for."""

    home: Path
    processes: Processes
    hub: Hub
    work: Path
    owners: Sequence[str]
    owner_of: dict[str, str] = field(default_factory=dict)  # by the repository's name
    asked: int = 0  # of the repositories that ``ask_again`` was given

    async def seed(self, names: Sequence[str]) -> None:
        """Make a repository for each name, spread over the installations; eight at a time."""
        slots = asyncio.Semaphore(8)
        self.owner_of |= {name: self.owners[at % len(self.owners)] for at, name in enumerate(names)}

        async def one(name: str) -> None:
            async with slots:
                await self.hub.seed(name, self.work, self.owner_of[name])

        await asyncio.gather(*map(one, names))

    async def ask(self, names: Sequence[str]) -> None:
        """Ask for work in each, all at once."""
        await asyncio.gather(*(self.hub.ask(name, self.owner_of[name]) for name in names))

    def count_pulls(self) -> int:
        """How many pull requests there are; read from where the local GitHub keeps them, at no cost to it."""
        url = f"file:{self.home / 'hub' / 'hub.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(url, uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM pulls").fetchone()[0])

    async def ask_again(self, names: Sequence[str], people: int, *, until: int, seconds: float) -> float:
        """Keep so many requests open until there are ``until`` pull requests, for ``seconds`` at most.

        Returns how many seconds it took. The first of ``names`` that was not asked in yet is the next one.
        """
        began = time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            served = self.count_pulls() - 1  # one was there before
            if served + 1 >= until:
                break
            await self.ask(names[self.asked : people + served])
            self.asked = max(self.asked, min(len(names), people + served))
            await asyncio.sleep(0.25)
        return took

    async def wait_for_pulls(self, count: int, seconds: float) -> float:
        """Seconds until there are so many pull requests, ``seconds`` at most."""
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            if self.count_pulls() >= count:
                break
            await asyncio.sleep(0.5)
        return time.perf_counter() - began


@asynccontextmanager
async def open_house(model: str, workers: int, **settings: str) -> AsyncIterator[House]:
    """Everything started, with default settings but for what is given."""
    async with AsyncExitStack() as waiting:
        place = waiting.enter_context(
            tempfile.TemporaryDirectory(prefix="hob-bench-", ignore_cleanup_errors=True)
        )
        home, port = Path(place), find_free_port()
        home.chmod(0o755)  # the account of the embedded server must reach it
        processes = Processes(home, waiting.enter_context(ExitStack()))
        hook = f"http://127.0.0.1:{port}/webhook"
        hub_process = processes.start("hub", "hub", "--data", str(home / "hub"), "--webhook", hook)
        assert hub_process.stdout is not None
        facts = json.loads(hub_process.stdout.readline())
        env = {"HOB_HOME": str(home / "home"), "HOB_LOG": "json"}
        processes.start("web", "web", **env, PORT=str(port), HOB_WEBHOOK_SECRET=facts["webhook_secret"])
        processes.wait_for_log("web", b"web.started")
        app = {
            "HOB_GITHUB_URL": facts["api_url"], "HOB_APP_ID": str(facts["app_id"]), "HOB_MODEL": model,
            "HOB_PRIVATE_KEY_FILE": facts["private_key_file"],
        }  # fmt: skip
        for number in range(workers):
            processes.start(f"worker-{number}", "worker", **env, **app, **settings)
        for number in range(workers):
            processes.wait_for_log(f"worker-{number}", b"worker.started")
        session = await waiting.enter_async_context(aiohttp.ClientSession())
        hub = Hub(session, facts)
        owners = await hub.add_owners(INSTALLATIONS)
        yield House(home=home, processes=processes, hub=hub, work=make_commit(home), owners=owners)


async def measure_rate(model: str, people: int, workers: int, seconds: float, **settings: str) -> None:
    """Pull requests a minute, and what one costs, while ``people`` ask anew as soon as one is served.

    Each asks where nobody asked before. It is measured once as many were served as there are people.
    """
    with tempfile.TemporaryDirectory(prefix="hob-script-") as place:
        script = Path(place) / "script.json"
        script.write_text(json.dumps(SCRIPT))
        chosen = f"scripted:{script}" if model == "scripted" else model
        async with open_house(chosen, workers, **settings) as house:
            processes = house.processes
            await house.seed(["first"])  # which makes what is made once: toolchain, compiled programs
            await house.ask(["first"])
            await house.wait_for_pulls(1, WAIT_SECONDS)
            most = 2 * people + round(seconds * MOST_A_SECOND.get(model, 4.0))
            names = [f"calc-{number}" for number in range(most)]
            await house.seed(names)
            await house.hub.administer("idle")
            await house.ask_again(names, people, until=1 + people, seconds=WAIT_SECONDS)
            before, own, already = processes.measure_cpu(), processes.measure_own_cpu(), house.count_pulls()
            took = await house.ask_again(names, people, until=len(names), seconds=seconds)
            done = house.count_pulls() - already
            used, own_now = processes.measure_cpu(), processes.measure_own_cpu()
    print(f"{model}: {done} pull requests in {took:.0f} s: {done / took * 60:.0f} a minute", flush=True)
    busy = sum(used.values()) - sum(before.values())
    print(f"  {busy / done:.2f} CPU seconds for each; Hob and hub kept {busy / took:.2f} processors busy")
    for name in used:
        of_all = (used[name] - before[name]) / done
        of_own = (own_now.get(name, 0.0) - own.get(name, 0.0)) / done
        parts = f", {of_own:.2f} in itself and {of_all - of_own:.2f} in its children" if name in own else ""
        print(f"  {name:12} {of_all:.2f}{parts}")


async def measure_waiting() -> None:
    """Runs whose model takes its time: at once, their memory, and one worker beside two."""
    slow = [{**turn, "seconds": ANSWER_SECONDS} for turn in SCRIPT]
    with tempfile.TemporaryDirectory(prefix="hob-script-") as place:
        script = Path(place) / "script.json"
        script.write_text(json.dumps(slow))
        took = {}
        for workers in (1, 2):
            async with open_house(f"scripted:{script}", workers) as house:
                await house.seed(["first"])
                await house.ask(["first"])
                await house.wait_for_pulls(1, WAIT_SECONDS)
                empty = _measure_memory(house)
                tasks = WAITING if workers == 1 else 2 * WAITING
                names = [f"calc-{number}" for number in range(tasks)]
                await house.seed(names)
                asking = asyncio.create_task(house.ask(names))
                most, sandboxes = await _watch_waiting(house)
                took[workers] = await house.wait_for_pulls(tasks + 1, WAIT_SECONDS)
                await asking
                print(f"{tasks} runs, {workers} workers: {took[workers]:.0f} s", flush=True)
                if sandboxes:
                    print(
                        f"  {sandboxes} waited at once; each held {(most[0] - empty[0]) / sandboxes:.1f} MiB"
                    )
                    print(f"  in the worker and {(most[1] - empty[1]) / sandboxes:.1f} MiB in its sandbox")
    print(f"two workers do {2 * took[1] / took[2]:.2f} times what one does")


def _measure_memory(house: House) -> tuple[float, float]:
    """MiB of the first worker, and of the processes of its sandboxes."""
    leader = house.processes.find_pid("worker-0")
    _, *below = list_tree(leader)
    return read_memory(leader), sum(map(read_memory, below))


async def _watch_waiting(house: House) -> tuple[tuple[float, float], int]:
    """The memory, and how many sandboxes there are, halfway through the first answer."""
    await asyncio.sleep(ANSWER_SECONDS * 0.8)
    leader = house.processes.find_pid("worker-0")
    names = [_read_name(pid) for pid in list_tree(leader)]
    return _measure_memory(house), names.count("hob-keeper") // 2  # each has its spare


def _read_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


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
    options.add_argument("what", nargs="?", default="all", choices=("all", "rate", "waiting"))
    options.add_argument("--model", default="", help="only this one: offline, scripted, or any other")
    options.add_argument("--people", type=int, default=PEOPLE, help="requests that are open all the time")
    options.add_argument("--seconds", type=float, default=300.0, help="that are measured")
    options.add_argument("--workers", type=int, default=2)
    asked = options.parse_args()
    if asked.what in ("all", "rate"):
        for model in [asked.model] if asked.model else ["offline", "scripted"]:
            asyncio.run(measure_rate(model, asked.people, asked.workers, asked.seconds))
    if asked.what in ("all", "waiting"):
        asyncio.run(measure_waiting())


if __name__ == "__main__":
    main()
