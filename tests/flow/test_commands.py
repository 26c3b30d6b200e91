"""The commands that cost nothing, as a person on a repository uses them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.domain import TaskState
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work
from tests.support.worker import working

pytestmark = pytest.mark.timeout(400)

AT = "/repos/maintainer/calc"
PLAN = {"name": "plan", "args": {"steps": [{"text": "Mend `double`", "state": "done"}]}}


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def say(hob: AtWork, number: int, words: str) -> None:
    await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": words})


async def opened(hob: AtWork, files: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """An issue and the pull request that came of it."""
    await hob.hub.seed_repo("calc", {**FAULTY, **(files or {})})
    hob.says([MEND, PLAN], [DONE])
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    await hob.comment("calc", issue, "**Done**")
    (pull,) = await hob.pulls("calc")
    return issue, pull


async def branches(hob: AtWork) -> list[str]:
    return [one["name"] for one in await hob.hub.as_maintainer.get(f"{AT}/branches")]


async def test_undo_takes_back_what_is_hobs_alone(hob: AtWork) -> None:
    issue, pull = await opened(hob)
    number, branch = pull["number"], pull["head"]["ref"]
    hob.says([])  # whatever asks a model now would fail
    folder = hob.hub.worktree("calc")
    await hob.hub.git("fetch", "-q", "origin", f"{branch}:{branch}", cwd=folder)
    theirs = await hob.hub.push_files("calc", {"notes.txt": "mine\n"}, branch=branch)
    await say(hob, number, "@hob undo")
    why = await hob.comment("calc", number, f"I left #{number} as it is: a commit on `{branch}` is not mine")
    assert theirs[:12] in why and branch in await branches(hob)
    assert (await hob.pulls("calc"))[0]["state"] == "open"

    await hob.hub.git("push", "-q", "-f", "origin", f"{pull['head']['sha']}:{branch}", cwd=folder)
    await say(hob, issue, "@hob undo")
    done = await hob.comment("calc", issue, f"I closed #{number} and deleted its branch")
    assert pull["head"]["sha"][:12] in done
    assert branch not in await branches(hob)
    assert (await hob.pulls("calc"))[0]["state"] == "closed"
    await say(hob, issue, "@hob undo")
    await hob.comment("calc", issue, "is gone already")


async def test_budget_config_and_explain_are_told_from_what_is_known(hob: AtWork) -> None:
    config = (
        "budget: {usd: 2, turns: 1900}\nlint: 'true'\ninstructions: Ask @maintainer | or not.\nlabel: robot\n"
    )
    issue, pull = await opened(hob, {".github/hob.yml": config})
    head = (await hob.hub.git("rev-parse", "HEAD", cwd=hob.hub.worktree("calc"))).strip()
    hob.says([])
    for word in ("budget", "config", "explain"):
        await say(hob, issue, f"@hob {word}")
    cost = await hob.comment("calc", issue, "a task may cost: $2, 30 minutes of thinking, 300 turns")
    assert re.search(r"“Doubling is wrong +hob please fix this”: \$0\.00 \(2 turns, .*minutes\)", cost), cost
    assert "this installation in the last 24 hours: $0.00 (2 turns" in cost
    assert "no limit is set (`HOB_DAILY_USD`)" in cost

    shown = await hob.comment("calc", issue, "What I go by here")
    file = f"`.github/hob.yml` at `{head[:12]}`"
    assert f"| `budget.usd` | `2` | {file} |" in shown
    assert "| `budget.minutes` | `30` | default |" in shown
    assert f"| `budget.turns` | `300` | the ceiling (default); {file}: 1900 |" in shown
    assert "| `test` | `found by the tree's files` | default |" in shown
    assert "| `write_seconds` | `0.0` | the operator's `HOB_WRITE_SECONDS` |" in shown
    assert f"| `label` | `robot` | {file} |" in shown and shown.count("| `label` |") == 1
    assert "| `model` | `scripted` | the operator's `HOB_MODEL` |" in shown
    assert rf"| `instructions` | `Ask @maintainer \| or not.` | {file} |" in shown
    assert hob.hub.webhook_secret not in shown and str(hob.hub.app_id) not in shown

    told = await hob.comment("calc", issue, "asked for this in")
    assert "- [x] Mend `double`" in told
    assert f"What came of it (#{pull['number']})" in told and "It added instead." in told
    assert "model `scripted`" in told and "worked on" in told
    labelled = (await hob.issue("calc", "Doubling is still wrong"))["number"]
    hob.says([{"name": "finish", "args": {"kind": "nothing", "summary": "It is well."}}])
    await hob.hub.as_maintainer.post(f"{AT}/issues/{labelled}/labels", {"labels": ["robot"]})
    await hob.comment("calc", labelled, "It is well.")
    await say(hob, pull["number"], "@hob explain")
    assert "It added instead." in await hob.comment("calc", pull["number"], "asked for this in")


async def test_what_cannot_be_told_or_undone_is_said(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", {**FAULTY, ".github/hob.yml": "tets: x\n"})
    await hob.hub.push_files("calc", {"a.txt": "a\n"}, branch="hob/mine")
    wanted = {"title": "Mine", "head": "hob/mine", "base": "main"}
    number = (await hob.hub.as_maintainer.post(f"{AT}/pulls", wanted))["number"]
    for word in ("config", "explain", "undo", "help"):
        await say(hob, number, f"@hob {word}")
    await hob.comment("calc", number, "unknown key `tets`")
    await hob.comment("calc", number, "I have not been asked for anything on this thread yet.")
    await hob.comment("calc", number, "There is no pull request of mine here to undo.")
    assert "hob/mine" in await branches(hob)
    listed = await hob.comment("calc", number, "this list")
    for word in ("review", "explain", "undo", "budget", "config"):
        assert f"`@hob {word}`" in listed


async def test_words_on_its_own_pull_request_count_where_the_repository_says_so(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database, worker=False) as hob:
        async with working(hob, home, database):
            _, pull = await opened(hob, {".github/hob.yml": "respond: always\n"})
        number, store = pull["number"], Store(database.engine)
        async with database.engine.begin() as connection:
            spent = "UPDATE runs SET usage = usage || jsonb_build_object('usd', 6)"
            await connection.execute(text(spent))
        await hob.hub.as_stranger.post(f"{AT}/issues/{number}/comments", {"body": "Name it differently."})
        for words in ("@stranger what do you think?", "Thanks, great work!", "Call it `twice`."):
            await say(hob, number, words)
        async with working(hob, home, database, daily_usd=5.0):
            await hob.comment("calc", number, "this installation's $5 of the last 24 hours are used")
            await say(hob, number, "@hob budget")
            cost = await hob.comment("calc", number, "$0.00 of $5 are left")
            assert "$6.00" in cost
        asked = [task for task in await store.list_tasks() if task.thread.number == number]
        assert [(task.request, task.requester.login) for task in asked] == [
            ("Call it `twice`.", "maintainer")
        ]
        assert asked[0].state is TaskState.WAITING


async def test_the_button_on_a_check_that_fails_asks_as_a_person_does(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([{"name": "write", "args": {"path": "notes.txt", "text": "n\n"}}], [DONE])
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    await hob.comment("calc", issue, "**not proved: ")
    (pull,) = await hob.pulls("calc")
    listed = await hob.hub.as_maintainer.get(f"{AT}/commits/{pull['head']['sha']}/check-runs")
    (proof,) = [run for run in listed["check_runs"] if run["name"] == "Hob"]
    assert proof["conclusion"] == "failure"
    hob.says([MEND], [DONE])
    await hob.hub.admin("press", check_run=proof["id"], identifier="fix", login="maintainer")
    await hob.comment("calc", pull["number"], "**Done**, pushed")
    assert (await hob.hub.as_maintainer.get(f"{AT}/pulls/{pull['number']}"))["commits"] == 2
