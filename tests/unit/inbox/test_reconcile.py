"""Deliveries that failed are asked for again, and mentions that nobody delivered are found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text, update

from bot.domain import TaskKind
from bot.github.app import GitHub
from bot.inbox.decision import AppIdentity
from bot.inbox.delivery_context import OperatorConfig
from bot.inbox.intake import Intake
from bot.inbox.lost.reconcile import Reconciler
from bot.inbox.lost.redelivery_wishes import RedeliveryWishes
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import DeliveryState, workers
from bot.tasks.deliveries.undelivered import Undelivered
from bot.tasks.store import Store
from bot.tasks.workers.records import WorkerState
from localhub.auth import user_actor
from localhub.rest.accounts.apps import install
from localhub.rest.repos.repos import create_repository
from tests.support.flow import eventually
from tests.support.hub import Hub, Receiver, running_hub
from tests.support.tasks import add_delivery

ISSUES = "/repos/maintainer/demo/issues"
HOUR = 3600
WORKER = WorkerState(worker="", version="1", slots=1, memory_bytes=1, cache_bytes=1, free_bytes=1, limits={})


@dataclass
class World:
    """A hub whose webhooks go to a receiver, and the bot's own record of what came."""

    hub: Hub
    receiver: Receiver
    store: Store
    gh: GitHub
    identity: AppIdentity

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(self.store, self.gh, self.identity)

    async def take_in(self) -> None:
        """Store what the receiver got and was content with, as the web process does."""
        for one in self.receiver.arrived:
            guid = one.headers["X-GitHub-Delivery"]
            await add_delivery(self.store, guid, one.event, one.body, {})

    async def earlier(self, seconds: float) -> None:
        await self.hub.admin("clock", offset=-seconds)


@pytest.fixture
async def world(tmp_path: Path, store: Store) -> AsyncIterator[World]:
    async with (
        Receiver() as receiver,
        running_hub(tmp_path, receiver.url) as hub,
        aiohttp.ClientSession() as session,
    ):
        gh = GitHub(
            session,
            api_url=hub.api_url,
            app_id=hub.app_id,
            private_key=hub.private_key,
            write_spacing=0,
            backoff=0.01,
        )
        app = await gh.identify()
        identity = AppIdentity(id=app.id, slug=app.slug, bot_id=app.bot_id)
        await hub.seed_repo("demo", {"a.txt": "a\n"})
        await hub.idle()
        receiver.arrived.clear()
        yield World(hub, receiver, store, gh, identity)


async def test_s12_what_failed_while_away_is_delivered_once_more_each(world: World) -> None:
    hub = world.hub
    world.receiver.status = 503
    await world.earlier(6 * HOUR)
    for number in range(40):
        await hub.as_maintainer.post(ISSUES, {"title": f"Number {number}"})
    await hub.as_maintainer.post("/repos/maintainer/demo/labels", {"name": "x", "color": "ff0000"})
    await hub.idle()
    await world.earlier(0)
    world.receiver.status = 202
    world.receiver.arrived.clear()
    assert await world.reconciler.redeliver() == 40
    await hub.idle()
    guids = [one.headers["X-GitHub-Delivery"] for one in world.receiver.all("issues.opened")]
    assert len(guids) == len(set(guids)) == 40
    await world.take_in()
    assert await world.reconciler.redeliver() == 0


async def test_s12_one_that_fails_again_is_asked_for_ever_more_rarely(world: World) -> None:
    hub = world.hub
    world.receiver.status = 503
    await world.earlier(HOUR)
    await hub.as_maintainer.post(ISSUES, {"title": "Lost"})
    await hub.idle()
    await world.earlier(0)
    assert await world.reconciler.redeliver() == 1
    await hub.idle()
    assert await world.reconciler.redeliver() == 0, "the second attempt is new"
    world.receiver.status = 202
    await hub.idle()


async def test_s12_what_would_not_be_stored_is_not_asked_for(world: World, database: Database) -> None:
    hub = world.hub
    await world.earlier(HOUR)
    issue = await hub.as_maintainer.post(ISSUES, {"title": "One"})
    await hub.idle()
    await world.take_in()
    world.receiver.status = 503
    at = f"{ISSUES}/{issue['number']}/comments"
    bot = await hub.as_bot()
    said = await bot.post(at, {"body": "I am on it."})
    await bot.patch(f"/repos/maintainer/demo/issues/comments/{said['id']}", {"body": "Done."})
    await hub.as_maintainer.patch(f"{ISSUES}/{issue['number']}", {"state": "closed"})  # no rule is about it
    await hub.as_maintainer.post(at, {"body": "Thank you."})
    await hub.idle()
    await world.earlier(0)
    world.receiver.status = 202
    world.receiver.arrived.clear()
    reconciler = world.reconciler
    assert await reconciler.redeliver() == 1
    await hub.idle()
    (came,) = world.receiver.arrived
    assert came.payload["comment"]["body"] == "Thank you."
    assert len(await execute(database, "SELECT guid FROM undelivered")) == 1
    await world.take_in()
    assert await reconciler.redeliver() == 0
    assert await execute(database, "SELECT guid FROM undelivered") == []


async def test_what_operators_want_again_is_asked_for_at_once(world: World, database: Database) -> None:
    hub, store = world.hub, world.store
    world.receiver.status = 503
    for title in ("One", "Two"):
        await hub.as_maintainer.post(ISSUES, {"title": title})
    await hub.idle()
    assert await world.reconciler.redeliver() == 0, "they are too new to be asked for by themselves"
    await execute(database, ENTRY)
    assert len(await execute(database, "SELECT guid FROM undelivered WHERE why LIKE '503%'")) == 2
    wishes = RedeliveryWishes(store, world.gh)
    assert await wishes.fulfil() == 0
    await execute(database, "UPDATE undelivered SET wanted = 1 RETURNING guid")
    world.receiver.status = 202
    world.receiver.arrived.clear()
    assert await wishes.fulfil() == 2 and await wishes.fulfil() == 0
    await hub.idle()
    guids = {one.headers["X-GitHub-Delivery"] for one in world.receiver.all("issues.opened")}
    asked = await execute(database, "SELECT guid FROM undelivered WHERE asked_at > now() - interval '1 hour'")
    assert guids == {row.guid for row in asked} and len(guids) == 2
    assert (await execute(database, "SELECT outcome FROM audit"))[0].outcome == "GitHub delivers 2 again"
    await world.take_in()
    assert await world.reconciler.redeliver() == 0
    assert await execute(database, "SELECT guid FROM undelivered") == [], "they have arrived"


async def test_what_github_refuses_to_deliver_again_is_said(world: World, database: Database) -> None:
    gone = Undelivered(
        guid="gone", event="issues", attempt=999_999, attempts=1, failed_at=datetime.now(UTC), why=""
    )
    await world.store.note_undelivered([gone])
    await execute(database, ENTRY)
    await execute(database, "UPDATE undelivered SET wanted = 1 RETURNING guid")
    assert await RedeliveryWishes(world.store, world.gh).fulfil() == 1
    outcome = (await execute(database, "SELECT outcome FROM audit"))[0].outcome
    assert outcome.startswith("GitHub delivers 0 again; gone not: ") and "404" in outcome


ENTRY = """INSERT INTO audit (person, login, address, action)
VALUES (1, 'maintainer', '127.0.0.1', 'redeliver') RETURNING id"""


async def execute(database: Database, statement: str) -> list[Any]:
    """The rows that a statement gives."""
    async with database.engine.begin() as connection:
        return list(await connection.execute(text(statement)))


async def test_s13_a_mention_that_no_delivery_told_of_is_found_once(world: World) -> None:
    hub, store = world.hub, world.store
    await world.earlier(1800)
    issue = await hub.as_maintainer.post(ISSUES, {"title": "One", "body": "@hob please fix this"})
    at = f"{ISSUES}/{issue['number']}/comments"
    await hub.as_maintainer.post(at, {"body": "@hob stop"})
    await hub.idle()
    await world.take_in()  # these two came
    world.receiver.arrived.clear()
    other = await hub.as_maintainer.post(ISSUES, {"title": "Two, @hob"})
    lost = await hub.as_maintainer.post(at, {"body": "@hob do the other thing"})
    await hub.as_stranger.post(at, {"body": "@hob do mine"})
    edited = await hub.as_maintainer.post(at, {"body": "@hob this was edited"})
    await hub.as_maintainer.post(at, {"body": "nothing for hob, and `@hob x` is code"})
    await world.earlier(1790)
    await hub.as_maintainer.patch(f"{ISSUES}/comments/{edited['id']}", {"body": "@hob do as I say"})
    await world.earlier(0)
    await hub.as_maintainer.post(at, {"body": "@hob a moment ago"})
    await hub.idle()

    reconciler = world.reconciler
    assert await reconciler.sweep() == 3
    assert await reconciler.sweep() == 0
    assert await world.reconciler.sweep() == 0
    intake = Intake(store, world.gh, world.identity)
    ended: dict[str, Any] = {}
    for guid in (f"sweep-issues-{other['id']}", f"sweep-issue-comment-{lost['id']}"):
        await intake.take(guid)
        delivery = await store.get_delivery(guid)
        assert delivery is not None
        ended[guid] = delivery.state
    assert set(ended.values()) == {DeliveryState.HANDLED}
    requests = {task.request for task in await store.list_tasks()}
    assert requests == {"Two", "do the other thing"}


async def test_s13_a_review_that_no_delivery_told_of_is_found_once(world: World) -> None:
    hub, at = world.hub, "/repos/maintainer/demo/pulls"
    head = await hub.push_files("demo", {"b.txt": "b\n"}, branch="more")
    number = (await hub.as_maintainer.post(at, {"title": "More", "head": "more", "base": "main"}))["number"]
    await hub.idle()
    world.receiver.arrived.clear()
    await world.earlier(1800)
    for body in ("@hob what is b for?", "nothing for hob"):
        review = {"commit_id": head, "event": "COMMENT", "body": body}
        made = await hub.as_maintainer.post(f"{at}/{number}/reviews", review)
    await world.earlier(0)
    await hub.idle()
    assert await world.reconciler.sweep() == 1
    assert await world.reconciler.sweep() == 0
    guid = f"sweep-pull-request-review-{made['id'] - 1}"
    await Intake(world.store, world.gh, world.identity).take(guid)
    assert [task.request for task in await world.store.list_tasks()] == ["what is b for?"]


async def test_a_repository_that_cannot_be_read_stops_nothing(world: World) -> None:
    await world.hub.seed_repo("other", {"a.txt": "a\n"})
    await world.earlier(1800)
    await world.hub.as_maintainer.post("/repos/maintainer/other/issues", {"title": "@hob here too"})
    await world.hub.idle()
    await world.earlier(0)
    await world.hub.fault("status", "/repos/maintainer/demo/issues", status=403, body={"message": "no"})
    assert await world.reconciler.sweep() == 1


async def test_s13_it_looks_by_itself_until_it_is_stopped(world: World) -> None:
    await world.earlier(1800)
    issue = await world.hub.as_maintainer.post(ISSUES, {"title": "@hob do it"})
    await world.hub.idle()
    await world.earlier(0)
    await world.hub.fault("status", "/app/hook/deliveries", count=1, status=404, body={"message": "no"})
    stop = asyncio.Event()
    looking = asyncio.create_task(world.reconciler.run(stop, every=0.01))
    await eventually(lambda: world.store.get_delivery(f"sweep-issues-{issue['id']}"), "nobody looked")
    stop.set()
    await looking


async def test_s13_quiet_repositories_cost_one_request_together(world: World) -> None:
    hub = world.hub
    owner = hub.hub.state.require_account("maintainer")
    for number in range(60):
        create_repository(hub.hub, owner, f"quiet{number}")
    await world.earlier(1800)
    await hub.as_maintainer.post("/repos/maintainer/quiet7/issues", {"title": "@hob please fix this"})
    await world.earlier(0)
    await hub.idle()
    await hub.admin("requests", clear=True)
    reconciler = world.reconciler
    assert await reconciler.sweep() == 1
    asked = await list_paths(hub)
    assert {path.split("/")[4] for path in asked if path.startswith("/api/repos/")} == {"quiet7"}
    assert asked.count("/graphql") + asked.count("/api/graphql") == 2, "61 repositories, fifty at once"
    assert await reconciler.sweep() == 0
    assert len(await list_paths(hub)) <= 8


async def test_s13_one_of_the_workers_looks_and_another_once_it_is_gone(world: World) -> None:
    hub, store = world.hub, world.store
    names = ("a:1", "b:2", "c:3")
    one, two, three = (Reconciler(store, world.gh, world.identity, worker=name) for name in names)
    for name in names:
        await store.note_worker(replace(WORKER, worker=name))
    await hub.admin("requests", clear=True)
    assert await one.look()
    alone = len(await list_paths(hub))
    assert [await each.look() for each in (two, three)] == [False, False]
    assert alone and not await list_paths(hub), "requests do not grow with workers"
    await world.earlier(1800)
    issue = await hub.as_maintainer.post(ISSUES, {"title": "@hob please fix this"})
    await world.earlier(0)
    await hub.idle()
    silent = update(workers).where(workers.c.worker == names[0])
    async with store.engine.begin() as connection:  # it hangs: it says nothing any more
        await connection.execute(silent.values(seen_at=datetime.now(UTC) - timedelta(minutes=1)))
    assert [await each.look() for each in (three, two)] == [False, True]
    assert await store.get_delivery(f"sweep-issues-{issue['id']}") is not None
    await store.forget_worker(names[1])
    assert await three.look()


ASK = """query { repository(owner: "maintainer", name: "demo") {
  id discussionCategories(first: 1) { nodes { id } } } }"""
OPEN = "mutation($input: CreateDiscussionInput!) { createDiscussion(input: $input) { discussion { id } } }"
SAY = """mutation($input: AddDiscussionCommentInput!) {
  addDiscussionComment(input: $input) { comment { id } } }"""


async def discuss(hub: Hub) -> str:
    """A discussion with a question, a comment with none, and a reply with one; the discussion's id."""
    person = hub.as_maintainer
    repo = (await person.graphql(ASK))["repository"]
    wanted = {"repositoryId": repo["id"], "title": "Halves", "body": "@hob why is it rounded twice?"}
    wanted["categoryId"] = repo["discussionCategories"]["nodes"][0]["id"]
    made = (await person.graphql(OPEN, input=wanted))["createDiscussion"]["discussion"]["id"]
    said = await person.graphql(SAY, input={"discussionId": made, "body": "Nothing for hob."})
    above = said["addDiscussionComment"]["comment"]["id"]
    reply = {"discussionId": made, "replyToId": above, "body": "@hob and what of halves?"}
    await person.graphql(SAY, input=reply)
    return str(made)


async def test_s13_mentions_in_discussions_are_found_where_they_are_answered(world: World) -> None:
    hub, store = world.hub, world.store
    may = {"issues": "write", "pull_requests": "write", "contents": "write", "discussions": "write"}
    await hub.admin("installation", id=hub.installation_id, permissions=may | {"metadata": "read"})
    await world.earlier(1800)
    await discuss(hub)
    await world.earlier(0)
    await hub.idle()
    assert await world.reconciler.sweep() == 0, "nobody turned discussions on"
    reconciler = Reconciler(store, world.gh, world.identity, discussions=True)
    assert await reconciler.sweep() == 2
    assert await reconciler.sweep() == 0
    intake = Intake(store, world.gh, world.identity, OperatorConfig(discussions=True))
    for table, event in (("discussions", "discussion"), ("discussion_comments", "discussion-comment")):
        row = hub.hub.state.one(f"SELECT * FROM {table} ORDER BY id DESC")
        await intake.take(f"sweep-{event}-{row['id']}")
        delivery = await store.get_delivery(f"sweep-{event}-{row['id']}")
        assert delivery is not None and delivery.state is DeliveryState.HANDLED
    (task,) = await store.list_tasks()
    assert (task.kind, task.request) == (TaskKind.ANSWER, "why is it rounded twice?")
    assert delivery.reason == f"steers task {task.id}", "the reply is on the same thread"


async def test_s13_without_the_permission_discussions_stop_nothing(world: World) -> None:
    await world.earlier(1800)
    await discuss(world.hub)
    await world.hub.as_maintainer.post(ISSUES, {"title": "@hob here too"})
    await world.earlier(0)
    await world.hub.idle()
    reconciler = Reconciler(world.store, world.gh, world.identity, discussions=True)
    assert await reconciler.sweep() == 1


REFUSED = {"type": "FORBIDDEN", "path": ["nodes", 0], "message": "Resource not accessible by integration"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, {"message": "no"}),
        (200, {"data": {"nodes": [None]}, "errors": [REFUSED]}),
        (200, {"data": None, "errors": [REFUSED]}),
        (200, {"data": {"nodes": []}}),
    ],
    ids=["away", "one is not shown", "none is shown", "fewer than asked for"],
)
async def test_s13_what_graphql_does_not_tell_of_is_looked_through(
    world: World, status: int, body: dict[str, Any]
) -> None:
    await world.earlier(1800)
    await world.hub.as_maintainer.post(ISSUES, {"title": "@hob here"})
    await world.earlier(0)
    await world.hub.fault("status", "/graphql", count=9, status=status, body=body)
    assert await world.reconciler.sweep() == 1


async def test_s13_what_is_too_much_for_one_sweep_is_found_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.inbox.lost.sweep.MOST_REQUESTS", 3)
    hub = world.hub
    for name in ("second", "third"):
        create_repository(hub.hub, hub.hub.state.require_account("maintainer"), name)
    reconciler, found = world.reconciler, []
    await world.earlier(1800)
    for name in ("demo", "second", "third"):
        await hub.as_maintainer.post(f"/repos/maintainer/{name}/issues", {"title": "@hob please fix this"})
    await world.earlier(0)
    # one that cannot be read takes its turn like the others, and not each time the first one
    await hub.fault("status", "/maintainer/second/issues", count=9, status=403, body={"message": "no"})
    for _ in range(3):
        found.append(await reconciler.sweep())
    assert sorted(found) == [0, 1, 1]
    await hub.admin("clear")
    assert sum([await reconciler.sweep() for _ in range(3)]) == 1


async def test_s13_an_installation_that_cannot_be_read_stops_no_other(world: World) -> None:
    hub = world.hub
    await hub.admin("user", login="acme", organization=True)
    owner = hub.hub.state.require_account("acme")
    create_repository(hub.hub, owner, "theirs")
    installed = install(
        hub.hub, user_actor(hub.hub.state.require_account("maintainer")), hub.hub.state.app(hub.app_id), owner
    )
    await world.earlier(1800)
    await hub.as_maintainer.post("/repos/acme/theirs/issues", {"title": "@hob there"})
    await hub.as_maintainer.post(ISSUES, {"title": "@hob here"})
    await world.earlier(0)
    broken = min(hub.installation_id, installed["id"])
    tokens = f"/app/installations/{broken}/access_tokens"
    await hub.fault("status", tokens, status=403, body={"message": "no"})
    assert await world.reconciler.sweep() == 1


async def list_paths(hub: Hub) -> list[str]:
    return [one["path"] for one in await hub.admin("requests", clear=True)]
