"""The path as people on a repository see it: each story goes in through GitHub and is looked at on GitHub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.tasks.database.connection import Database
from tests.support.flow import DONE, FAULTY, FAULTY_PYTEST, MEND, AtWork, at_work, call, eventually

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def test_a_mention_becomes_a_proved_draft_and_feedback_more_commits(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY_PYTEST)
    note = call("note", path="calc.py", line=2, text="Doubling multiplies. cc @everyone")
    plan = call("plan", steps=[{"text": "Look", "state": "done"}, {"text": "Mend", "state": "doing"}])
    hob.says([plan, MEND], [note, DONE])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    final = await hob.comment("calc", issue["number"], "**Done**")

    asked = [one for one in await hob.hub.admin("requests") if one["path"].endswith("/git-upload-pack")]
    assert len(asked) == 2  # it is fetched once: where the branch is, and its commit
    (pull,) = await hob.pulls("calc")
    assert pull["draft"]
    assert pull["head"]["ref"] == f"hob/{issue['number']}-doubling-is-wrong"
    assert pull["title"] == "Double for real"
    assert f"Fixes #{issue['number']}" in pull["body"]  # the issue asks, and its failing test turned
    assert "Failed before, passes now: `test_calc.py::test_double`" in pull["body"]
    assert pull["html_url"] in final
    assert "Hidden text" not in pull["body"]
    assert len(await hob.comments("calc", issue["number"])) == 1

    at = f"/repos/maintainer/calc/pulls/{pull['number']}"
    (remark,) = await hob.hub.as_maintainer.get(f"{at}/comments")
    assert (remark["path"], remark["line"]) == ("calc.py", 2)
    assert "`@everyone`" in remark["body"]
    reviews = await hob.hub.as_maintainer.get(f"{at}/reviews")
    assert [review["state"] for review in reviews] == ["COMMENTED"]
    commit = await hob.hub.as_maintainer.get(f"/repos/maintainer/calc/commits/{pull['head']['sha']}")
    assert "Co-authored-by: maintainer" in commit["commit"]["message"]
    checks = await hob.hub.as_maintainer.get(
        f"/repos/maintainer/calc/commits/{pull['head']['sha']}/check-runs"
    )
    assert [(run["name"], run["conclusion"]) for run in checks["check_runs"]] == [("Hob", "success")]

    hob.says([call("write", path="README.md", text="# Calc\n")], [DONE])
    spot = {"commit_id": pull["head"]["sha"], "path": "calc.py", "line": 2, "side": "RIGHT"}
    await hob.hub.as_maintainer.post(f"{at}/comments", {"body": "@hob add a README", **spot})
    told = await hob.comment("calc", pull["number"], "**Done**")
    assert "pushed to this pull request" in told
    revised = await hob.hub.as_maintainer.get(at)
    assert revised["commits"] == 2
    replies = await hob.hub.as_maintainer.get(f"{at}/comments")
    assert any(reply.get("in_reply_to_id") and "Done in" in reply["body"] for reply in replies)
    assert len(await hob.pulls("calc")) == 1


async def test_who_may_not_ask_is_told_once_and_what_is_no_mention_is_nothing(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([call("finish", kind="answered", title="", summary="It is a calculator.")])
    theirs = await hob.issue("calc", "Give me", "@hob mine bitcoin", stranger=True)
    refusal = await hob.comment("calc", theirs["number"], "write")
    await hob.hub.as_stranger.post(
        f"/repos/maintainer/calc/issues/{theirs['number']}/comments", {"body": "@hob please"}
    )
    for body in ("```\n@hob fix\n```", "> @hob fix", "<!-- @hob fix -->", "mail a@hob.example", "see @hobby"):
        await hob.issue("calc", "Nothing", body)
    asked = await hob.issue("calc", "What is this?", "@hob what is this?")
    await hob.comment("calc", asked["number"], "It is a calculator.")
    assert await hob.comments("calc", theirs["number"]) == [refusal, "@hob please"]
    for number in range(theirs["number"] + 1, asked["number"]):
        assert await hob.comments("calc", number) == []
    assert await hob.pulls("calc") == []


@pytest.mark.parametrize(
    ("files", "turns", "said"),
    [
        (FAULTY, [[call("finish", kind="nothing", title="", summary="All is well.")]], "All is well."),
        (FAULTY, [[call("finish", kind="blocked", title="", summary="Too hard.")]], "Too hard."),
        (FAULTY | {".github/hob.yml": "setup: echo bo''om; exit 3\n"}, [], "boom"),
        (FAULTY | {".github/hob.yml": "tset: x\n"}, [], "unknown key `tset`"),
        (
            FAULTY,
            [[call("write", path="calc.py", text="def double(x):\n    raise KeyError\n")], [DONE]],
            "not proved: what was asked for still fails",
        ),
    ],
    ids=["nothing", "blocked", "setup", "configuration", "still failing"],
)
async def test_every_request_ends_in_one_honest_comment(
    hob: AtWork, files: dict[str, str], turns: list[list[dict[str, object]]], said: str
) -> None:
    await hob.hub.seed_repo("calc", files)
    hob.says(*turns)
    issue = await hob.issue("calc", "Doubling is wrong", "@hob fix")
    await hob.comment("calc", issue["number"], said)
    (only,) = await hob.comments("calc", issue["number"])
    assert "/runs/" in only


async def test_a_change_that_breaks_what_passed_is_not_published(hob: AtWork) -> None:
    good = FAULTY | {"calc.py": "def double(x):\n    return x * 2\n"}
    await hob.hub.seed_repo("calc", good)
    hob.says([call("edit", path="calc.py", old="x * 2", new="x + 2")], [DONE])
    issue = await hob.issue("calc", "Make it plus", "@hob make it add")
    told = await hob.comment("calc", issue["number"], "breaks tests that passed before")
    assert "Fails only with this change" in told
    assert await hob.pulls("calc") == []


async def test_an_empty_repository_is_said_to_be_empty(hob: AtWork) -> None:
    await hob.hub.as_maintainer.post("/user/repos", {"name": "empty"})
    issue = await hob.issue("empty", "Start", "@hob write it all")
    await hob.comment("empty", issue["number"], "empty")


async def test_the_offline_engine_says_what_it_cannot_do(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database, model="offline") as hob:
        await hob.hub.seed_repo("bare", {"a.txt": "x\n"})
        await hob.hub.seed_repo("fine", {"test_a.py": "def test_a():\n    pass\n"})
        for repo, said in (("bare", "found no tests"), ("fine", "passes as the code stands")):
            issue = await hob.issue(repo, "Wrong", "@hob please fix this")
            await hob.comment(repo, issue["number"], said)
            assert await hob.pulls(repo) == []


async def test_a_label_asks_too_and_stop_ends_it(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([call("shell", command="sleep 100")], [DONE])
    issue = await hob.issue("calc", "Doubling is wrong")
    at = f"/repos/maintainer/calc/issues/{issue['number']}"
    await hob.hub.as_maintainer.post("/repos/maintainer/calc/labels", {"name": "hob", "color": "ff0000"})
    await hob.hub.as_maintainer.post(f"{at}/labels", {"labels": ["hob"]})
    await hob.comment("calc", issue["number"], "I am on it")
    await hob.hub.as_maintainer.post(f"{at}/comments", {"body": "@hob stop"})
    await hob.comment("calc", issue["number"], "**Stopped**")
    assert await hob.pulls("calc") == []


async def test_words_that_come_too_late_are_a_request_of_their_own(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND, call("shell", command="sleep 2")], [DONE])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob fix")
    await hob.comment("calc", issue["number"], "I am on it")
    at = f"/repos/maintainer/calc/issues/{issue['number']}/comments"
    await hob.hub.as_maintainer.post(at, {"body": "@hob and mind the README"})

    async def two_ends() -> bool:
        return sum("**Done" in text for text in await hob.comments("calc", issue["number"])) >= 1

    await eventually(two_ends, "no end", lambda: hob.comments("calc", issue["number"]))
