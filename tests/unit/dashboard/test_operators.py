"""The operators' page: who sees it, what it shows, and what an operator does there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from bot.dashboard import create_app
from bot.dashboard.server import engine_for
from bot.domain import TaskState
from bot.flags.kill import is_scope
from bot.flags.order import FlagOrder, begin
from bot.flags.records import Actor
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.database.tables import DeliveryState
from bot.tasks.deliveries.undelivered import Undelivered
from bot.tasks.store import Store
from bot.tasks.workers.records import WorkerState
from tests.support.dashboard import Browser, open_dashboard
from tests.support.hub import Hub, running_hub
from tests.support.tasks import add_delivery, make_request

WORKER = WorkerState(
    worker="box:<b>7</b>:1",
    version="9.9.9",
    slots=12,
    memory_bytes=150 << 20,
    cache_bytes=3 << 30,
    free_bytes=40 << 30,
    limits={"77 core": 4321, "77 graphql": 4999, "0 core": 4998},
)
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as hub:
        yield hub


@pytest.fixture
async def app(database: Database, hub: Hub) -> AsyncIterator[Flask]:
    operator = (await hub.as_maintainer.get("/user"))["id"]
    async with open_dashboard(database, hub, operators=str(operator)) as app:
        yield app


async def give(browser: Browser, path: str, **form: str) -> int:
    token = await browser.token("/operators")
    return (await browser.post(path, {"token": token} | form)).status_code


async def test_the_house_is_the_operators(app: Flask, hub: Hub, store: Store) -> None:
    for number in (1, 2):
        task = await store.add_task(make_request(number=number, installation=77))
    assert await store.claim(task.id, "worker <b>one</b>")
    operator, other = Browser(app, hub), Browser(app, hub)
    await operator.sign_in()
    await other.sign_in("stranger")
    page = (await operator.get("/operators")).text
    for said in ("<td>77</td><td>queued</td><td>1</td>", "worker &lt;b&gt;one", "max_usd", "octo/app#2"):
        assert said in page, said
    assert "/operators" in (await operator.get("/")).text and "/operators" not in (await other.get("/")).text
    token = await other.token("/")
    for path in ("/operators/pauses", f"/operators/deliveries/{GUID}"):
        assert (await other.post(path, {"token": token, "scope": "all"})).status_code == 404
        assert (await operator.post(path, {"scope": "all"})).status_code == 403, "no form of ours"
    assert (await other.get("/operators")).status_code == 404
    assert await store.claim(1, "w"), "nothing was paused"


async def test_a_pause_begins_nothing_and_stops_nothing(app: Flask, hub: Hub, store: Store) -> None:
    running = await store.add_task(make_request(number=1))
    claimed = await store.claim(running.id, "w")
    assert claimed
    waiting = await store.add_task(make_request(number=2))
    browser = Browser(app, hub)
    await browser.sign_in()
    for scope in ("all", "installation:5", "repository:11"):
        assert await give(browser, "/operators/pauses", scope=scope) == 303
        assert await store.find_next_task() is None and await store.claim(waiting.id, "w") is None, scope
        assert await store.renew_lease(claimed[1]) is False, "what runs goes on"
        assert await give(browser, "/operators/pauses", scope=scope, resume="yes") == 303
        assert await store.find_next_task() == waiting.id
    for scope in ("installation:6", "repository:12"):
        await give(browser, "/operators/pauses", scope=scope)
        assert await store.find_next_task() == waiting.id, "others go on"
    assert await give(browser, "/operators/pauses", scope="all; drop") == 400
    page = (await browser.get("/operators")).text
    assert "pause: repository:12" in page and "resume: installation:5" in page


async def test_a_kill_stops_what_runs_and_says_why(app: Flask, hub: Hub, store: Store) -> None:
    running = await store.add_task(make_request(number=1))
    elsewhere = await store.add_task(make_request(number=1, repo=12))
    claimed, other = await store.claim(running.id, "w"), await store.claim(elsewhere.id, "w")
    assert claimed and other
    browser = Browser(app, hub)
    await browser.sign_in()
    given = {"scope": "repository:11", "running": "yes", "reason": "a key\nleaked"}
    assert await give(browser, "/operators/pauses", **given) == 303
    assert await store.renew_lease(claimed[1]) is True and await store.renew_lease(other[1]) is False
    now = await store.get_task(running.id)
    assert now and now.cancel_reason == "whoever runs this Hob stopped it: a key leaked"
    assert "kill: repository:11; runs stopped: 1" in (await browser.get("/operators")).text


async def test_flags_are_set_and_cleared_by_operators_alone(
    app: Flask, hub: Hub, store: Store, database: Database
) -> None:
    await store.add_task(make_request(number=1))
    operator, other = Browser(app, hub), Browser(app, hub)
    await operator.sign_in()
    await other.sign_in("stranger")
    at = "/operators/flags"
    given = {
        "flag": "turns",
        "value": "12",
        "audience": "repository:Octo/App",
        "percent": "10",
        "unit": "person",
    }
    assert (await other.post(at, {"token": await other.token("/")} | given)).status_code == 404
    assert (await operator.post(at, given)).status_code == 403, "no form of ours"
    assert await give(operator, at, **given) == 303
    page = (await operator.get("/operators")).text
    assert "<td>12</td><td>repository:11</td><td>10% by person</td>" in page
    assert "turns = 12 for repository:11, 10%" in page, "in the audit log"
    order = FlagOrder(flag="prompt", value="v2", unit="thread")
    async with database.engine.begin() as connection:
        await connection.run_sync(
            lambda sync: begin(sync, order, Actor(login="ann"), set(), steps="1,100", hours=1, margin=0.1)
        )
    assert "<td>1% by thread</td>" in (await operator.get("/operators")).text
    assert await give(operator, "/operators/releases", flag="prompt") == 303
    assert await give(operator, "/operators/releases", flag="prompt") == 400, "none goes on"
    wrong = (
        {"flag": "trun"}, {"value": "0"}, {"audience": "everybody"}, {"audience": "person:nobody"},
        {"percent": "101"}, {"unit": "moon"}, {"flag": "model", "value": "x:y"},
    )  # fmt: skip
    for change in wrong:
        assert await give(operator, at, **given | change) == 400, change
    assert await give(operator, at, flag="turns", audience="repository:11", clear="yes") == 303
    assert await give(operator, at, flag="turns", audience="repository:11", clear="yes") == 400
    assert "No flag is set." in (await operator.get("/operators")).text


async def test_a_failed_delivery_is_taken_up_anew(app: Flask, hub: Hub, store: Store) -> None:
    await add_delivery(store, GUID, "issues", b"{}", {})
    await store.finish_delivery(GUID, DeliveryState.FAILED, "it <b>broke</b>")
    browser = Browser(app, hub)
    await browser.sign_in()
    assert "it &lt;b&gt;broke" in (await browser.get("/operators")).text
    assert await give(browser, f"/operators/deliveries/{GUID}") == 303
    assert await store.list_failed_deliveries() == []
    assert await give(browser, f"/operators/deliveries/{GUID}") == 303
    page = (await browser.get("/operators")).text
    assert "to be handled again" in page and "none of this GUID has failed" in page


async def test_what_github_could_not_deliver_is_wanted_again(
    app: Flask, hub: Hub, store: Store, database: Database
) -> None:
    now = datetime.now(UTC)
    one = Undelivered(
        guid="one", event="issues", attempt=7, attempts=2, failed_at=now, why="502 <b>Bad Gateway"
    )
    await store.note_undelivered([one, replace(one, guid="two"), replace(one, guid="<i>three")])
    await add_delivery(store, "two", "issues", b"{}")  # it came meanwhile
    operator, other, path = Browser(app, hub), Browser(app, hub), "/operators/redeliveries"
    await operator.sign_in()
    await other.sign_in("stranger")
    page = (await operator.get("/operators")).text
    assert "&lt;i&gt;three" in page and "502 &lt;b&gt;Bad Gateway" in page and "<code>two</code>" not in page
    stolen = {"token": await other.token("/"), "guid": "one"}
    assert (await other.post(path, stolen)).status_code == 404
    assert (await operator.post(path, stolen)).status_code == 403, "no form of the operator's own page"
    assert (await operator.get(path)).status_code == 405
    assert await give(operator, path) == 400, "neither one nor all"
    assert await give(operator, path, guid="one") == 303 and await give(operator, path, guid="two") == 303
    (wish,) = await store.take_redelivery_wishes()
    assert (wish.guid, wish.attempt) == ("one", 7)
    assert await give(operator, path, all="yes") == 303
    assert {each.guid for each in await store.take_redelivery_wishes()} == {"one", "<i>three"}
    page = (await operator.get("/operators")).text
    for said in ("redeliver: one", "a worker asks GitHub for it", "redeliver: two", "redeliver: all"):
        assert said in page, said
    assert "nothing of that is undelivered, or it is asked for already" in page


async def test_on_this_machine_it_is_shown_and_nothing_is_done(database: Database) -> None:
    engine = engine_for(sqlalchemy_url(database.url))
    client = create_app(load(), engine).test_client()
    assert client.get("/operators").status_code == 200
    assert client.post("/operators/pauses", data={"scope": "all"}).status_code == 403
    engine.dispose()


@pytest.mark.parametrize("scope", ["", "All", "all\n", "installation:", "repository:-1", "repository:\u0661"])
def test_what_is_no_scope(scope: str) -> None:
    assert not is_scope(scope)


async def test_every_worker_is_shown_with_what_it_has_left(
    app: Flask, hub: Hub, store: Store, database: Database
) -> None:
    task = await store.add_task(make_request(number=5, installation=77))
    claimed = await store.claim(task.id, WORKER.worker)
    assert claimed
    await store.note_worker(replace(WORKER, memory_bytes=1))
    await store.note_worker(WORKER)
    await store.note_worker(replace(WORKER, worker="idle", free_bytes=0, limits={}))
    await store.release(claimed[1], TaskState.WAITING, reason="the day's budget is used", after=3600)
    turns = "INSERT INTO write_turns VALUES (77, now(), now(), now() + interval '9 minutes', ARRAY[now()])"
    async with database.engine.begin() as connection:
        await connection.execute(text(turns))
        await connection.execute(
            text("UPDATE workers SET seen_at = now() - interval '50 seconds' WHERE worker = 'idle'")
        )
    operator = Browser(app, hub)
    await operator.sign_in()
    page = (await operator.get("/operators")).text
    for said in (
        "box:&lt;b&gt;7&lt;/b&gt;:1</td><td>9.9.9</td><td>0 of 12</td><td>150.0 MiB</td><td>3.0 GiB</td>",
        "silent for ", "not measured yet",
        "<td>77</td><td>4321</td><td>4999</td><td>1</td>", "<td>the App itself</td><td>4998</td>",
        "the day&#39;s budget is used", "octo/app#5",
    ):  # fmt: skip
        assert said in page, said
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE workers SET seen_at = now() - interval '2 hours'"))
    await store.note_worker(WORKER)
    assert "idle" not in (await operator.get("/operators")).text, "who is long silent is forgotten"
    await store.forget_worker(WORKER.worker)
    assert "No worker says that it is there" in (await operator.get("/operators")).text


async def test_an_operator_blocks_and_unblocks_somebody(app: Flask, hub: Hub, store: Store) -> None:
    """The person's open tasks end, as with ``hob block``; each order stands in the audit log."""
    task = await store.add_task(make_request())
    operator, other = Browser(app, hub), Browser(app, hub)
    await operator.sign_in()
    await other.sign_in("stranger")
    token = await other.token("/")
    assert (await other.post("/operators/blocks", {"token": token, "who": "7"})).status_code == 404
    assert await give(operator, "/operators/blocks", who="@Alice", reason="floods") == 303
    (block,) = await store.list_blocks()
    assert (block.scope, block.person, block.by, block.reason) == ("all", 7, "maintainer", "floods")
    now = await store.get_task(task.id)
    assert now and now.state is TaskState.CANCELLED and "blocked by who runs this Hob" in now.reason
    page = (await operator.get("/safety")).text
    assert "<td>Alice (7)</td>" in page or "<td>alice (7)</td>" in page.lower()
    assert await give(operator, "/operators/blocks", who="nobody-here") == 400
    assert await give(operator, "/operators/blocks", who="alice", repository="octo/none") == 400
    assert await give(operator, "/operators/blocks", who="alice", repository="Octo/App") == 303
    assert [each.scope for each in await store.list_blocks()].count("repository:11") == 1
    assert await give(operator, "/operators/blocks", who="7", unblock="yes") == 303
    assert [each.scope for each in await store.list_blocks()] == ["repository:11"]
    page = (await operator.get("/operators")).text
    assert "7) unblocked" in page and "nobody called nobody-here" in page and "1 tasks stopped" in page
