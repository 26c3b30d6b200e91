"""What Hob works on moves while it works: its own work goes along, people's commits stay."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain import TERMINAL, Task, TaskState
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from localhub.faults import Fault
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, eventually
from tests.support.worker import Workers

pytestmark = pytest.mark.timeout(400)

AT = "/repos/maintainer/calc"
TWICE = (
    "import unittest\n\nfrom calc import twice\n\n\nclass CalcTest(unittest.TestCase):\n"
    "    def test(self):\n        twice(1)\n"
)
NEW = (
    "import unittest\n\nimport calc\n\n\nclass NewTest(unittest.TestCase):\n"
    "    def test_new(self):\n        assert calc.double\n"
)


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def parents(hob: AtWork, sha: str) -> list[str]:
    shown = await hob.hub.as_maintainer.get(f"{AT}/commits/{sha}")
    return [parent["sha"] for parent in shown["parents"]]


async def pull_of(hob: AtWork, title: str) -> dict[str, Any]:
    return next(pull for pull in await hob.pulls("calc") if pull["title"] == title)


def says(hob: AtWork, title: str, *turns: list[dict[str, Any]]) -> None:
    """It is held back, and ends with this title."""
    hob.says_held(*turns, [call("finish", kind="changed", title=title, summary="As asked.")])


async def test_s41_the_default_branch_moves_while_it_works(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    says(hob, "Clean", [MEND], [call("note", path="calc.py", line=2, text="Doubling multiplies.")])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.until_asked()
    tip = await hob.hub.push_files(
        "calc", {"README.md": "# Calc\n", "calc.py": "# Sums.\n" + FAULTY["calc.py"]}
    )
    hob.go_on()
    told = await hob.comment("calc", issue["number"], "**Done**")
    assert "`main` went on while I worked" in told
    assert f"base is `{tip[:12]}`" in told, "proved again"
    pull = await pull_of(hob, "Clean")
    assert await parents(hob, pull["head"]["sha"]) == [tip]
    reviews = await hob.hub.as_maintainer.get(f"{AT}/pulls/{pull['number']}/reviews")
    assert reviews == [], "its line is another now"

    says(hob, "Conflict", [call("write", path="calc.py", text="def double(x):\n    return 2 * x\n")])
    issue = await hob.issue("calc", "Twice", "@hob write it the other way")
    await hob.until_asked()
    await hob.hub.push_files("calc", {"calc.py": "def double(y):\n    return y + 2\n"})
    hob.go_on()
    told = await hob.comment("calc", issue["number"], "**Done**")
    assert "conflicts with this in `calc.py`" in told
    pull = await pull_of(hob, "Conflict")
    assert await parents(hob, pull["head"]["sha"]) == [tip]
    assert "conflicts with this in `calc.py`" in pull["body"]

    says(
        hob,
        "Broken",
        [
            call("write", path="calc.py", text="def twice(x):\n    return 2 * x\n"),
            call("write", path="test_calc.py", text=TWICE),
        ],
    )
    issue = await hob.issue("calc", "Call it twice", "@hob rename double to twice")
    await hob.until_asked()
    await hob.hub.push_files("calc", {"test_new.py": NEW})
    hob.go_on()
    told = await hob.comment("calc", issue["number"], "**Done")
    assert "breaks tests that pass there" in told
    assert await pull_of(hob, "Broken")


async def test_s41_a_person_pushes_to_its_branch_while_it_works(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND], [DONE])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.comment("calc", issue["number"], "**Done**")
    (pull,) = await hob.pulls("calc")
    branch, number, folder = pull["head"]["ref"], pull["number"], hob.hub.worktree("calc")
    await hob.hub.git("fetch", "-q", "origin", branch, cwd=folder)
    await hob.hub.git("checkout", "-q", "-b", branch, "FETCH_HEAD", cwd=folder)

    says(hob, "News", [call("write", path="NEWS.md", text="News\n")])
    await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": "@hob add a NEWS file"})
    await hob.until_asked()
    mine = await hob.hub.push_files("calc", {"README.md": "# Calc\n"}, branch=branch)
    hob.go_on()
    told = await hob.comment("calc", number, "**Done**")
    assert f"`{branch}` went on while I worked" in told
    head = (await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}"))["head"]["sha"]
    assert await parents(hob, head) == [mine]

    says(hob, "More news", [call("write", path="NEWS.md", text="News\nMore\n")])
    await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": "@hob more news"})
    await hob.until_asked()
    await hob.hub.git("pull", "-q", "--rebase", "origin", branch, cwd=folder)
    mine = await hob.hub.push_files("calc", {"NEWS.md": "None\n"}, branch=branch)
    hob.go_on()
    told = await hob.comment("calc", number, "I left it alone")
    assert "does not fit there any more (`NEWS.md`)" in told
    assert (await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}"))["head"]["sha"] == mine


@pytest.mark.parametrize("how", ["taken off", "deleted"])
async def test_the_repository_goes_away_while_it_works(hob: AtWork, database: Database, how: str) -> None:
    hub, store = hob.hub, Store(database.engine)
    await hub.seed_repo("calc", FAULTY)
    other = await hub.seed_repo("other", FAULTY)
    says(hob, "Late", [MEND])
    await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.until_asked()
    if how == "taken off":
        await hub.admin("installation", id=hub.installation_id, repositories=[other["id"]])
    else:
        await hub.as_maintainer.delete(AT)

    async def find_ended() -> Task | None:
        return next((task for task in await store.list_tasks() if task.state in TERMINAL), None)

    task = await eventually(find_ended, "the work goes on")
    hob.go_on()
    assert task.state is TaskState.CANCELLED, task
    written = [one["path"] for one in await hub.admin("requests") if one["method"] == "POST"]
    assert not [path for path in written if "/calc/git/" in path or path.endswith("/calc/pulls")]

    hob.says([MEND], [DONE])
    issue = await hob.issue("other", "Doubling is wrong", "@hob please fix this")
    await hob.comment("other", issue["number"], "**Done**")


@pytest.mark.parametrize("moved", [False, True], ids=["as it was", "moved meanwhile"])
async def test_s75_a_worker_dies_when_it_pushes_a_merge(
    tmp_path: Path, home: Path, database: Database, moved: bool
) -> None:
    async with at_work(tmp_path, home, database, worker=False) as hob:
        workers = Workers(hob, home, database, tmp_path)
        try:
            await pushes_a_merge(hob, workers, home, moved)
        finally:
            workers.stop()


async def pushes_a_merge(hob: AtWork, workers: Workers, home: Path, moved: bool) -> None:
    """The merge is proved and stored, the worker dies, its disk is gone; another one publishes it."""
    worker = await workers.start()
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND], [DONE])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.comment("calc", issue["number"], "**Done**")
    (pull,) = await hob.pulls("calc")
    base = await hob.hub.push_files("calc", {"calc.py": "def double(y):\n    return y + 2\n"})
    hob.says([call("write", path="calc.py", text="def double(y):\n    return y * 2\n")], [DONE])
    await hob.hub.fault("delay", "/calc/git/refs/heads/", method="PATCH")
    (rule,) = hob.hub.hub.faults.rules
    at = f"{AT}/issues/{pull['number']}/comments"
    await hob.hub.as_maintainer.post(at, {"body": "@hob solve the conflict"})

    async def reached(rule: Fault = rule) -> bool:
        return rule.used > 0

    await eventually(reached, "nobody moves the branch")
    worker.kill()
    worker.join()
    hob.hub.hub.faults.rules.clear()
    shutil.rmtree(home / "mirrors")
    if moved:
        folder, branch = hob.hub.worktree("calc"), pull["head"]["ref"]
        await hob.hub.git("fetch", "-q", "origin", branch, cwd=folder)
        await hob.hub.git("checkout", "-q", "-b", branch, "FETCH_HEAD", cwd=folder)
        mine = await hob.hub.push_files("calc", {"README.md": "# Calc\n"}, branch=branch)
    fetch = r"/calc(.git)?/info/refs.service=git-upload-pack"  # with a token that was revoked meanwhile
    await hob.hub.fault("status", fetch, status=401)
    (revoked,) = hob.hub.hub.faults.rules
    await workers.start()
    await workers.expire()
    await hob.comment("calc", pull["number"], "I left it alone" if moved else "**Done**")
    assert revoked.used == 1
    head = (await hob.hub.as_maintainer.get(f"{AT}/pulls/{pull['number']}"))["head"]["sha"]
    if moved:
        assert head == mine
    else:
        assert await parents(hob, head) == [pull["head"]["sha"], base]
