"""The machine fails: workers die, GitHub stutters, people get in the way. One outcome, told once, every time.

Workers are processes of their own. A point of the path is reached when the local GitHub sits on the request
that stands there, and that is when the worker is killed.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bot.domain import TaskState
from bot.run.classify_error import retry_if_transient
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from localhub.faults import Fault
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, eventually
from tests.support.worker import Workers

pytestmark = pytest.mark.timeout(400)

SCRIPT = (
    [call("plan", steps=[{"text": "Mend", "state": "doing"}]), MEND],
    [call("note", path="calc.py", line=2, text="Doubling multiplies."), DONE],
)


@pytest.fixture
async def workers(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[Workers]:
    async with at_work(tmp_path, home, database, worker=False) as hob:
        hob.says(*SCRIPT)
        crowd = Workers(hob, home, database, tmp_path)
        try:
            yield crowd
        finally:
            crowd.stop()


POINTS = [  # kind of fault, method, path
    ("timeout", "POST", r"/pulls$"),
    ("delay", "POST", r"/graphql$"),  # told, and not yet given back
]


async def test_s15_killed_anywhere_it_ends_once(workers: Workers) -> None:
    hob = workers.hob
    worker = await workers.start()
    for number, (kind, method, path) in enumerate(POINTS):
        repo = f"calc{number}"
        await hob.hub.seed_repo(repo, FAULTY)
        await hob.hub.fault(kind, path, method=method)
        (rule,) = hob.hub.hub.faults.rules
        issue = await hob.issue(repo, "Doubling is wrong", "@hob please fix this")

        async def reached(rule: Fault = rule) -> bool:
            return rule.used > 0

        await eventually(reached, f"nobody asked for {path}")
        worker.kill()
        worker.join()
        hob.hub.hub.faults.rules.clear()
        worker = await workers.start()
        await workers.expire()
        await ended_once(hob, workers.store, repo, issue["number"])


async def ended_once(hob: AtWork, store: Store, repo: str, issue: int) -> str:
    """One progress comment, which says Done; one pull request, one review, one check run, one state."""
    final = await hob.comment(repo, issue, "**Done**")

    async def given_back() -> bool:
        tasks = await store.list_tasks(repo=f"maintainer/{repo}")
        return [task.state for task in tasks] == [TaskState.DONE]

    await eventually(given_back, "the task is not done")
    own = [said for said in await hob.comments(repo, issue) if "<!-- hob:task" in said]
    assert len(own) == 1
    (pull,) = await hob.pulls(repo)
    at = f"/repos/maintainer/{repo}"
    assert len(await hob.hub.as_maintainer.get(f"{at}/pulls/{pull['number']}/reviews")) == 1
    checks = await hob.hub.as_maintainer.get(f"{at}/commits/{pull['head']['sha']}/check-runs")
    assert checks["total_count"] == 1
    return final


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        working.says(*SCRIPT)
        hurrying = asyncio.create_task(_hurry(database))
        yield working
        hurrying.cancel()
        await asyncio.wait({hurrying})


async def _hurry(database: Database) -> None:
    """Whatever shall be done later is done now."""
    while True:
        async with database.engine.begin() as connection:
            for table in ("tasks", "deliveries"):
                now = f"UPDATE {table} SET not_before = now() WHERE not_before > now()"
                await connection.execute(text(now))
        await sweep(database.engine)
        await asyncio.sleep(0.3)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database.engine)


async def test_s35_answers_lost_after_the_write_make_no_second_one(hob: AtWork, store: Store) -> None:
    """And neither an outage while the plan is shown nor one while the end is read back costs anything."""
    await hob.hub.seed_repo("calc", FAULTY)
    await hob.hub.fault("status", r"/issues/\d+/comments$", method="POST", after=True)
    await hob.hub.fault("reset", r"/pulls$", method="POST", after=True)
    await hob.hub.fault("status", r"/issues/comments/", method="PATCH", count=4)
    await hob.hub.fault("status", r"/graphql$", count=4)
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    final = await ended_once(hob, store, "calc", issue["number"])
    await _told(store, 1)
    assert "Failed before, passes now" in final
    (told,) = await hob.comments("calc", issue["number"])  # again, by the queue, for want of an answer
    head, text = (_without_time(part) for part in (told.split("[Run]")[0], final))
    assert head in text and "2 turns" in head


def _without_time(text: str) -> str:
    return re.sub(r" · \d+ s(?= · )", "", text)


async def _told(store: Store, task: int) -> None:
    async def look() -> bool:
        async with store.engine.connect() as connection:
            told = text("SELECT told_at IS NOT NULL FROM tasks WHERE id = :task")
            return bool(await connection.scalar(told, {"task": task}))

    await eventually(look, "nobody was told")


async def test_s18_lost_connections_cost_no_run(hob: AtWork, store: Store) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([call("shell", command="sleep 1"), MEND], SCRIPT[1])
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.comment("calc", issue["number"], "I am on it")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    async with store.engine.connect() as connection:
        await connection.execute(text(f"{end} AND datname = current_database()"))
    await ended_once(hob, store, "calc", issue["number"])
    assert len(await store.list_runs(1)) == 1


async def test_s41_people_delete_and_close_what_it_works_on(hob: AtWork, store: Store) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    people = hob.hub.as_maintainer
    hob.says([call("shell", command="sleep 1")], *SCRIPT)
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    at = "/repos/maintainer/calc"
    await hob.comment("calc", issue["number"], "I am on it")
    (progress,) = await people.get(f"{at}/issues/{issue['number']}/comments")
    await people.delete(f"{at}/issues/comments/{progress['id']}")
    await ended_once(hob, store, "calc", issue["number"])

    (pull,) = await hob.pulls("calc")
    hob.says([call("shell", command="sleep 1")], [call("write", path="README.md", text="# Calc\n")], [DONE])
    spot = {"commit_id": pull["head"]["sha"], "path": "calc.py", "line": 2, "side": "RIGHT"}
    asked = await people.post(f"{at}/pulls/{pull['number']}/comments", {"body": "@hob add a README", **spot})
    await hob.comment("calc", pull["number"], "I am on it")
    await people.delete(f"{at}/pulls/comments/{asked['id']}")
    final = await hob.comment("calc", pull["number"], "**Done**")
    assert "Left undone: reply" in final

    plan = call("plan", steps=[{"text": "News", "state": "doing"}])
    write = call("write", path="NEWS.md", text="News\n")
    hob.says([plan], [call("shell", command="sleep 1")], [write], [DONE])
    await people.post(f"{at}/issues/{pull['number']}/comments", {"body": "@hob add a NEWS file"})
    await hob.comment("calc", pull["number"], "**News** …")
    await people.patch(f"{at}/pulls/{pull['number']}", {"state": "closed"})
    await hob.comment("calc", pull["number"], "was closed while I worked")
    assert (await people.get(f"{at}/pulls/{pull['number']}"))["commits"] == 2
    assert len(await hob.pulls("calc")) == 1


async def test_s40_a_repository_that_is_gone_is_not_told_for_ever(hob: AtWork, store: Store) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    hob.says([call("shell", command="sleep 1")], *SCRIPT)
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.comment("calc", issue["number"], "I am on it")
    await hob.hub.as_maintainer.delete("/repos/maintainer/calc")

    async def ended() -> bool:  # by the event that says so, or by what GitHub answers, whichever is first
        task = await store.get_task(1)
        return task is not None and task.state in (TaskState.FAILED, TaskState.CANCELLED)

    await eventually(ended, "the task does not end")
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET updated_at = now() - interval '2 days'"))
    await _told(store, 1)


async def test_s16_a_worker_that_slept_writes_nothing_more(workers: Workers) -> None:
    hob = workers.hob
    hob.says(SCRIPT[0], [call("shell", command="sleep 2")], SCRIPT[1])
    await hob.hub.seed_repo("calc", FAULTY)
    sleeper = await workers.start()
    issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
    await hob.comment("calc", issue["number"], "**Mend** …")  # it thinks, and holds no lock
    assert sleeper.pid is not None
    os.kill(sleeper.pid, signal.SIGSTOP)
    await workers.start()
    await workers.expire()
    final = await ended_once(hob, workers.store, "calc", issue["number"])
    os.kill(sleeper.pid, signal.SIGCONT)

    async def noticed() -> bool:
        return "run.lease_lost" in workers.log(0)

    await eventually(noticed, "the sleeper goes on")
    assert await hob.comments("calc", issue["number"]) == [final]
    assert len(await hob.pulls("calc")) == 1


def test_s56_a_full_disk_and_a_lost_database_are_tried_again() -> None:
    full = retry_if_transient(OSError(errno.ENOSPC, "No space left on device"))
    assert full is not None and "disk" in full.reason
    assert retry_if_transient(psycopg.OperationalError("gone")) is not None
    assert retry_if_transient(FileNotFoundError("x")) is None
    assert retry_if_transient(ValueError("x")) is None
