"""A reviewed pull request as its reviewer sees it: one task, an answer in each thread, nothing said twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.tasks.database.connection import Database
from bot.tasks.database.tables import attempt_turns
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, eventually, requests

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def opened(hob: AtWork) -> dict[str, Any]:
    """A pull request of the bot's with one note, the requests of whose run are within bounds."""
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND], [call("note", path="calc.py", line=2, text="Doubling multiplies."), DONE])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.hub.admin("requests", clear=True)
    await hob.comment("calc", issue["number"], "**Done**")
    told, creating = await requests(hob)
    assert 0 < len(told) <= 40, told
    assert len(creating) <= 5, creating
    (pull,) = await hob.pulls("calc")
    return pull


async def threads(hob: AtWork, number: int) -> list[dict[str, Any]]:
    """The review threads as a person's page shows them."""
    query = """query($number: Int!) { repository(owner: "maintainer", name: "calc") {
      pullRequest(number: $number) { reviewThreads(first: 50) { nodes {
        isResolved comments(first: 50) { nodes { body author { login } } } } } } } }"""
    found = await hob.hub.as_maintainer.graphql(query, number=number)
    nodes: list[dict[str, Any]] = found["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    return nodes


async def first_message(database: Database) -> str:
    """What the model of the newest run was shown first."""
    async with database.engine.connect() as connection:
        newest = (
            select(attempt_turns.c.record)
            .where(attempt_turns.c.seq == 0)
            .order_by(attempt_turns.c.attempt.desc())
            .limit(1)
        )
        record = (await connection.execute(newest)).scalar_one()
    shown: str = record["messages"][0]["parts"][1]["content"]
    return shown


async def test_a_review_is_one_task_with_an_answer_in_each_thread(hob: AtWork, database: Database) -> None:
    pull = await opened(hob)
    number, at = pull["number"], f"/repos/maintainer/calc/pulls/{pull['number']}"
    body = pull["body"].replace("<!-- hob:end -->", "<!-- hob:end -->\n\nSigned off by a person.")
    await hob.hub.as_maintainer.patch(at, {"body": body})
    shared = {"path": "calc.py", "side": "RIGHT"}
    remarks = [
        {**shared, "line": 1, "body": "name it\n```suggestion\ndef double(number):\n```"},
        {**shared, "line": 2, "body": "and use the name"},
        {"path": "calc.py", "line": 2, "side": "LEFT", "body": "was this ever right?"},
    ]
    hob.says(
        [
            call("shell", command="git diff base -- calc.py | grep '^-' && git log --oneline base"),
            call("write", path="calc.py", text="def double(number):\n    return number * 2\n"),
        ],
        [
            call("note", path="calc.py", line=2, text="Doubling multiplies!"),
            call("finish", kind="changed", title="Name the number", summary="It has a name now."),
        ],
    )
    await hob.hub.admin("requests", clear=True)
    # What changes the issue in the very second of the review may come after it: its text would be left out.
    await hob.hub.admin("clock", offset=2)
    review = {"event": "REQUEST_CHANGES", "body": "@hob please go through these", "comments": remarks}
    await hob.hub.as_maintainer.post(f"{at}/reviews", {"commit_id": pull["head"]["sha"], **review})
    await hob.comment("calc", number, "**Done**")
    told, creating = await requests(hob)
    assert len(told) <= 60, told  # some 40; a busy machine asks more often how it stands
    assert len(creating) <= 5, creating
    shown = await first_message(database)
    for words in (
        "issue #1, which this pull request is for",
        "| Doubling is wrong",
        "what the pull request changes in calc.py",
        "| +    return x * 2",
        "part of the request; answer it with `reply`",
        "is about, calc.py:2\n| @@ ",
        "from before, by hob[bot]",
    ):
        assert words in shown, words
    assert shown.count("please go through these") == 1

    now = await hob.hub.as_maintainer.get(at)
    own, *theirs = await threads(hob, number)
    assert [len(thread["comments"]["nodes"]) for thread in theirs] == [2, 2, 2]
    answers = [thread["comments"]["nodes"][1]["body"] for thread in theirs]
    assert all(now["head"]["sha"] in answer for answer in answers)
    assert "The suggestion is in" in answers[0]
    assert [thread["isResolved"] for thread in theirs] == [True, False, False]
    assert own["isResolved"], "its line is gone"
    assert len(await threads(hob, number)) == 4, "a finding is not raised twice"
    assert now["commits"] == 2
    assert now["title"] == "Double for real"
    assert "Signed off by a person." in now["body"]
    assert "Name the number" in now["body"]
    assert "It added instead." in now["body"]
    assert "Fixes #1" in now["body"]
    at_work = f"/repos/maintainer/calc/commits/{pull['head']['sha']}/check-runs?check_name=Hob+at+work"
    (shown,) = (await hob.hub.as_maintainer.get(at_work))["check_runs"]
    assert (shown["status"], shown["conclusion"]) == ("completed", "success")
    commit = await hob.hub.as_maintainer.get(f"/repos/maintainer/calc/commits/{now['head']['sha']}")
    assert commit["commit"]["verification"]["verified"]


async def test_a_thread_hears_why_nothing_was_done(hob: AtWork) -> None:
    pull = await opened(hob)
    at = f"/repos/maintainer/calc/pulls/{pull['number']}"
    hob.says([call("finish", kind="nothing", title="", summary="It is named well.")])
    spot = {"commit_id": pull["head"]["sha"], "path": "calc.py", "line": 1, "side": "RIGHT"}
    await hob.hub.as_maintainer.post(f"{at}/comments", {"body": "@hob rename it", **spot})
    await hob.comment("calc", pull["number"], "Nothing to change")

    async def answered() -> bool:
        return any("It is named well." in c["body"] for t in await threads(hob, pull["number"])
                   for c in t["comments"]["nodes"])  # fmt: skip

    await eventually(answered, "no answer in the thread")
    assert not (await threads(hob, pull["number"]))[-1]["isResolved"]
    ends = [text for text in await hob.comments("calc", pull["number"]) if "Nothing to change" in text]
    assert len(ends) == 1 and "stands [in the thread](" in ends[0] and "#discussion_r" in ends[0]
    assert "It is named well." not in ends[0], "what was answered there is not said again below"


@pytest.mark.parametrize(
    ("merged", "asked"),
    [(False, "@hob review"), (True, "@hob review"), (False, "@hob what does this pull request change?")],
    ids=["deleted", "merged and deleted", "a question"],
)
async def test_a_review_whose_base_branch_is_gone_begins_where_the_pull_request_did(
    merged: bool, asked: str, hob: AtWork
) -> None:
    """As of a stack whose lower half was merged (case 11 of the small inputs)."""
    await hob.hub.seed_repo("calc", FAULTY)
    await hob.hub.push_files("calc", {"one.txt": "1\n"}, branch="stack/one")
    await hob.hub.push_files("calc", {"two.txt": "2\n"}, branch="stack/two")
    wanted = {"title": "Two", "head": "stack/two", "base": "stack/one"}
    number = (await hob.hub.as_maintainer.post("/repos/maintainer/calc/pulls", wanted))["number"]
    if merged:
        lower = {"title": "One", "head": "stack/one", "base": "main"}
        one = (await hob.hub.as_maintainer.post("/repos/maintainer/calc/pulls", lower))["number"]
        await hob.hub.as_maintainer.put(f"/repos/maintainer/calc/pulls/{one}/merge", {})
    await hob.hub.as_maintainer.delete("/repos/maintainer/calc/git/refs/heads/stack/one")
    hob.says([call("finish", kind="answered", summary="Two is a number.")])
    at = f"/repos/maintainer/calc/issues/{number}/comments"
    await hob.hub.as_maintainer.post(at, {"body": asked})

    async def reviewed() -> str | None:
        reviews = await hob.hub.as_maintainer.get(f"/repos/maintainer/calc/pulls/{number}/reviews")
        texts = [*(each["body"] for each in reviews), *await hob.comments("calc", number)]
        return next((text for text in texts if "Two is a number." in text), None)

    await eventually(reviewed, "no review", lambda: hob.comments("calc", number))
    assert not any("no commit in common" in text for text in await hob.comments("calc", number))
