"""``hob status``: what a person at a terminal is told of the house."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from bot.cli.main import main
from bot.cli.status import render_span
from bot.domain import Phase, TaskState
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import pauses
from bot.tasks.store import Store
from tests.support.tasks import add_delivery, make_request


async def status() -> str:
    """What the command prints, in a thread because it has an event loop of its own."""
    done = await asyncio.to_thread(CliRunner().invoke, main, ["status"])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(autouse=True)
def environment(database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    monkeypatch.setenv("HOB_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "160")


async def test_an_empty_installation_says_that_nobody_works() -> None:
    shown = await status()
    assert "0 queued, 0 running, 0 waiting" in shown
    assert "no worker gives a sign of life: start one with `hob worker`" in shown
    assert "disk: mirrors 0.0 GiB" in shown
    assert "Queue" not in shown and "failed" not in shown


async def test_what_is_queued_runs_waits_is_paused_and_failed(store: Store, database: Database) -> None:
    for number in (1, 2, 3):
        await store.add_task(make_request(number=number))
    running = await store.claim(1, "host:7:1")
    waiting = await store.claim(2, "host:7:1")
    assert running and waiting
    await store.set_phase(running[1], Phase.PROVE)
    await store.release(waiting[1], TaskState.WAITING, "the day's [bold]budget\x1b[31m", after=7200)
    await add_delivery(store, "the-guid", "issues", b"{}", {})
    for _ in range(20):
        if await store.postpone_delivery("the-guid", "a bug", after=0):
            break
    async with database.engine.begin() as connection:
        await connection.execute(insert(pauses).values(scope="repository:11", login="root"))
    shown = await status()
    assert "1 queued, 1 running, 1 waiting" in shown
    for row in (
        r"5 +queued +1 +\d+ s",
        r"1 +octo/app#1 +prove +\d+ s +\d+ s +host:7:1",
        r"2 +octo/app#2 +2 h +the day's \[bold\]budget\\x1b\[31m",
        r"repository:11 +20\d\d-",
        r"the-guid +issues +a bug",
    ):
        assert re.search(row, shown), shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0 s"), (89, "89 s"), (700, "12 min"), (10_800, "3 h"), (432_000, "5 d")]
)
def test_spans_as_a_person_says_them(seconds: float, shown: str) -> None:
    assert render_span(seconds) == shown


async def test_the_doctor_names_what_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_MODLE", "offline")
    done = await asyncio.to_thread(CliRunner().invoke, main, ["doctor"])
    assert (
        "FAIL settings: HOB_MODLE is not a setting and changes nothing: did you mean HOB_MODEL?"
        in done.output
    )
