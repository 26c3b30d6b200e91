"""The API: what a token shows, for how long and how often; every field stands in the documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from bot.dashboard.access import tokens
from bot.dashboard.api.answers import ANSWERS
from bot.domain import Outcome, OutcomeKind, Proof, TaskState, Usage
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support import ROOT
from tests.support.dashboard import Browser, open_dashboard
from tests.support.hub import Hub, running_hub
from tests.support.tasks import make_request


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as hub:
        yield hub


@pytest.fixture
async def app(database: Database, hub: Hub) -> AsyncIterator[Flask]:
    async with open_dashboard(database, hub) as app:
        yield app


async def add_task(store: Store, repo: int, words: str) -> tuple[int, int]:
    task = await store.add_task(make_request(repo=repo, request=words))
    claimed = await store.claim(task.id, "w")
    assert claimed
    attempt = await store.begin_attempt(claimed[1], model="test:small")
    total = {"turns": 1, "input_tokens": 1, "output_tokens": 1, "usd": 0.5}
    record = {"seq": 0, "model": "m", "text": "x", "calls": [], "total": total, "messages": ["none of it"]}
    await store.add_turn(claimed[1], attempt.id, 0, record)
    made: dict[str, Any] = {"outcome": Outcome(kind=OutcomeKind.CHANGED, summary="s"), "proof": Proof()}
    await store.finish_run(claimed[1], usage=Usage(turns=1, usd=0.5), diff="d", **made)
    await store.release(claimed[1], TaskState.DONE)
    return task.id, claimed[1].id


async def make_token(browser: Browser) -> str:
    page = await browser.post("/tokens", {"token": await browser.token("/tokens"), "name": "=figures <b>"})
    assert page.status_code == 201 and "=figures &lt;b&gt;" in page.text
    return page.text.partition("<code>hob_")[2].partition("</code>")[0].join(("hob_", ""))


async def ask(app: Flask, hub: Hub, token: str, path: str) -> Any:
    """What a program without cookies gets."""
    return await Browser(app, hub).get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


async def test_a_token_shows_what_its_person_may_see_and_nothing_is_done_by_it(
    app: Flask, hub: Hub, store: Store, database: Database
) -> None:
    repos = [
        await hub.as_maintainer.post("/user/repos", {"name": name, "private": True}) for name in ("a", "b")
    ]
    task, run = await add_task(store, repos[0]["id"], "mend it")
    maintainer, stranger = Browser(app, hub), Browser(app, hub)
    await maintainer.sign_in()
    await stranger.sign_in("stranger")
    token, other = await make_token(maintainer), await make_token(stranger)
    (listed,) = (await ask(app, hub, token, "/tasks?words=mend")).json["tasks"]
    assert (listed["id"], listed["run"], listed["usd"], listed["model"]) == (task, run, 0.5, "test:small")
    whole = (await ask(app, hub, token, f"/tasks/{task}")).json
    assert {**listed, "runs": [run], "attempts": whole["attempts"]} == whole and len(whole["attempts"]) == 1
    assert (await ask(app, hub, token, f"/runs/{run}")).json["diff"] == "d"
    turns = (await ask(app, hub, token, f"/runs/{run}/turns")).json
    assert turns["after"] == 0 and "messages" not in turns["turns"][0]
    assert (await ask(app, hub, token, f"/runs/{run}/turns?after=0")).json == {"turns": [], "after": None}
    (figures,) = (await ask(app, hub, token, "/figures?by=kind")).json["groups"]
    assert figures["tasks"] == 1 and figures["usd"] == 0.5
    assert set((await ask(app, hub, token, "/schema.json")).json) == {each.__name__ for each in ANSWERS}
    assert (await ask(app, hub, other, "/tasks")).json["tasks"] == []
    for path in (f"/tasks/{task}", f"/runs/{run}", f"/runs/{run}/turns", "/tasks/99999", "/nothing"):
        answer = await ask(app, hub, other, path)
        assert answer.status_code == 404 and set(answer.json) == {"error"}, path

    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/", f"/runs/{run}", "/tokens", "/figures.csv"):
        assert (await Browser(app, hub).get(path, headers=headers)).status_code == 302, "for the API alone"
    refused = await Browser(app, hub).post(f"/tasks/{task}/orders", {"order": "stop"}, headers=headers)
    assert refused.status_code == 401
    for wrong in ("", "hob_", token[:-1] + "~", token.replace("hob_", "HOB_"), "x" * 5000):
        answer = await ask(app, hub, wrong, "/tasks")
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"], wrong
    async with database.engine.connect() as connection:
        kept = str((await connection.execute(text("SELECT * FROM api_tokens"))).all())
    assert token not in kept and token.removeprefix("hob_") not in kept


async def test_a_token_ends_when_it_is_revoked_or_github_says_so(
    app: Flask, hub: Hub, store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(app, hub)
    await browser.sign_in()
    token, lasting = await make_token(browser), await make_token(browser)
    other = Browser(app, hub)
    await other.sign_in("stranger")
    form = {"token": await other.token("/tokens")}
    assert (await other.post("/tokens/1/revoke", form)).status_code == 404, "somebody else's"
    assert (await browser.post("/tokens/1/revoke", {"token": "x"})).status_code == 403
    form = {"token": await browser.token("/tokens")}
    assert (await browser.post("/tokens/1/revoke", form)).status_code == 303
    assert (await ask(app, hub, token, "/tasks")).status_code == 401
    assert (await ask(app, hub, lasting, "/tasks")).status_code == 200
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    assert (await browser.post("/tokens", {**form, "name": "more"})).status_code == 400

    await hub.admin("clock", offset=9 * 3600)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE api_tokens SET access_at = now() - interval '6 minutes'"))
    assert (await ask(app, hub, lasting, "/tasks")).status_code == 401
    async with database.engine.connect() as connection:
        left = await connection.scalar(text("SELECT count(*) FROM api_tokens WHERE login = 'maintainer'"))
    assert left == 0


async def test_a_token_may_be_used_so_often(app: Flask, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "REQUESTS", 2)
    browser = Browser(app, hub)
    await browser.sign_in()
    one, two = await make_token(browser), await make_token(browser)
    assert [(await ask(app, hub, one, "/figures")).status_code for _ in range(3)] == [200, 200, 429]
    answer = await ask(app, hub, one, "/figures")
    assert 0 < int(answer.headers["Retry-After"]) <= 30
    assert (await ask(app, hub, two, "/figures")).status_code == 200


def test_every_field_stands_in_the_documentation() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    for answer in ANSWERS:
        heading = f"\n### {answer.__name__}\n"
        assert heading in page, answer.__name__
        part = page.partition(heading)[2].partition("\n### ")[0]
        rows = [line for line in part.splitlines() if line.startswith("| `")]
        own = [
            f"| `{name}` | {field.description} |"
            for name, field in answer.model_fields.items()
            if not any(name in getattr(base, "model_fields", ()) for base in answer.__mro__[1:])
        ]
        assert rows == own, answer.__name__
