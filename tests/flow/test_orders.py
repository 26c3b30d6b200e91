"""Orders given on the dashboard, carried out by a worker that runs: stop, do it again, try more, use one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from flask import Flask

from bot.dashboard.live_output import OutputReader
from bot.domain import TaskState
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store
from tests.support.dashboard import Browser, open_dashboard
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, eventually

pytestmark = pytest.mark.timeout(400)

WORSE = call("edit", path="calc.py", old="x + 2", new="x * 3")


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        await working.hub.seed_repo("calc", FAULTY)
        yield working


async def order(browser: Browser, task: int, what: str, **more: str) -> None:
    form = {"token": await browser.token(f"/tasks/{task}"), "order": what, **more}
    answer = await browser.post(f"/tasks/{task}/orders", form)
    assert answer.status_code == 303, answer.text


async def wait_for_output(app: Flask, run: int, words: str) -> None:
    output: OutputReader = app.extensions["output"]

    async def look() -> bool:
        await asyncio.to_thread(output.mark_watched, run)
        return any(words in each["text"] for each in await asyncio.to_thread(output.list_pieces, run, 0))

    await eventually(look, f"nothing shows {words!r}")


async def test_what_is_ordered_on_a_page_is_done(hob: AtWork, database: Database, store: Store) -> None:
    """And seen there: what a command prints while it runs, and the change of an attempt under way."""
    sleeper = call("shell", command="echo now-it-runs; sleep 300")
    hob.says([WORSE], [sleeper], [DONE])
    async with open_dashboard(database, hob.hub) as app:
        browser = Browser(app, hob.hub)
        await browser.sign_in()
        issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]

        async def find_run() -> int:
            return max([each.id for each in await store.list_runs(1)], default=0)

        run = await eventually(find_run, "no run")
        await wait_for_output(app, run, "now-it-runs")
        page = (await browser.get(f"/runs/{run}")).text
        assert "so far" in page and "calc.py" in page and "$ echo now-it-runs" in page
        await order(browser, 1, "stop")
        await hob.comment("calc", issue, "**Stopped**")

        async def is_stopped() -> bool:
            task = await store.get_task(1)
            return task is not None and task.state is TaskState.CANCELLED

        await eventually(is_stopped, "it still runs")

        hob.says([MEND], [DONE])
        await order(browser, 1, "retry")
        await hob.comment("calc", issue, "**Done**")
        (pull,) = await hob.pulls("calc")
        assert "passed" in pull["body"]

        async def count_ended() -> int:
            made = [each for task in (1, 2, 3) for each in await store.list_attempts(task)]
            return sum(each.state is AttemptState.ENDED for each in made)

        async def are_two_more() -> bool:
            return await count_ended() == before + 2

        before = await count_ended()
        hob.attempts_say({number: [[MEND], [DONE]] for number in range(1, 6)})
        await order(browser, 1, "try", count="2")
        await eventually(are_two_more, "no two attempts more", count_ended)
        entries = (await browser.get("/tasks/1")).text
        assert entries.count("on the thread</a>") == 3
