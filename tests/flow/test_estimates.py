"""An estimate before the work, in one line on the thread; how far it was off, on the operators' page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.dashboard import background_counts
from bot.tasks.database.connection import Database
from tests.support.dashboard import read_page
from tests.support.flow import DONE, FAULTY, MEND, at_work, call

pytestmark = pytest.mark.timeout(300)
ASKED = "@hob please fix it: `double(4)` in calc.py returns 6 instead of 8"
NOTHING = call("finish", kind="blocked", title="", summary="I do not see what to do.")


async def test_what_was_estimated_is_said_first_and_measured_after(
    tmp_path: Path, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 60.0)
    async with at_work(tmp_path, home, database) as hob:
        await hob.hub.seed_repo("calc", FAULTY)
        hob.says_held([MEND], [DONE])
        issue = (await hob.issue("calc", "Doubling is wrong", ASKED))["number"]
        await hob.until_asked()
        said = await hob.comment("calc", issue, "Estimate before the work")
        assert "Estimate before the work: likely to end proved, small (up to 10 turns)." in said
        assert "Signs: names a file, says what is expected" in said and "**Done**" not in said
        hob.go_on()
        await hob.comment("calc", issue, "**Done**")
        hob.says([NOTHING])
        vague = (await hob.issue("calc", "Better", "@hob rewrite everything"))["number"]
        await hob.comment("calc", vague, "I do not see what to do")
    page = await asyncio.to_thread(read_page, "/experiments", database)
    assert "Estimates before the work, of 2 tasks that ended" in page and "50% did" in page
    row = "<tr><td>names a file</td><td>1</td><td>100%</td><td>1</td><td>0%</td><td>+100 points</td></tr>"
    assert row in page
    assert (
        "<tr><td>is broad</td><td>1</td><td>0%</td><td>1</td><td>100%</td><td>-100 points</td></tr>" in page
    )
