"""``hob purge``: what is kept of a repository or a person goes, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import main
from bot.domain import TaskState
from bot.serve.sandbox import make_workshop
from bot.settings import load
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import DeliveryState
from bot.tasks.store import Store
from tests.support.tasks import add_delivery, make_request


async def purge(*arguments: str) -> Result:
    """The command, in a thread because it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["purge", *arguments])


async def keep_one_of_each(store: Store, guid: str, body: object) -> None:
    """An ended task of octo/app, and a handled delivery with this body."""
    task = await store.add_task(make_request())
    claimed = await store.claim(task.id, "w")
    assert claimed
    await store.release(claimed[1], TaskState.DONE)
    await add_delivery(store, guid, "issues", json.dumps(body).encode(), {})
    await store.finish_delivery(guid, DeliveryState.HANDLED)


async def test_everything_of_a_repository_or_a_person_is_deleted(
    store: Store, database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    monkeypatch.setenv("HOB_DATABASE_URL", database.url)
    mirror = make_workshop(load()).mirror.path(make_request().event.repo.id)
    mirror.mkdir(parents=True)
    await keep_one_of_each(store, "of the app", {"repository": {"full_name": "octo/app"}})
    await keep_one_of_each(store, "of alice", {"sender": {"login": "alice"}})
    await keep_one_of_each(store, "of nobody", {"action": "octo/app alice"})

    done = await purge("--person", "Bob")
    assert done.output == "0 tasks, 0 deliveries, 0 mirrors deleted\n", done.output
    done = await purge("--repository", "Octo/App")
    assert done.output == "3 tasks, 1 deliveries, 1 mirrors deleted\n", done.output
    assert await store.list_tasks() == [] and not mirror.exists()
    await keep_one_of_each(store, "new", {"sender": {"login": "bob"}})
    done = await purge("--person", "Alice")
    assert done.output == "1 tasks, 1 deliveries, 0 mirrors deleted\n", done.output
    left = [guid for guid in ("of the app", "of alice", "of nobody", "new") if await store.get_delivery(guid)]
    assert left == ["of nobody", "new"]


@pytest.mark.parametrize("arguments", [(), ("--repository", "octo/app", "--person", "alice")])
async def test_one_of_both_is_asked_for(arguments: tuple[str, ...]) -> None:
    done = await purge(*arguments)
    assert done.exit_code == 2 and "give --repository or --person" in done.output
