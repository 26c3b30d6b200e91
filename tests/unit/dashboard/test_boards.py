"""The operators' boards: experiments and safety, who sees them, and that names are only text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from bot.dashboard import create_app
from bot.dashboard.server import engine_for
from bot.domain import Person, TaskState
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.safety.records import EVERYWHERE
from bot.tasks.store import Store
from tests.support.dashboard import Browser, open_dashboard
from tests.support.hub import running_hub
from tests.support.tasks import make_request


@pytest.fixture
def client(database: Database) -> Iterator[FlaskClient]:
    engine = engine_for(sqlalchemy_url(database.url))
    yield create_app(load(), engine).test_client()
    engine.dispose()


async def execute(database: Database, statement: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(statement))


async def test_variants_are_compared(client: FlaskClient, store: Store, database: Database) -> None:
    assert "no task that ended was told of prompt" in client.get("/experiments").text
    for number in range(2):
        task = await store.add_task(make_request(number=number + 1))
        claimed = await store.claim(task.id, "w")
        assert claimed
        flags = {"prompt": {"value": "<b>v2"}} if number else {}
        await store.set_flags(claimed[1], flags)
        await store.set_prompt(claimed[1], "abc123")
        await store.release(claimed[1], TaskState.DONE)
    page = client.get("/experiments?flag=prompt&days=7").text
    assert "&lt;b&gt;v2" in page and "not set" in page and "<b>v2" not in page
    assert "abc123" in client.get("/experiments?flag=prompt-version").text
    assert client.get("/experiments?flag=nonsense&days=x").status_code == 200


async def test_what_was_refused_is_counted(client: FlaskClient, store: Store, database: Database) -> None:
    page = client.get("/safety").text
    for said in ("Nothing was refused.", "Nobody waits.", "Nobody is blocked."):
        assert said in page
    await store.block(EVERYWHERE, Person(id=9, login="<i>mallory"), by="", reason="spam")
    await execute(
        database,
        "INSERT INTO refused_requests (delivery, reason, detail, installation, repo_id, repo_full_name,"
        " thread_number, person, login) SELECT 'd' || n, CASE WHEN n < 3 THEN 'moderation' ELSE"
        " 'first request' END, CASE WHEN n < 3 THEN 'malware' ELSE '' END, 5, 11, 'octo/app', n, 9, 'eve'"
        " FROM generate_series(1, 3) AS n",
    )
    page = client.get("/safety").text
    assert "<td>moderation</td><td>malware</td><td>2</td><td>1</td>" in page
    assert "octo/app#3 by eve" in page
    assert "&lt;i&gt;mallory in all, by the operator" in page and ": spam" in page


async def test_only_operators_see_them(database: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        operator = (await hub.as_maintainer.get("/user"))["id"]
        async with open_dashboard(database, hub, operators=str(operator)) as app:
            one, other = Browser(app, hub), Browser(app, hub)
            await one.sign_in()
            await other.sign_in("stranger")
            for path in ("/experiments", "/safety"):
                assert (await one.get(path)).status_code == 200
                assert path in (await one.get("/operators")).text
                assert (await other.get(path)).status_code == 404
