"""A worker is killed in the middle of the thinking, or of the publishing, and another goes on from there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain import TaskState
from bot.tasks.database.connection import Database
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, eventually
from tests.support.worker import Workers

pytestmark = pytest.mark.timeout(400)

NOTE = call("shell", command="echo once >> log.txt; mkdir deep; ln -s ../calc.py deep/link; rm old.txt")
SLOW = call("shell", command="cat log.txt; sleep 2")
AT = "/repos/maintainer/calc"


@pytest.fixture
async def workers(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[Workers]:
    async with at_work(tmp_path, home, database, worker=False) as hob:
        crowd = Workers(hob, home, database, tmp_path)
        try:
            yield crowd
        finally:
            crowd.stop()


async def asked(hob: AtWork, files: dict[str, str]) -> int:
    await hob.hub.seed_repo("calc", files)
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    number: int = issue["number"]
    return number


async def turns(workers: Workers, count: int) -> None:
    async def stored() -> bool:
        return len(await workers.store.list_turns(1)) >= count

    await eventually(stored, f"there are no {count} turns")


async def test_s15_a_killed_run_goes_on_from_its_last_turn(workers: Workers) -> None:
    hob, store = workers.hob, workers.store
    hob.says([MEND], [NOTE], [SLOW], [DONE])
    worker = await workers.start()
    issue = await asked(hob, {**FAULTY, "old.txt": "old\n"})
    await turns(workers, 2)
    before = await store.list_turns(1)
    worker.kill()  # in the middle of the third turn
    worker.join()
    await hob.hub.as_maintainer.post(f"{AT}/issues/{issue}/comments", {"body": "@hob keep it short"})
    await workers.start()
    await workers.expire()
    await hob.comment("calc", issue, "went on after turn 2")
    await hob.comment("calc", issue, "**Done**")
    after = await store.list_turns(1)
    assert [(turn.record, turn.at) for turn in after[:2]] == [(turn.record, turn.at) for turn in before]
    assert [len(turn.record["calls"]) for turn in after] == [1, 1, 1, 1]
    assert after[2].record["calls"][0]["output"].endswith("\nonce\n")
    assert "keep it short" in str([turn.record["messages"] for turn in after[2:]])

    async def ended() -> bool:
        return [run.state for run in await store.list_runs(1)] == ["lost", "done"]

    await eventually(ended, "the runs do not end as lost and done")
    (pull,) = await hob.pulls("calc")
    files: Any = await hob.hub.as_maintainer.get(f"{AT}/pulls/{pull['number']}/files")
    changed = {file["filename"]: (file["status"], file["additions"]) for file in files}
    assert changed.pop("calc.py") == ("modified", 1)
    assert changed == {"deep/link": ("added", 1), "log.txt": ("added", 1), "old.txt": ("removed", 0)}
    async with store.engine.connect() as connection:
        left = await connection.exec_driver_sql("SELECT count(*) FROM attempt_files")
        assert left.scalar() == 0


async def test_on_other_ground_it_starts_over_and_says_so(workers: Workers) -> None:
    hob, store = workers.hob, workers.store
    hob.says([MEND], [SLOW], [DONE])
    worker = await workers.start()
    issue = await asked(hob, FAULTY)
    await turns(workers, 1)
    worker.kill()
    worker.join()
    await hob.hub.as_maintainer.put(
        f"{AT}/contents/news.txt", {"message": "News", "content": "bmV3cwo=", "branch": "main"}
    )
    await workers.start()
    await workers.expire()
    await hob.comment("calc", issue, "so I started over")
    await hob.comment("calc", issue, "**Done**")
    assert len(await store.list_turns(1)) == 3


async def test_s26_stopped_half_published_it_is_published_whole(workers: Workers) -> None:
    hob, store = workers.hob, workers.store
    hob.says([MEND], [DONE])
    worker = await workers.start()
    await hob.hub.fault("timeout", r"/pulls$", method="POST")
    (rule,) = hob.hub.hub.faults.rules
    issue = await asked(hob, FAULTY)

    async def reached() -> bool:
        return rule.used > 0

    await eventually(reached, "nobody opens a pull request")
    worker.kill()  # the branch is pushed, and has no pull request
    worker.join()
    hob.hub.hub.faults.rules.clear()
    await store.ask_cancel(1)
    await workers.start()
    await workers.expire()
    final = await hob.comment("calc", issue, "**Done**")
    assert "The wish to stop came while this was being published" in final
    assert len(await hob.pulls("calc")) == 1

    async def done() -> bool:
        task = await store.get_task(1)
        return task is not None and task.state is TaskState.DONE

    await eventually(done, "it does not end")
