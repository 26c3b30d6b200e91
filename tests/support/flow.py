"""A whole Hob in one process against the local GitHub: PostgreSQL, git, sandbox; the model is scripted."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.demo.free_port import find_free_port
from bot.serve.web import serve_web
from bot.serve.worker import serve_worker
from bot.settings import load
from bot.tasks.database.connection import Database
from tests.support.hub import Hub, running_hub

PATIENCE = 120.0

CREATING = re.compile(
    r"/(issues/\d+/comments|pulls|pulls/\d+/(comments|reviews|comments/\d+/replies)|check-runs|git/(commits|refs))$"
)

FAULTY_PYTEST = {
    "calc.py": "def double(x):\n    return x + 2\n",
    "test_calc.py": "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n",
}
# The same for stories that are not about pytest: its start takes three times as long as all of this.
UNITTEST = "test: python -m unittest -q\n"
FAULTY = {
    ".github/hob.yml": UNITTEST,
    "calc.py": FAULTY_PYTEST["calc.py"],
    "test_calc.py": (
        "import unittest\n\nfrom calc import double\n\n\nclass CalcTest(unittest.TestCase):\n"
        "    def test_double(self):\n        self.assertEqual(double(4), 8)\n"
    ),
}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """One tool call of a script."""
    return {"name": name, "args": arguments}


MEND = call("edit", path="calc.py", old="x + 2", new="x * 2")
DONE = call("finish", kind="changed", title="Double for real", summary="It added instead.")


class AtWork:
    """The hub, and what the model says next."""

    def __init__(self, hub: Hub, script: Path) -> None:
        self.hub = hub
        self.model = f"scripted:{script}"
        self._script = script

    def says(self, *turns: list[dict[str, Any]]) -> None:
        """What the model does in every run from now on, turn by turn."""
        self._script.write_text(json.dumps([{"calls": turn} for turn in turns]))

    def says_held(self, *turns: list[dict[str, Any]]) -> None:
        """The same, but that it says nothing before it may ``go_on``."""
        for path in (self._go, self._asked):
            path.unlink(missing_ok=True)
        told: list[dict[str, Any]] = [{"calls": turn} for turn in turns]
        told[0]["once"] = str(self._go)
        self._script.write_text(json.dumps(told))

    async def until_asked(self) -> None:
        """The model is asked, so everything is prepared."""

        async def asked() -> bool:
            return self._asked.exists()

        await eventually(asked, "nobody asks the model")

    def go_on(self) -> None:
        """Let the model say what was held back."""
        self._go.touch()

    @property
    def _go(self) -> Path:
        return self._script.with_name("go")

    @property
    def _asked(self) -> Path:
        return self._script.with_name("go.asked")

    def attempts_say(self, scripts: dict[int, list[list[dict[str, Any]]]]) -> None:
        """What the model does in each of several attempts, by ordinal, from now on."""
        told = {number: [{"calls": turn} for turn in turns] for number, turns in scripts.items()}
        self._script.write_text(json.dumps(told))

    async def issue(self, repo: str, title: str, body: str = "", *, stranger: bool = False) -> dict[str, Any]:
        """Open an issue as the maintainer or the stranger."""
        who = self.hub.as_stranger if stranger else self.hub.as_maintainer
        opened: dict[str, Any] = await who.post(
            f"/repos/maintainer/{repo}/issues", {"title": title, "body": body}
        )
        return opened

    async def comments(self, repo: str, number: int) -> list[str]:
        """The texts of a thread's comments."""
        listed = await self.hub.as_maintainer.get(f"/repos/maintainer/{repo}/issues/{number}/comments")
        return [comment["body"] for comment in listed]

    async def comment(self, repo: str, number: int, containing: str) -> str:
        """A comment with these words, once it is there."""

        seen = -1

        async def look() -> str | None:
            """Ask only when something has been written since: an answer costs ten milliseconds."""
            nonlocal seen
            before, seen = seen, self.hub.hub.state.count("SELECT total_changes()")
            if seen == before:
                return None
            return next((text for text in await self.comments(repo, number) if containing in text), None)

        what = f"no comment with {containing!r}"
        return await eventually(look, what, lambda: self.comments(repo, number), every=0.03)

    async def pulls(self, repo: str) -> list[dict[str, Any]]:
        """All pull requests, newest first."""
        listed: list[dict[str, Any]] = await self.hub.as_maintainer.get(
            f"/repos/maintainer/{repo}/pulls?state=all"
        )
        return listed


async def requests(hob: AtWork) -> tuple[list[str], list[str]]:
    """What the bot asked of GitHub since the last look: everything, and what made content."""
    made = await hob.hub.admin("requests", clear=True)
    own = ("hob[bot]", "app:hob")
    bots = [one for one in made if one["actor"] in own and one["path"].startswith("/api")]
    told = [f"{one['method']} {one['path']} {one.get('graphql', '')}" for one in bots]
    creating = [
        said
        for said, one in zip(told, bots, strict=True)
        if one["method"] == "POST"
        and (CREATING.search(one["path"]) or one.get("graphql", "").startswith("mutation"))
    ]
    return told, creating


async def running(words: str, count: int = 1) -> None:
    """Wait until so many processes, those in a sandbox too, have these words for a command line."""

    async def look() -> bool:
        return sum(_words_of(process) == words for process in Path("/proc").glob("[0-9]*/cmdline")) >= count

    await eventually(look, f"nothing runs {words!r}")


def _words_of(process: Path) -> str:
    try:
        return process.read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:  # it has ended
        return ""


async def eventually(
    look: Callable[[], Awaitable[Any]],
    what: str,
    shown: Callable[[], Awaitable[Any]] | None = None,
    *,
    every: float = 0.1,
    patience: float = 0.0,
) -> Any:
    """What ``look`` gives, once it gives something; AssertionError with what there was instead.

    It looks ``every`` so many seconds, for ``patience`` seconds, or as long as usual.
    """
    until = time.monotonic() + (patience or PATIENCE)
    while time.monotonic() < until:
        found = await look()
        if found:
            return found
        await asyncio.sleep(every)
    raise AssertionError(f"{what}; there is: {await shown() if shown else None}")


@asynccontextmanager
async def at_work(
    tmp_path: Path,
    home: Path,
    database: Database,
    *,
    model: str = "",
    worker: bool = True,
    progress_seconds: float = 0,
    discussions: bool = False,
) -> AsyncIterator[AtWork]:
    """Web and (unless told otherwise) worker at work on a hub, with ``model`` or a script that ``says``
    writes; between edits of a progress comment lie ``progress_seconds``. ``discussions`` is HOB_DISCUSSIONS.
    """
    port = find_free_port()
    script = tmp_path / "script.json"
    script.write_text("[]")
    async with running_hub(tmp_path, f"http://127.0.0.1:{port}/webhook") as hub:
        settings = load(
            home=home,
            database_url=database.url,
            github_url=hub.api_url,
            app_id=hub.app_id,
            private_key=hub.private_key,
            webhook_secret=hub.webhook_secret,
            model=model or f"scripted:{script}",
            write_seconds=0,
            progress_seconds=progress_seconds,
            discussions=discussions,
            port=port,
            base_url="http://127.0.0.1:8001",
            log="console",
        )
        stop = asyncio.Event()
        processes = [asyncio.create_task(serve_web(settings, stop))]
        if worker:
            processes.append(asyncio.create_task(serve_worker(settings, stop)))
        try:
            await _listening(port, processes)
            yield AtWork(hub, script)
            await hub.idle()
        finally:
            stop.set()
            await asyncio.gather(*processes)


async def _listening(port: int, processes: list[asyncio.Task[None]]) -> None:
    async def look() -> bool:
        for process in processes:
            if process.done():
                process.result()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    await eventually(look, f"nothing listens on {port}")
