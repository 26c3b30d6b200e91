"""What people have done from a page: said on GitHub in their name, if they may, and written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.dashboard import Browser, open_dashboard
from tests.support.hub import Hub, running_hub
from tests.support.tasks import make_request


@dataclass
class House:
    """A dashboard over a task on an issue of the maintainer's repository."""

    hub: Hub
    app: Flask
    task: int
    database: Database

    async def browser(self, person: str = "maintainer") -> Browser:
        browser = Browser(self.app, self.hub)
        await browser.sign_in(person)
        return browser

    async def comments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.hub.as_maintainer.get(
            "/repos/maintainer/shop/issues/1/comments"
        )
        return found

    async def audit(self) -> list[tuple[str, str, str, str]]:
        query = text("SELECT login, action, words, outcome FROM audit ORDER BY id")
        async with self.database.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(query)]

    async def give(self, browser: Browser, **form: str) -> int:
        token = await browser.token(f"/tasks/{self.task}")
        return (await browser.post(f"/tasks/{self.task}/orders", {"token": token} | form)).status_code


@pytest.fixture
async def house(tmp_path: Path, database: Database, store: Store) -> AsyncIterator[House]:
    async with running_hub(tmp_path) as hub, open_dashboard(database, hub) as app:
        repo = await hub.as_maintainer.post("/user/repos", {"name": "shop"})
        await hub.as_maintainer.post("/repos/maintainer/shop/issues", {"title": "It breaks"})
        task = await store.add_task(make_request(number=1, repo=repo["id"]))
        async with database.engine.begin() as connection:
            await connection.execute(text("UPDATE tasks SET repo_full_name = 'maintainer/shop'"))
        yield House(hub, app, task.id, database)


async def test_an_order_is_said_on_the_thread_in_the_persons_name(house: House) -> None:
    browser = await house.browser()
    for form, said in (
        ({"order": "stop"}, "@hob stop"),
        ({"order": "retry"}, "@hob retry"),
        ({"order": "try", "count": "3"}, "@hob try 3"),
        ({"order": "use", "count": "2"}, "@hob use 2"),
        ({"order": "approve", "digest": "a" * 40}, f"@hob approve {'a' * 40}"),
        ({"order": "say", "words": " Round half up, please. "}, "@hob Round half up, please."),
    ):
        assert await house.give(browser, **form) == 303
        last = (await house.comments())[-1]
        assert (last["body"], last["user"]["login"]) == (said, "maintainer")
        assert last["performed_via_github_app"]["slug"] == "hob"
    written = await house.audit()
    assert [entry[1] for entry in written] == ["stop", "retry", "try", "use", "approve", "say"]
    assert all(entry[3].startswith(house.hub.web_url) for entry in written)
    page = (await browser.get(f"/tasks/{house.task}?told=stop")).text
    assert "Said on the thread in your name: stop" in page and "127.0.0.1): approve" in page
    assert "bogus" not in (await browser.get(f"/tasks/{house.task}?told=bogus")).text


async def test_what_is_no_order_is_said_to_the_person_alone(house: House) -> None:
    browser = await house.browser()
    for form in (
        {"order": "merge"},
        {},
        {"order": "try", "count": "0"},
        {"order": "try", "count": "9"},
        {"order": "use", "count": "1; drop"},
        {"order": "use", "count": "\u0661"},
        {"order": "approve", "digest": "A" * 40},
        {"order": "approve", "digest": f"{'a' * 40}\nstop"},
        {"order": "say", "words": "  "},
        {"order": "say", "words": "x" * 10_001},
    ):
        assert await house.give(browser, **form) == 400, form
    assert await house.comments() == [] == await house.audit()


async def test_s82_orders_want_a_form_of_ours_and_a_post(house: House) -> None:
    browser, path = await house.browser(), f"/tasks/{house.task}/orders"
    assert (await browser.post(path, {"order": "stop"})).status_code == 403
    token = await (await house.browser()).token(f"/tasks/{house.task}")
    assert (await browser.post(path, {"order": "stop", "token": token})).status_code == 403, (
        "of another session"
    )
    assert (await browser.get(path, query_string={"order": "stop"})).status_code == 405
    assert (await Browser(house.app, house.hub).post(path, {"order": "stop"})).status_code == 401
    assert await house.comments() == [] == await house.audit()


async def test_s79_who_may_only_read_sees_no_buttons_and_presses_none(house: House) -> None:
    state = house.hub.hub.state
    await house.hub.as_maintainer.send(
        "PUT", "/repos/maintainer/shop/collaborators/stranger", {"permission": "push"}
    )
    reader = await house.browser("stranger")
    path = f"/tasks/{house.task}"
    assert 'value="stop"' in (await reader.get(path)).text
    assert "Approve what is held back" not in (await reader.get(path)).text
    assert await house.give(reader, order="approve", digest="a" * 40) == 403, "it takes a maintainer"
    state.run("UPDATE collaborators SET role = 'read'")
    assert await house.give(reader, order="stop") == 403, "asked of GitHub at that moment"
    assert 'value="stop"' not in (await reader.get(path)).text
    assert await house.comments() == []
    assert [entry[3] for entry in await house.audit()] == [
        "refused: It takes the role Maintain or Admin in this repository.",
        "refused: It takes the role Write in this repository.",
    ]
    state.run("DELETE FROM collaborators")
    assert await house.give(reader, order="say", words="hello") == 403
    assert (await reader.get(path)).status_code == 404


async def test_what_github_refuses_or_cannot_answer_is_written_down(house: House) -> None:
    browser = await house.browser()
    await house.hub.fault("status", "/comments", status=502)
    assert await house.give(browser, order="stop") == 503
    await house.hub.admin("clear")
    await house.hub.as_maintainer.patch("/repos/maintainer/shop", {"archived": True})
    assert await house.give(browser, order="stop") == 403
    outcomes = [entry[3] for entry in await house.audit()]
    assert outcomes[0].startswith("failed: GitHub") and "archived" in outcomes[1]


async def test_nothing_is_done_where_nobody_signs_in(database: Database, store: Store) -> None:
    from bot.dashboard import create_app
    from bot.dashboard.server import engine_for
    from bot.settings import load
    from bot.tasks.database.connection import sqlalchemy_url

    task = await store.add_task(make_request())
    engine = engine_for(sqlalchemy_url(database.url))
    client = create_app(load(), engine).test_client()
    assert 'value="stop"' not in client.get(f"/tasks/{task.id}").text
    assert client.post(f"/tasks/{task.id}/orders", data={"order": "stop"}).status_code == 403
    engine.dispose()
