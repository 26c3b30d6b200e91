"""The base of Hob's pull request moved: people ask for a merge, or it conflicts and they ask for anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.tasks.database.connection import Database
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, requests

pytestmark = pytest.mark.timeout(400)

AT = "/repos/maintainer/calc"
BOTH = 'def double(x):\n    """Twice x."""\n    return x * 2\n'
NOTHING = FAULTY["test_calc.py"].replace("test_double", "test_nothing").replace("double(4), 8", "1, 1")
THEIRS = FAULTY | {"calc.py": 'def double(x):\n    """Twice x."""\n    return x + 2  # hm\n'}
SOLVED = call("write", path="calc.py", text=BOTH)


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def opened(hob: AtWork) -> dict[str, Any]:
    """A pull request of the bot's that mends calc.py."""
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND], [DONE])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.comment("calc", issue["number"], "**Done**")
    (pull,) = await hob.pulls("calc")
    return pull


async def asked(hob: AtWork, number: int, words: str, told: str) -> str:
    """What the bot says at the end to these words on the pull request, which has ``told`` in it."""
    await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": f"@hob {words}"})
    return await hob.comment("calc", number, told)


async def now(hob: AtWork, number: int) -> dict[str, Any]:
    pull: dict[str, Any] = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}")
    return pull


async def parents(hob: AtWork, sha: str) -> list[str]:
    shown = await hob.hub.as_maintainer.get(f"{AT}/commits/{sha}")
    return [parent["sha"] for parent in shown["parents"]]


async def text(hob: AtWork, path: str, ref: str) -> str:
    answer = await hob.hub.as_maintainer.send(
        "GET", f"{AT}/contents/{path}?ref={ref}", headers={"Accept": "application/vnd.github.raw+json"}
    )
    return answer.text


async def test_a_conflict_is_solved_in_the_sandbox_and_proved(hob: AtWork) -> None:
    pull = await opened(hob)
    number, before = pull["number"], pull["head"]["sha"]
    base = await hob.hub.push_files("calc", THEIRS | {".github/hob.yml": "lint: 'true'\n"})
    assert (await now(hob, number))["mergeable"] is False

    hob.says([call("write", path="NEWS.md", text="News\n")], [DONE])
    told = await asked(hob, number, "add a NEWS file", "pushed nothing")
    assert "- `calc.py`" in told
    assert "could not do this" in told
    assert (await now(hob, number))["head"]["sha"] == before, "a marker is left, so nothing is published"

    hob.says([SOLVED], [call("finish", kind="changed", title="Merge main", summary="Both are meant.")])
    told = await asked(hob, number, "solve the conflict", "**Done**")
    assert "Conflicts were settled in `calc.py`" in told
    assert "Failed before, passes now" not in told, "the branch as it was is what it is compared with"
    assert "- `true`: " in told, "the configuration is the default branch's"
    after = await now(hob, number)
    assert after["mergeable"] is True
    assert await parents(hob, after["head"]["sha"]) == [before, base]
    assert await text(hob, "calc.py", after["head"]["sha"]) == BOTH
    assert "Merge main" in after["body"]


async def test_a_clean_merge_needs_no_model_but_its_proof(hob: AtWork) -> None:
    pull = await opened(hob)
    number, before = pull["number"], pull["head"]["sha"]
    told = await asked(hob, number, "please rebase on main", "has all of `main` already")
    assert (await now(hob, number))["head"]["sha"] == before
    base = await hob.hub.push_files("calc", {"README.md": "# Calc\n"})
    hob.says()
    await requests(hob)
    told = await asked(hob, number, "merge main", "**Done**")
    _, creating = await requests(hob)
    assert len(creating) <= 4, creating
    assert "no conflicts" in told
    head = (await now(hob, number))["head"]["sha"]
    assert await parents(hob, head) == [before, base]
    merge = await hob.hub.as_maintainer.get(f"{AT}/commits/{head}")
    assert merge["commit"]["verification"]["verified"], "GitHub made it"

    wrong = (
        "import unittest\n\nfrom calc import double\n\n\nclass MoreTest(unittest.TestCase):\n"
        "    def test_twice(self):\n        self.assertEqual(double(double(1)), 5)\n"
    )
    await hob.hub.push_files("calc", {"test_more.py": wrong})
    hob.says()
    told = await asked(hob, number, "update this branch", "breaks tests that passed before")
    assert "test_more.MoreTest.test_twice" in told
    right = {"test_more.py": wrong.replace("5", "4"), ".github/workflows/ci.yml": "on: push\n"}
    await hob.hub.push_files("calc", right)
    told = await asked(hob, number, "rebase", "GitHub lets no app push those")
    assert "Update branch" in told
    assert (await now(hob, number))["head"]["sha"] == head


async def test_the_offline_engine_says_what_is_in_conflict(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database, model="offline") as hob:
        await hob.hub.seed_repo("calc", FAULTY)
        issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
        await hob.comment("calc", issue["number"], "**Done**")
        (pull,) = await hob.pulls("calc")
        await hob.hub.push_files("calc", THEIRS)
        told = await asked(hob, pull["number"], "rebase", "pushed nothing")
        assert "In conflict with `main`, and not settled:\n\n- `calc.py`" in told
        assert (await now(hob, pull["number"]))["head"]["sha"] == pull["head"]["sha"]


async def test_the_title_goes_with_what_it_was_for(hob: AtWork) -> None:
    pull = await opened(hob)
    number = pull["number"]
    undone = call("write", path="calc.py", text=FAULTY["calc.py"])
    sums = call("write", path="sums.py", text="A = 1\n")
    hob.says([undone, sums], [call("finish", kind="changed", title="Add sums", summary="Sums instead.")])
    await asked(hob, number, "leave that, write sums instead", "breaks tests that passed before")
    assert (await now(hob, number))["title"] == "Double for real"
    gone = call("write", path="calc.py", text=FAULTY["calc.py"])
    test = call("write", path="test_calc.py", text=NOTHING)
    hob.says([gone, sums, test], [call("finish", kind="changed", title="Add sums", summary="Sums instead.")])
    await asked(hob, number, "and without that test", "**Done")
    after = await now(hob, number)
    assert after["title"] == "Add sums"
    assert "Sums instead." in after["body"]
    assert "It added instead." not in after["body"]
