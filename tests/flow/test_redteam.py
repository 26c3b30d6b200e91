"""The operator's own red team: what holds is counted, and what would not is said and ends with 1."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import main
from bot.redteam import report
from bot.redteam.move import Move, answers, call
from bot.tasks.database.connection import Database
from tests.support.dashboard import read_page

pytestmark = pytest.mark.timeout(400)


async def run_red_team(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ["redteam", *words])


async def test_the_moves_that_are_named_are_played_and_leave_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    before = sorted(home.iterdir())
    done = await run_red_team("network: reach", "files: read /proc/1/environ", "an unknown argument")
    assert done.exit_code == 0, done.output
    assert "network        7 of   7 held" in done.output and "files          1 of   1 held" in done.output
    assert "worth a look: HOB_CONTACT is not set" in done.output
    assert "nothing unexpected" in done.output and sorted(home.iterdir()) == before


async def test_what_does_not_hold_is_told_and_stands_on_the_dashboard(
    home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    monkeypatch.setenv("HOB_DATABASE_URL", database.url)

    class Lenient:
        @staticmethod
        def list_moves(_around: object) -> list[Move]:
            calls = [call("read", path="calc.py")]
            judge = answers("what is not there")
            return [Move(family="made up", name="a hole", holds="it is closed", calls=calls, judge=judge)]

    monkeypatch.setattr(report, "outside", Lenient)
    done = await run_red_team("a hole")
    assert done.exit_code == 1, done.output
    assert "DOES NOT HOLD: made up: a hole" in done.output and "1 moves, 1 unexpected" in done.output
    assert "does not show this" not in done.output
    page = await asyncio.to_thread(read_page, "/safety", database)
    assert "1 did not hold" in page and "<td>made up</td><td>0</td><td>1</td>" in page
    assert "Does not hold: made up: a hole" in page and "moves with a hole" in page
