"""A task that others keep waiting: a provider that stays down, a sandbox that cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.domain import TaskState
from bot.errors import UserError
from bot.run.classify_error import retry_if_transient
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.workshop import Workshop
from sandbox.spec import SandboxUnavailable
from tests.support.flow import FAULTY, AtWork, at_work, eventually
from tests.support.git import commit
from tests.support.model_servers import Fault, Server, environment, serving

pytestmark = pytest.mark.timeout(400)

CANARY = "canary-of-the-provider-7781"


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """One that is over its limit, and quotes the key that it was given."""
    async with serving("openai") as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTHER_API_KEY", CANARY)
        server.always = lambda _: Fault(
            status=429, message=f"{CANARY} is over its limit", headers={"retry-after": "900"}
        )
        yield server


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database, provider: Server) -> AsyncIterator[AtWork]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(at_work(tmp_path, home, database, model=provider.model))


async def test_s60_a_provider_that_stays_down_parks_the_task_and_at_last_ends_it(
    hob: AtWork, store: Store, provider: Server
) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]

    async def parked() -> bool:
        task = await store.get_task(1)
        return task is not None and task.state is TaskState.WAITING

    await eventually(parked, "it does not wait")
    task = await store.get_task(1)
    assert task and task.leases_taken == 0 and "asks to wait" in task.reason and CANARY not in task.reason
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE runs SET started_at = now() - interval '73 hours'"))
        await connection.execute(text("UPDATE tasks SET not_before = now()"))  # the next sweep queues it
    final = await hob.comment("calc", issue, "I waited for 73 hours, and still")
    assert "asks to wait" in final and CANARY not in final

    async def failed() -> bool:
        task = await store.get_task(1)
        return task is not None and task.state is TaskState.FAILED

    await eventually(failed, "it does not end")
    assert len(provider.bodies) == 2


async def test_what_this_machine_has_not_is_told_and_what_it_lost_is_tried_again(
    tmp_path: Path, home: Path
) -> None:
    commit(tmp_path / "calc", {**FAULTY, ".github/hob.yml": "internet: packages\n"})
    workshop = Workshop(home, backend="docker", image="python:3.13")
    repo, sha = await workshop.mirror.adopt(tmp_path / "calc")
    checkout = await workshop.checkout(repo, sha, Redactor())
    with pytest.raises(UserError, match=r"no way out to the network: use bwrap.*`internet` of `.github"):
        await checkout.open()
    again = retry_if_transient(SandboxUnavailable("the sandbox's keeper died", "see the log"))
    assert again and "the sandbox's keeper died: see the log" in again.reason
