"""Tokens: one repository each, the fewest permissions, shared mints, renewal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml

from bot.errors import UserError
from bot.github.cli.manifest import read_manifest
from bot.github.http.responses import Forbidden, NotFound
from bot.github.http.scope import Purpose, Scope
from tests.support.github_scripted import LONG_TOKEN, Script, Seen, github, read_issue, scripted

ISSUE = "GET /repos/octo/demo/issues/3"
MINT = "POST /app/installations/11/access_tokens"


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted() as running:
        running.on(ISSUE, {"number": 3})
        yield running


async def test_a_token_reaches_one_repository_with_the_purposes_permissions(script: Script) -> None:
    heard: list[str] = []
    async with github(script, on_token=heard.append) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        await read_issue(repo)
        fetch, again = await repo.token(), await repo.token()
        assert script.minted == 2  # nothing that may push was minted so far
        publish = await repo.token(Purpose.PUBLISH)
    bodies = [one.body for one in script.asked(MINT)]
    assert [body["repository_ids"] for body in bodies] == [[5], [5], [5]]
    writes = [{k for k, v in body["permissions"].items() if v == "write"} for body in bodies]
    assert writes == [{"checks", "issues", "pull_requests"}, set(), {"contents"}]
    assert fetch == again != publish
    assert heard == [f"{LONG_TOKEN}-{n}" for n in (1, 2, 3)]


def test_no_purpose_asks_for_more_than_the_manifest() -> None:
    ranks = ["read", "write"]
    optional = {Purpose.READ_LOGS, Purpose.DISCUSS, Purpose.LOOK_AT_DISCUSSIONS}
    for purpose in set(Purpose) - optional:
        for name, access in purpose.value:
            assert ranks.index(access) <= ranks.index(read_manifest()["default_permissions"][name])


OF_ALL = {Purpose.IDENTIFY, Purpose.LOOK, Purpose.LOOK_AT_DISCUSSIONS}


@pytest.mark.parametrize("purpose", sorted(set(Purpose) - OF_ALL, key=str))
def test_a_token_without_a_repository_cannot_be_asked_for(purpose: Purpose) -> None:
    with pytest.raises(ValueError, match="one repository"):
        Scope(installation=11, repo=0, purpose=purpose)


async def test_concurrent_callers_share_one_mint(script: Script) -> None:
    async with github(script) as app:
        repos = [app.for_repo(11, 5, "octo", "demo") for _ in range(20)]
        await asyncio.gather(*(read_issue(repo) for repo in repos))
    assert script.minted == 1


async def test_a_cancelled_caller_does_not_take_the_mint_with_it(script: Script) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(seen: Seen) -> Any:
        asked.set()
        await go.wait()
        return script._mint(seen)

    script.on(MINT, slow)
    async with github(script) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        first, second = asyncio.create_task(repo.token()), asyncio.create_task(repo.token())
        await asked.wait()
        first.cancel()
        go.set()
        assert await second == f"{LONG_TOKEN}-1"
        with pytest.raises(asyncio.CancelledError):
            await first
    assert script.minted == 1


async def test_a_token_is_renewed_five_minutes_early(script: Script) -> None:
    async with github(script) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        script.lifetime = timedelta(minutes=4, seconds=50)
        await repo.token()
        script.lifetime = timedelta(minutes=6)
        second, third = await repo.token(), await repo.token()
    assert second == third == f"{LONG_TOKEN}-2"


async def test_s33_a_401_is_answered_with_one_new_token(script: Script) -> None:
    script.on(ISSUE, (401, {"message": "Bad credentials"}), {"number": 3})
    async with github(script) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        assert await read_issue(repo) == {"number": 3}
        used = [one.headers["authorization"] for one in script.asked(ISSUE)]
        assert used == [f"Bearer {LONG_TOKEN}-1", f"Bearer {LONG_TOKEN}-2"]
        script.on(ISSUE, (401, {"message": "Bad credentials"}))
        with pytest.raises(Forbidden, match="HOB_PRIVATE_KEY"):
            await read_issue(repo)
    assert script.minted == 3


async def test_git_may_say_that_a_token_was_refused(script: Script) -> None:
    async with github(script) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        first = await repo.token(Purpose.PUBLISH)
        second = await repo.token(Purpose.PUBLISH, rejected=first)
        assert await repo.token(Purpose.PUBLISH, rejected=first) == second != first


async def test_s33_an_uninstalled_app_says_so(script: Script) -> None:
    script.on(MINT, (404, {"message": "Not Found"}))
    async with github(script) as app:
        with pytest.raises(NotFound, match="Install it again"):
            await read_issue(app.for_repo(11, 5, "octo", "demo"))


async def test_s33_a_permission_not_yet_accepted_is_named(script: Script) -> None:
    said = "The permissions requested are not granted to this installation."
    script.on(MINT, (422, {"message": said}))
    async with github(script) as app:
        with pytest.raises(UserError, match="checks: write") as refused:
            await read_issue(app.for_repo(11, 5, "octo", "demo"))
    assert "accept it for the installation" in refused.value.message


async def test_minting_is_repeated_after_an_outage_and_failures_are_not_kept(script: Script) -> None:
    script.on(MINT, (502, {}), lambda seen: script._mint(seen))
    async with github(script) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        assert await repo.token() == f"{LONG_TOKEN}-1"
        script.on(MINT, (403, {"message": "This installation has been suspended"}))
        with pytest.raises(Forbidden, match="suspended"):
            await read_issue(repo)
        del script.replies[MINT]
        assert await read_issue(repo) == {"number": 3}


async def test_an_installation_that_is_gone_is_forgotten(script: Script) -> None:
    async with github(script) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        await repo.token()
        app.forget_installation(11)
        await repo.token()
    assert script.minted == 2


def test_the_manifest_asks_for_the_fewest_permissions() -> None:
    asked = read_manifest()["default_permissions"]
    assert set(asked) == {"metadata", "contents", "issues", "pull_requests", "checks"}
    assert asked["metadata"] == "read"
    assert yaml.safe_load(Path("app.yml").read_text("utf-8")) == read_manifest()


@pytest.mark.parametrize("ahead", [600, -600, 3600, -3600])
async def test_s25_a_wrong_clock_here_costs_one_refusal_and_no_minting(script: Script, ahead: int) -> None:
    """GitHub judges JWTs by its own clock, and dates the end of its tokens by it."""
    seen: list[str] = []

    def mint(request: Seen) -> Any:
        now = time.time() + ahead
        claims = jwt.decode(
            request.headers["authorization"].removeprefix("Bearer "), options={"verify_signature": False}
        )
        date = {"date": formatdate(now, usegmt=True)}
        if not claims["iat"] <= now < claims["exp"] <= now + 600:
            seen.append("refused")
            return 401, {"message": "'Expiration time' claim ('exp') is too far in the future"}, date
        seen.append("minted")
        ends = datetime.fromtimestamp(now + 3600, UTC).isoformat()
        return 201, {"token": LONG_TOKEN, "expires_at": ends, **request.body}, date

    script.on(MINT, mint)
    async with github(script) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        for _ in range(3):
            assert await repo.token() == LONG_TOKEN
    assert seen == ["refused", "minted"]
