"""``hob demo``: start all processes, play the story, print each step as it happens, keep serving."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
from rich.console import Console
from rich.markup import escape

from bot.demo.processes import LocalProcesses
from bot.demo.story import BODY, TITLE, Maintainer, check_repository, create_repository
from bot.domain import TERMINAL, TaskState
from bot.errors import HobError

RUN_SECONDS = 600.0
POLL_SECONDS = 0.1
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)

_ENDED = frozenset(state.value for state in TERMINAL)
_BOX = re.compile(r"^- \[(x| )\] (.*?)$", re.MULTILINE)
_RUN = re.compile(r"\[Run\]\(([^\s()]{1,500})\)")


@dataclass(kw_only=True)
class StepPrinter:
    """Prints each step once with the time since the start, and remembers the seconds of the big ones."""

    console: Console
    begun: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def print(self, text: str, *, phase: str = "") -> None:
        """One line; ``phase`` names it for ``--json``."""
        elapsed = time.monotonic() - self.begun
        if phase:
            self.seconds[phase] = round(elapsed, 2)
        self.console.print(f"[dim]{elapsed:6.1f} s[/]  {text}", highlight=False)


def run_demo(*, model: str, serve: bool, as_json: bool, repo: Path | None, request: str) -> int:
    """Play the demo with ``model``; returns the exit code: 0 when the task ended as done.

    SIGTERM and SIGHUP end it as Ctrl-C does: with all that it started, and without its folder.
    """
    if repo is not None:
        check_repository(repo)
    for number in ENDING_SIGNALS:
        signal.signal(number, _raise_terminated)
    console = Console(stderr=as_json, soft_wrap=True)
    printer = StepPrinter(console=console)
    with tempfile.TemporaryDirectory(prefix="hob-demo-", ignore_cleanup_errors=True) as home:
        processes = LocalProcesses(home=Path(home), model=model)
        try:
            console.print("[bold]Hob[/]: from a mention to a pull request, on this machine only\n")
            processes.start()
            printer.print("PostgreSQL, the local GitHub, web, worker and dashboard are up", phase="start")
            summary = asyncio.run(play(processes, printer, repo=repo, request=request))
            if as_json:
                print(json.dumps(summary), flush=True)
            _links(console, processes, summary)
            if serve:
                _serve(console, processes)
            return 0 if summary["state"] == TaskState.DONE.value else 1
        except KeyboardInterrupt:
            console.print("\nStopping; this takes some seconds. Ctrl-C again kills what is left.")
            return 130
        except Terminated as terminated:
            return 128 + terminated.number
        finally:
            for number in ENDING_SIGNALS:  # once is enough: another one must not keep the children alive
                signal.signal(number, signal.SIG_IGN)
            processes.stop()


class Terminated(BaseException):
    """A signal asks the process to end; beside every ``except Exception``, as KeyboardInterrupt is."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


def _links(console: Console, processes: LocalProcesses, summary: dict[str, Any]) -> None:
    console.print()
    rows = [("issue", "issue_url"), ("pull request", "pr_url"), ("run", "run_url")]
    for name, key in rows:
        console.print(f"  {name:<13} {summary[key] or 'none'}", highlight=False)
    console.print(f"  {'dashboard':<13} {processes.dashboard_url}", highlight=False)


def _serve(console: Console, processes: LocalProcesses) -> None:
    """Wait for Ctrl-C while a person clicks through."""
    console.print("\nOpen the issue, write a comment with @hob in it, and watch. Ctrl-C ends everything.")
    while True:
        processes.check()
        time.sleep(1)


async def play(
    processes: LocalProcesses, printer: StepPrinter, *, repo: Path | None = None, request: str = ""
) -> dict[str, Any]:
    """The story: a repository, an issue that mentions Hob, and the resulting pull request."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        maintainer = Maintainer(session, processes.hub)
        name = await create_repository(maintainer, repo)
        what = "a repository with a bug" if repo is None else "your repository"
        printer.print(f"{what}: [bold]{escape(name)}[/]")
        title = request.strip().splitlines()[0][:120] if request else TITLE
        body = f"@hob {request}" if request else BODY
        issue = await maintainer.call("POST", f"/repos/{name}/issues", {"title": title, "body": body})
        printer.print(
            f"issue #{issue['number']}: [bold]{escape(title)}[/], with a mention of @hob", phase="asked"
        )
        watcher = Watcher(
            processes=processes,
            maintainer=maintainer,
            session=session,
            repo=name,
            issue=issue,
            show=printer.print,
        )
        run = await watcher.watch()
        pull = watcher.pull or {}
        return {
            "issue_url": issue["html_url"],
            "pr_url": pull.get("html_url"),
            "run_url": watcher.run_url,
            "state": run["state"],
            "seconds": printer.seconds,
        }


@dataclass(kw_only=True)
class Watcher:
    """Looks at what any visitor of the local GitHub could see, and prints what is new."""

    processes: LocalProcesses
    maintainer: Maintainer
    session: aiohttp.ClientSession
    repo: str
    issue: dict[str, Any]
    show: Callable[..., None]
    pull: dict[str, Any] | None = None
    run_url: str = ""
    _printed: set[str] = field(default_factory=set)

    async def watch(self) -> dict[str, Any]:
        """Until the run has ended; returns it as the dashboard has it. Raises HobError when nothing comes."""
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            self.processes.check()
            await self._reactions()
            await self._progress()
            await self._pulls()
            run = await self._run()
            if run and run["state"] in _ENDED:
                await self._progress()
                await self._pulls()
                self.show(f"the task is [bold]{run['state']}[/]", phase="ended")
                return run
            await asyncio.sleep(POLL_SECONDS)
        logs = self.processes.home / "logs"
        raise HobError(f"no end within {RUN_SECONDS:.0f} s; the logs are in {logs}")

    def _show_once(self, text: str, *, phase: str = "") -> None:
        if text not in self._printed:
            self._printed.add(text)
            self.show(text, phase=phase)

    async def _reactions(self) -> None:
        if "eyes" in self._printed:
            return
        path = f"/repos/{self.repo}/issues/{self.issue['number']}/reactions"
        if any(reaction["content"] == "eyes" for reaction in await self.maintainer.call("GET", path)):
            self._printed.add("eyes")
            self.show("Hob has seen it: 👀", phase="eyes")

    async def _progress(self) -> None:
        path = f"/repos/{self.repo}/issues/{self.issue['number']}/comments"
        for comment in await self.maintainer.call("GET", path):
            link = _RUN.search(comment["body"])
            if link and not self.run_url:
                self.run_url = link.group(1)
                self._show_once("the progress comment is there", phase="progress")
            for box, step in _BOX.findall(comment["body"]):
                if box == "x":
                    self._show_once(f"[green]✓[/] {escape(step.strip('~'))}")

    async def _pulls(self) -> None:
        if self.pull:
            return
        pulls = await self.maintainer.call("GET", f"/repos/{self.repo}/pulls?state=all")
        if pulls:
            self.pull = pulls[0]
            self._show_once(
                f"draft pull request #{pulls[0]['number']}: [bold]{escape(pulls[0]['title'])}[/]",
                phase="pull",
            )

    async def _run(self) -> dict[str, Any] | None:
        if not self.run_url:
            return None
        async with self.session.get(f"{self.run_url}.json") as answer:
            if answer.status != 200:
                return None
            run: dict[str, Any] = await answer.json()
        if run.get("phase"):
            self._show_once(f"phase: {run['phase']}", phase=run["phase"])
        return run
