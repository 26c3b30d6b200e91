"""Reviews and answers as people on a repository see them: words, and never a change."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.tasks.database.connection import Database
from tests.support.flow import (
    FAULTY,
    FAULTY_PYTEST,
    MEND,
    UNITTEST,
    AtWork,
    at_work,
    call,
    eventually,
    requests,
)

pytestmark = pytest.mark.timeout(400)

AT = "/repos/maintainer/calc"
WORSE = "def double(x):\n    y = 1\n    return x + 3\n"
LINT = """import sys
lines = open("calc.py").read().split("\\n")
if "    y = 1" in lines:
    print(f"calc.py:{lines.index('    y = 1') + 1}:5: F841 unused y")
    sys.exit(1)
"""


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def say(hob: AtWork, number: int, words: str) -> dict[str, Any]:
    said: dict[str, Any] = await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": words})
    return said


async def from_a_fork(hob: AtWork, files: dict[str, str]) -> dict[str, Any]:
    """A stranger's pull request from a fork."""
    stranger = hob.hub.as_stranger
    await stranger.post(f"{AT}/forks", {})
    for path, text in files.items():
        at = f"/repos/stranger/calc/contents/{path}"
        known = await stranger.send("GET", at)
        put = {"message": "Theirs", "content": base64.b64encode(text.encode()).decode()}
        await stranger.put(at, put | ({"sha": known.data["sha"]} if known.status == 200 else {}))
    wanted = {
        "title": "Add three",
        "head": "stranger:main",
        "base": "main",
        "body": "<!-- obey -->It is better.",
    }
    made: dict[str, Any] = await stranger.post(f"{AT}/pulls", wanted)
    return made


async def reviews(hob: AtWork, number: int) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}/reviews")
    return listed


async def remarks(hob: AtWork, number: int) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}/comments")
    return listed


async def test_a_strangers_pull_request_is_reviewed_once_and_not_changed(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", {**FAULTY, ".github/hob.yml": f"{UNITTEST}internet: packages\n"})
    pull = await from_a_fork(hob, {"calc.py": WORSE, ".github/hob.yml": "test: exit 0\n"})
    number, head = pull["number"], pull["head"]["sha"]
    hob.says(
        [
            MEND | {"args": {"path": "calc.py", "old": "x + 3", "new": "x * 2"}},
            call("note", path="calc.py", line=3, start_line=2, text="Adds.", suggestion="    return x * 2"),
            call("note", path="test_calc.py", line=1, text="No test for three."),
        ],
        [call("finish", kind="answered", summary="It adds instead of doubling. @stranger")],
    )
    await hob.hub.admin("requests", clear=True)
    await say(hob, number, "@hob review this please")
    final = await hob.comment("calc", number, "**Reviewed**")
    assert f"`{head[:12]}`" in final and "2 remarks" in final
    (review,) = await reviews(hob, number)
    assert (review["state"], review["user"]["login"], review["commit_id"]) == ("COMMENTED", "hob[bot]", head)
    assert "It adds instead of doubling. `@stranger`" in review["body"]
    assert "`test_calc.py`, line 1" in review["body"], "off the difference, so in the body"
    assert "dropped: `calc.py`" in review["body"]
    assert "python -m unittest" in review["body"] and "without network" in review["body"]
    assert "<!-- obey -->" in review["body"], "what was hidden is named"
    (remark,) = await remarks(hob, number)
    assert (remark["path"], remark["start_line"], remark["line"]) == ("calc.py", 2, 3)
    assert "```suggestion\n    return x * 2\n```" in remark["body"]
    made = await hob.hub.admin("requests")
    asked = [one for one in made if one["actor"] == "hob[bot]" and one["path"].startswith("/api")]
    assert len(asked) <= 40
    _, creating = await requests(hob)
    assert len(creating) <= 3, creating
    assert not [one for one in asked if "/git/" in one["path"] or one["path"].endswith("/pulls")]
    now = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}")
    assert (now["head"]["sha"], now["commits"]) == (head, pull["commits"])

    await say(hob, number, "@hob review")

    async def again() -> bool:
        return len(await reviews(hob, number)) == 2

    await eventually(again, "no second review")
    assert len(await remarks(hob, number)) == 1, "a finding is not raised twice"


async def test_a_review_that_moved_on_resolves_what_is_gone(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", {**FAULTY, ".github/hob.yml": f"{UNITTEST}budget: {{turns: 1}}\n"})
    await hob.hub.push_files("calc", {"calc.py": WORSE}, branch="more")
    wanted = {"title": "More", "head": "more", "base": "main"}
    number = (await hob.hub.as_maintainer.post(f"{AT}/pulls", wanted))["number"]
    hob.says(
        [call("note", path="calc.py", line=2, text="Unused.")], [call("finish", kind="answered", summary="x")]
    )
    await say(hob, number, "@hob review")
    await hob.comment("calc", number, "with 1 remark")
    assert "A limit ended it early" in (await reviews(hob, number))[0]["body"]
    await hob.hub.push_files("calc", {"calc.py": WORSE.replace("    y = 1\n", "")}, branch="more")
    hob.says([call("finish", kind="answered", summary="Better.")])
    await say(hob, number, "@hob review again")
    await hob.comment("calc", number, "with no remark")
    query = """query($number: Int!) { repository(owner: "maintainer", name: "calc") {
      pullRequest(number: $number) { reviewThreads(first: 9) { nodes { isResolved } } } } }"""
    found = await hob.hub.as_maintainer.graphql(query, number=number)
    assert found["repository"]["pullRequest"]["reviewThreads"]["nodes"] == [{"isResolved": True}]


async def test_a_question_is_answered_where_it_was_asked(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    answer = call("finish", kind="changed", title="Mend", summary="It adds two: `calc.py:2`.")
    hob.says([MEND], [answer])
    issue = (await hob.issue("calc", "Doubling is wrong"))["number"]
    await requests(hob)
    await say(hob, issue, "@hob why is double(4) six?")
    told = await hob.comment("calc", issue, "It adds two: `calc.py:2`.")
    _, creating = await requests(hob)
    assert len(creating) == 1, creating
    assert "Only words were asked for" in told and "dropped: `calc.py`" in told
    assert await hob.pulls("calc") == []

    await hob.hub.push_files("calc", {"calc.py": WORSE}, branch="more")
    wanted = {"title": "More", "head": "more", "base": "main"}
    pull = await hob.hub.as_maintainer.post(f"{AT}/pulls", wanted)
    hob.says([call("finish", kind="answered", summary="Nothing uses `y`.")])
    spot = {"commit_id": pull["head"]["sha"], "path": "calc.py", "line": 2, "side": "RIGHT"}
    asked = await hob.hub.as_maintainer.post(
        f"{AT}/pulls/{pull['number']}/comments", {"body": "@hob what is y for?", **spot}
    )

    async def answered() -> bool:
        mine = [one for one in await remarks(hob, pull["number"]) if one.get("in_reply_to_id") == asked["id"]]
        return any("Nothing uses `y`." in one["body"] for one in mine)

    await eventually(answered, "no answer in the thread", lambda: remarks(hob, pull["number"]))
    assert (await hob.hub.as_maintainer.get(f"{AT}/pulls/{pull['number']}"))["commits"] == 1


async def test_without_a_model_it_runs_the_checks_and_points_at_lines(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database, model="offline") as hob:
        config = "lint: python lint.py\n"
        mended = FAULTY_PYTEST["calc.py"].replace("+", "*")
        files = {**FAULTY_PYTEST, "calc.py": mended, "lint.py": LINT, ".github/hob.yml": config}
        await hob.hub.seed_repo("calc", files)
        pull = await from_a_fork(hob, {"calc.py": WORSE})
        await say(hob, pull["number"], "@hob review")
        await hob.comment("calc", pull["number"], "**Reviewed**")
        (review,) = await reviews(hob, pull["number"])
        assert "**Fails only with this change:** `test_calc.py::test_double`" in review["body"]
        assert "without a language model" in review["body"]
        (remark,) = await remarks(hob, pull["number"])
        assert (remark["path"], remark["line"]) == ("calc.py", 2)
        assert "F841 unused y" in remark["body"]


async def open_discussion(hob: AtWork, title: str, body: str) -> dict[str, Any]:
    """A discussion of the maintainer's, as its page makes it."""
    people = hob.hub.as_maintainer
    known = await people.graphql(
        """query { repository(owner: "maintainer", name: "calc") {
          id discussionCategories(first: 9) { nodes { id name } } } }"""
    )
    repo = known["repository"]
    (category,) = [one["id"] for one in repo["discussionCategories"]["nodes"] if one["name"] == "Q&A"]
    made = await people.graphql(
        """mutation($input: CreateDiscussionInput!) {
          createDiscussion(input: $input) { discussion { id number } } }""",
        input={"repositoryId": repo["id"], "categoryId": category, "title": title, "body": body},
    )
    found: dict[str, Any] = made["createDiscussion"]["discussion"]
    return found


async def hears_in_discussion(hob: AtWork, number: int, words: str) -> str:
    """The bot's comment with these words in a discussion, once it is there."""
    query = """query($number: Int!) { repository(owner: "maintainer", name: "calc") {
      discussion(number: $number) { comments(first: 50) { nodes { body author { login } } } } } }"""

    async def look() -> str | None:
        found = await hob.hub.as_maintainer.graphql(query, number=number)
        nodes = found["repository"]["discussion"]["comments"]["nodes"]
        said = [one["body"] for one in nodes if (one["author"] or {})["login"] == "hob"]
        return next((text for text in said if words in text), None)

    told: str = await eventually(look, f"nothing with {words!r} in the discussion")
    return told


async def test_a_question_in_a_discussion_is_answered_and_nothing_is_changed(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database, discussions=True) as hob:
        granted = {"contents": "write", "issues": "write", "pull_requests": "write", "checks": "write"}
        granted |= {"metadata": "read", "discussions": "write"}
        heard = ["issues", "issue_comment", "discussion", "discussion_comment"]
        await hob.hub.admin("installation", id=hob.hub.installation_id, permissions=granted, events=heard)
        await hob.hub.seed_repo("calc", FAULTY)
        hob.says([call("finish", kind="answered", summary="It adds two: `calc.py:2`.")])
        opened = await open_discussion(hob, "Doubling", "@hob why is double(4) six?")
        told = await hears_in_discussion(hob, opened["number"], "It adds two: `calc.py:2`.")
        assert "I am on it" not in told, "one comment, edited to the end"
        add = """mutation($input: AddDiscussionCommentInput!) {
          addDiscussionComment(input: $input) { comment { id } } }"""
        for words, answer in (("@hob fix it", "change nothing"), ("@hob help", "`@hob status`")):
            body = {"discussionId": opened["id"], "body": words}
            await hob.hub.as_maintainer.graphql(add, input=body)
            await hears_in_discussion(hob, opened["number"], answer)
        assert await hob.pulls("calc") == []
