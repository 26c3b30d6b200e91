"""Where the real GitHub is stricter than one would like: stories against a hub that is as strict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.tasks.database.connection import Database
from tests.support.flow import FAULTY, AtWork, at_work, call

pytestmark = pytest.mark.timeout(400)

AT = "/repos/maintainer/calc"
WORSE = "def double(x):\n    y = 1\n    return x + 3\n"


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def say(hob: AtWork, number: int, words: str) -> None:
    await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": words})


async def test_a_review_stands_where_the_app_may_resolve_no_thread(hob: AtWork) -> None:
    """Resolving takes ``contents: write``; who did not grant it gets the review all the same."""
    await hob.hub.seed_repo("calc", FAULTY)
    await hob.hub.push_files("calc", {"calc.py": WORSE}, branch="more")
    wanted = {"title": "More", "head": "more", "base": "main"}
    number = (await hob.hub.as_maintainer.post(f"{AT}/pulls", wanted))["number"]
    hob.says(
        [call("note", path="calc.py", line=2, text="Unused.")], [call("finish", kind="answered", summary="x")]
    )
    await say(hob, number, "@hob review")
    await hob.comment("calc", number, "with 1 remark")

    granted = {"metadata": "read", "contents": "read", "issues": "write", "pull_requests": "write"}
    await hob.hub.admin("installation", id=hob.hub.installation_id, permissions=granted)
    await hob.hub.push_files("calc", {"calc.py": WORSE.replace("    y = 1\n", "")}, branch="more")
    hob.says([call("finish", kind="answered", summary="Better.")])
    await say(hob, number, "@hob review again")
    told = await hob.comment("calc", number, "with no remark")
    assert "Reviewed" in told
    assert "Left undone: resolved threads" in told
    assert "`contents: write`" in told or "contents: write" in told
    assert "did not work" not in told
