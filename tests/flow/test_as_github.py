"""Where the real GitHub is stricter than one would like: stories against a hub that is as strict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.tasks.database.connection import Database
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, eventually, requests

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


async def test_a_second_issue_about_one_fault_opens_no_second_pull_request(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND], [DONE])
    first = (await hob.issue("calc", "Doubling is wrong", "@hob fix"))["number"]
    await hob.hub.admin("requests", clear=True)
    await hob.comment("calc", first, "**Done**")
    told, creating = await requests(hob)
    assert len(creating) <= 5, creating
    assert sum(one.startswith("POST /api/repos/") for one in told) <= 7, told
    (pull,) = await hob.pulls("calc")

    await hob.hub.push_files("calc", {"OTHER.md": "The base went on.\n"})
    second = (await hob.issue("calc", "Twice is plus two", "@hob please fix this"))["number"]
    told_there = await hob.comment("calc", second, "makes this very change already")
    assert f"#{pull['number']}" in told_there and "Failed before, passes now" in told_there
    (only,) = await hob.pulls("calc")
    assert f"Fixes #{first}" in only["body"] and f"\n\nRefs #{second}\n" in only["body"]
    assert len(await hob.hub.as_maintainer.get(f"{AT}/branches")) == 2

    hob.says([MEND, call("write", path="NEWS.md", text="News\n")], [DONE])
    third = (await hob.issue("calc", "And tell it", "@hob fix and add news"))["number"]
    await hob.comment("calc", third, "**Done**")
    assert len(await hob.pulls("calc")) == 2, "more than the same is another change"


async def test_a_repository_renamed_since_it_was_asked_in_is_found(hob: AtWork) -> None:
    """It comes late, by a redelivery, and names a place that GitHub redirects from, for git too."""
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND], [DONE])
    await hob.hub.admin("deliveries", kind="fail", event="issues")
    number = (await hob.issue("calc", "Doubling is wrong", "@hob fix"))["number"]
    await hob.hub.as_maintainer.patch(AT, {"name": "moved"})
    sent = await hob.hub.as_app.get("/app/hook/deliveries?per_page=100")
    (lost,) = [one["id"] for one in sent if one["event"] == "issues"]
    await hob.hub.as_app.post(f"/app/hook/deliveries/{lost}/attempts")
    await hob.comment("moved", number, "**Done**")
    assert len(await hob.pulls("moved")) == 1


async def test_on_a_locked_conversation_a_change_is_made_and_a_question_is_not_met_with_silence(
    hob: AtWork,
) -> None:
    """No app may comment there: the pull request says it all, and where there is none, a reaction."""
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND], [DONE])
    number = (await hob.issue("calc", "Doubling is wrong"))["number"]
    await hob.hub.as_maintainer.put(f"{AT}/issues/{number}/lock", {})
    await say(hob, number, "@hob please fix this")

    async def opened() -> list[dict[str, Any]]:
        return await hob.pulls("calc")

    (pull,) = await eventually(opened, "no pull request")
    assert f"#{number}" in pull["body"]
    for words in ("@hob help", "@hob why is it wrong?"):
        comment = await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": words})

        async def reacted(at: int = comment["id"]) -> bool:
            given = await hob.hub.as_maintainer.get(f"{AT}/issues/comments/{at}/reactions")
            return "confused" in {one["content"] for one in given}

        await eventually(reacted, f"no reaction to {words}")
    assert not any("**" in text for text in await hob.comments("calc", number))


async def test_reads_that_lag_behind_writes_double_nothing_and_accuse_nobody(hob: AtWork) -> None:
    """For a while after a write the bot is shown what was before: a change and a revision."""
    await hob.hub.seed_repo("calc", FAULTY)
    await hob.hub.admin("lag", seconds=1.5, login="hob[bot]")
    hob.says([MEND], [DONE])
    number = (await hob.issue("calc", "Doubling is wrong", "@hob fix"))["number"]
    await hob.comment("calc", number, "**Done**")
    (pull,) = await hob.pulls("calc")
    hob.says([call("write", path="NEWS.md", text="News\n")], [DONE])
    await say(hob, pull["number"], "@hob add news")
    await hob.comment("calc", pull["number"], "**Done**")
    assert len(await hob.pulls("calc")) == 1
    assert len(await hob.comments("calc", number)) == 1
    assert (await hob.hub.as_maintainer.get(f"{AT}/pulls/{pull['number']}"))["commits"] == 2


async def test_an_update_by_dependabot_is_mended_on_its_own_branch(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    granted = {"contents": "write", "pull_requests": "write"}
    robot = await hob.hub.admin("app", slug="dependabot", permissions=granted)
    await hob.hub.push_files("calc", {"requirements.txt": "six==2\n"}, branch="dependabot/pip/six-2")
    wanted = {"title": "Bump six", "head": "dependabot/pip/six-2", "base": "main"}
    number = (await hob.hub.client(robot["token"]).post(f"{AT}/pulls", wanted))["number"]
    hob.says([MEND], [DONE])
    await hob.hub.admin("requests", clear=True)
    await say(hob, number, "@hob fix")
    await hob.comment("calc", number, "**Done**, pushed to this pull request")
    _, creating = await requests(hob)
    assert len(creating) <= 5, creating
    (pull,) = await hob.pulls("calc")
    commits = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}/commits")
    assert pull["head"]["ref"] == "dependabot/pip/six-2" and len(commits) == 2
    assert commits[-1]["commit"]["verification"]["verified"]
