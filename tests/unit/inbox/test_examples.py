"""Every example payload that is published for GitHub's webhooks: read without an exception, acted on only
where somebody asks.
"""

from __future__ import annotations

import asyncio
import copy
import json
import lzma
from functools import cache
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlalchemy import text

from bot.domain import Refusal, Request
from bot.inbox.decision import (
    AppIdentity,
    CheckFailed,
    Command,
    Decision,
    Ignored,
    PullEnded,
    ReposAdded,
    ReposRemoved,
    ThreadGone,
    Uninstalled,
)
from bot.inbox.payload import parse
from bot.inbox.routes import ROUTES, decide
from bot.tasks.database.tables import DeliveryState
from tests.support import DATA
from tests.unit.inbox.test_intake import Scene, scene  # noqa: F401 - the fixture
from tests.unit.inbox.test_webhook import headers, post, serving

HOB = AppIdentity(id=7, slug="hob", bot_id=900)
WORDS = {
    "issues": "issue",
    "issue_comment": "comment",
    "pull_request": "pull_request",
    "pull_request_review": "review",
    "pull_request_review_comment": "comment",
}
ASKING = {
    ("issues", "opened"),
    ("issue_comment", "created"),
    ("pull_request", "opened"),
    ("pull_request_review", "submitted"),
    ("pull_request_review_comment", "created"),
}


@cache
def examples() -> dict[str, list[dict[str, Any]]]:
    packed = (DATA / "github" / "examples.json.xz").read_bytes()
    read: dict[str, list[dict[str, Any]]] = json.loads(lzma.decompress(packed))
    return read


def decided(name: str, payload: dict[str, Any], *, label: str = "hob") -> Decision:
    event = parse("72d3162e-cc78-11e3-81ab-4c9367dc0958", name, json.dumps(payload).encode())
    return decide(event, app=HOB, label=label)


def person(payload: dict[str, Any], where: str, words: str) -> dict[str, Any]:
    """The payload as if a person had written these words there."""
    changed = copy.deepcopy(payload)
    who = {"login": "alice", "id": 21, "type": "User"}
    changed["sender"] = who
    changed[where] |= {"body": words, "user": who, "performed_via_github_app": None}
    return changed


# The events that name repositories which the app was given.
GIVEN = (("installation", "created"), ("installation_repositories", "added"))


@pytest.mark.parametrize("name", sorted(examples()))
def test_every_example_is_read_and_asks_for_nothing(name: str) -> None:
    for payload in examples()[name]:
        decision = decided(name, payload)
        gone = (payload.get("action") in ("deleted", "suspend")) and name == "installation"
        given = (name, payload.get("action")) in GIVEN and not isinstance(decision, Ignored)
        if name in ("issues", "discussion") and payload.get("action") in ("deleted", "transferred"):
            assert isinstance(decision, ThreadGone)
            continue
        if name == "installation_repositories" and payload.get("action") == "removed":
            assert isinstance(decision, ReposRemoved) or not payload["repositories_removed"]
            continue
        if name == "pull_request" and payload.get("action") == "closed":
            assert isinstance(decision, PullEnded | Ignored)  # whether it was Hob's is for the store to say
            continue
        nothing = Ignored | CheckFailed  # whose branch a failing check is on is for the store to say
        wanted = Uninstalled if gone else ReposAdded if given and name != "check_run" else nothing
        assert isinstance(decision, wanted), (payload.get("action"), decision)


@pytest.mark.parametrize("name", sorted(WORDS))
def test_only_those_that_begin_with_a_mention_ask(name: str) -> None:
    seen = set()
    for payload in examples()[name]:
        action = payload.get("action", "")
        decision = decided(name, person(payload, WORDS[name], "@hob please fix this"))
        asks = isinstance(decision, Request | Refusal)
        added = action == "edited" and "body" in payload["changes"]  # the mention was not there before
        assert asks == ((name, action) in ASKING or added), (action, decision)
        if asks and not added:
            seen.add((name, action))
            stopped = decided(name, person(payload, WORDS[name], "@hob stop"))
            assert isinstance(stopped, Command)
            assert isinstance(decided(name, person(payload, WORDS[name], "`@hob fix`")), Ignored)
    assert seen == {one for one in ASKING if one[0] == name}


def test_a_label_and_a_failing_check_ask() -> None:
    labels = [one for one in examples()["issues"] if one["action"] == "labeled" and one.get("label")]
    assert labels
    for payload in labels:
        assert isinstance(decided("issues", payload, label=payload["label"]["name"]), Request)
    checks = [one for one in examples()["check_run"] if one["action"] == "completed"]
    assert checks
    for payload in checks:
        failing = copy.deepcopy(payload)
        failing["check_run"]["conclusion"] = "failure"
        failing["check_run"]["check_suite"]["head_branch"] = "hob/3-x"
        assert isinstance(decided("check_run", failing), CheckFailed)


def test_the_examples_know_every_event_that_is_acted_on() -> None:
    assert {name for name, _ in ROUTES} <= set(examples())


async def test_every_example_goes_through_the_webhook_and_the_inbox_and_makes_no_task(scene: Scene) -> None:  # noqa: F811
    taken = {
        f"{name.replace('_', '-')}-{number}": (name, json.dumps(payload).encode())
        for name, payloads in examples().items()
        for number, payload in enumerate(payloads)
    }
    async with serving(scene.store, known=frozenset(examples())) as url, ClientSession() as http:
        turn = asyncio.Semaphore(1)  # a busy machine's database is asked one by one

        async def arrives(guid: str, name: str, body: bytes) -> None:
            async with turn:
                status, answer = await post(http, url, body, headers(body, guid=guid, event=name))
                assert (status, answer.get("status")) == (202, "stored"), (guid, answer)
                await scene.intake.take(guid)

        await asyncio.gather(*(arrives(guid, *sent) for guid, sent in taken.items()))
    async with scene.store.engine.connect() as connection:
        rows = await connection.execute(text("SELECT state, reason FROM deliveries"))
        ended = [(DeliveryState(state), reason) for state, reason in rows]
    assert len(ended) == sum(map(len, examples().values()))
    assert {state for state, _ in ended} <= {DeliveryState.IGNORED, DeliveryState.HANDLED}, ended
    told = [reason for state, reason in ended if state is DeliveryState.HANDLED]
    harmless = ("0 tasks cancelled", "0 labels made")
    assert all(any(words in reason for words in harmless) for reason in told), told
    assert await scene.tasks() == [] and scene.wrote() == []
