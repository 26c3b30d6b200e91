"""Several attempts as people on a repository see them: made, compared, chosen, stopped."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain import TaskState
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, UNITTEST, AtWork, at_work, call, requests, running

pytestmark = pytest.mark.timeout(400)

WRONG = call("edit", path="calc.py", old="x + 2", new="x + 3")
LONG_MEND = call("write", path="calc.py", text="def double(x):\n    twice = x * 2\n    return twice\n")
SCRIPTS = {1: [[WRONG], [DONE]], 2: [[LONG_MEND], [DONE]], 3: [[MEND], [DONE]], 4: [[WRONG], [DONE]]}
THREE = {**FAULTY, ".github/hob.yml": f"{UNITTEST}attempts: 3\n"}
AT = "/repos/maintainer/calc"


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database.engine)


async def say(hob: AtWork, number: int, words: str) -> None:
    await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": words})


async def file_on(hob: AtWork, ref: str, path: str = "calc.py") -> str:
    found: Any = await hob.hub.as_maintainer.get(f"{AT}/contents/{path}?ref={ref}")
    return base64.b64decode(found["content"]).decode()


async def test_the_first_fails_two_more_are_judged_and_a_person_takes_another(
    hob: AtWork, store: Store
) -> None:
    await hob.hub.seed_repo("calc", THREE)
    hob.attempts_say(SCRIPTS)
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    final = await hob.comment("calc", issue, "**Done**")
    (pull,) = await hob.pulls("calc")
    branch, number = pull["head"]["ref"], pull["number"]
    line = "Attempt 3 of 3: it is the smaller change. [Compare them](http://127.0.0.1:8001/tasks/1/attempts)"
    assert line in final and line in pull["body"]
    assert await file_on(hob, branch) == "def double(x):\n    return x * 2\n"
    made = await store.list_attempts(1)
    stood = [(each.ordinal, each.state.value, each.chosen) for each in made]
    assert stood == [(1, "ended", False), (2, "ended", False), (3, "ended", True)]
    assert all(each.diff and each.proof and each.usage for each in made)
    [turn, _] = await store.list_turns(1, ordinal=2)
    brief = turn.record["messages"][0]["parts"][1]["content"]
    assert "take another way" in brief.replace("\n", " ")
    assert "attempt 1, earlier" in brief and "+    return x + 3" in brief

    await say(hob, number, "@hob use 2")
    told = await hob.comment("calc", number, "**Done**, pushed")
    assert "This is attempt 2, as `@maintainer` chose" in told
    assert "twice = x * 2" in await file_on(hob, branch)
    after = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}")
    assert after["commits"] == 2 and len(await hob.pulls("calc")) == 1
    assert [each.chosen for each in await store.list_attempts(1)] == [False, True, False]

    await say(hob, issue, "@hob use 9")
    await hob.comment("calc", issue, "There is no attempt 9; there are 1-3.")
    await say(hob, number, "@hob try 1")
    compared = await hob.comment("calc", number, "**Compared: attempt 3 is the best one")
    assert (
        "| 2 (published) | changed | ✅ passed |" in compared
        and "| 4 | changed | ❌ does not mend it" in compared
    )
    assert "twice = x * 2" in await file_on(hob, branch)


async def test_what_a_person_wrote_since_is_not_overwritten(hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", THREE)
    hob.attempts_say(SCRIPTS)
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    await hob.comment("calc", issue, "**Done**")
    (pull,) = await hob.pulls("calc")
    branch, mine = pull["head"]["ref"], "def double(x):\n    return 2 * x\n"
    now = await hob.hub.as_maintainer.get(f"{AT}/contents/calc.py?ref={branch}")
    put = {"message": "Mine", "content": base64.b64encode(mine.encode()).decode(), "sha": now["sha"]}
    await hob.hub.as_maintainer.put(f"{AT}/contents/calc.py", {**put, "branch": branch})
    await say(hob, issue, "@hob use 2")
    await hob.comment("calc", issue, "does not fit any more: somebody changed `calc.py` since")
    assert await file_on(hob, branch) == mine


async def test_s26_stop_keeps_the_work_at_once(hob: AtWork, store: Store) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([MEND, call("shell", command="echo more > note.txt; sleep 250.26")], [DONE])
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    await running("sleep 250.26")
    await say(hob, issue, "@hob stop")
    final = await hob.comment("calc", issue, "**Stopped**")
    assert "kept as attempt 1" in final and "`@hob use 1`" in final
    assert await hob.pulls("calc") == []
    (kept,) = await store.list_attempts(1)
    assert kept.state is AttemptState.STOPPED
    assert "+    return x * 2" in kept.diff and "+more" in kept.diff

    await say(hob, issue, "@hob status")
    assert "🛑 stopped" in await hob.comment("calc", issue, "The last one")
    await say(hob, issue, "@hob use 1")
    await hob.comment("calc", issue, "**Done**")
    (pull,) = await hob.pulls("calc")
    assert await file_on(hob, pull["head"]["ref"], "note.txt") == "more\n"
    await say(hob, issue, "@hob use 1")
    await hob.comment("calc", issue, "is what is")


async def test_try_makes_so_many_where_nothing_is_published(hob: AtWork, store: Store) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.attempts_say(SCRIPTS)
    issue = (await hob.issue("calc", "Doubling is wrong", ""))["number"]
    await requests(hob)
    await say(hob, issue, "@hob try 2")
    final = await hob.comment("calc", issue, "**Done**")
    _, creating = await requests(hob)
    assert len(creating) <= 5, "as for one attempt"
    assert "Attempt 2 of 2: its proof passes" in final
    assert [each.ordinal for each in await store.list_attempts(1)] == [1, 2]
    task = await store.get_task(1)
    assert task and task.state is TaskState.DONE
