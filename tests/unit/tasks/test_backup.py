"""Dump and restore as docs/operations.md has them: what is in flight at the dump ends once."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bot.domain import Run, TaskState
from bot.errors import LeaseLost
from bot.run.pipeline import work
from bot.tasks.database.connection import Database, connect
from bot.tasks.database.embedded import find_programs
from bot.tasks.database.schema import migrate
from bot.tasks.leases.renew import CancelLooks
from bot.tasks.live.records import WatchedRuns
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.conftest import at_database
from tests.support import ROOT
from tests.support.pipeline import PipelineScene, store_end
from tests.support.tasks import add_delivery, make_request


def run_documented(program: str, url: str, folder: Path) -> None:
    """The one command of that program on the page of operations, as it stands there."""
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    (command,) = re.findall(rf"^({program} .*)$", page, re.MULTILINE)
    path = f"{find_programs()}:{os.environ['PATH']}"
    env = {"PATH": path, "HOB_DATABASE_URL": url}
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
async def new_house(postgres: str) -> AsyncIterator[Database]:
    """A database with nothing in it."""
    async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as admin:
        await admin.execute("CREATE DATABASE restored ENCODING 'UTF8' TEMPLATE template0")
        database = connect(at_database(postgres, "restored"))
        yield database
        await database.engine.dispose()
        await admin.execute("DROP DATABASE restored WITH (FORCE)")


async def test_s86_what_is_in_flight_at_a_dump_ends_once_in_the_new_house(
    store: Store, database: Database, scene: PipelineScene, new_house: Database, tmp_path: Path
) -> None:
    flying = await store.add_task(make_request(number=3))
    await store_end(store, flying.id)
    queued = await store.add_task(make_request(number=4))
    await add_delivery(store, "not-handled", "issues", b"{}", {})

    async def dump(
        _: int,
    ) -> None:  # as the run is about to make its comment, of which the dump knows the intent
        if not (tmp_path / "hob.dump").exists():
            await asyncio.to_thread(run_documented, "pg_dump", database.url, tmp_path)

    scene.issues.on_comment = dump
    assert await work(scene.parts, flying.id)
    assert len(scene.issues.bodies[3]) == 1

    await asyncio.to_thread(run_documented, "pg_restore", new_house.url, tmp_path)
    await migrate(new_house)
    there = Store(new_house.engine)
    (run,) = [each for each in await there.list_runs(flying.id) if each.state == "running"]
    assert await there.count_tasks_by_state() == {"queued": 1, "running": 1, "waiting": 0}
    async with new_house.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET lease_until = now() WHERE state = 'running'"))
    swept = await sweep(new_house.engine)
    assert swept and swept.expired == 1
    async with new_house.engine.connect() as connection:
        jobs = set(await connection.scalars(text("SELECT queueing_lock FROM procrastinate_jobs")))
    assert {f"task:{flying.id}", f"task:{queued.id}", "delivery:not-handled"} <= jobs

    looks, watched = CancelLooks(there), WatchedRuns(there)
    parts = replace(scene.parts, store=there, worker="of the new house", looks=looks, watched=watched)
    assert await work(parts, flying.id)
    ended = await there.get_task(flying.id)
    assert ended and ended.state is TaskState.DONE
    assert len(scene.issues.bodies[3]) == 1 and "It has ended." in scene.issues.bodies[3][0]
    assert not await work(parts, flying.id)
    with pytest.raises(LeaseLost):
        await there.renew_lease(Run(id=run.id, task=flying.id, fence=run.fence, worker="w"))
