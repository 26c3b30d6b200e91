"""A person signs in with an App: consent, the code, the token, and how far it reaches."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from tests.support.hub import Hub, running_hub

BACK = "http://127.0.0.1:9/sign-in/back"
VERIFIER = "v" * 50


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as hub:
        yield hub


async def consent(
    hub: Hub, *, person: str = "maintainer", answer: str = "yes", **asked: str
) -> dict[str, str]:
    """What the browser carries back to the App, or the page that it saw instead."""
    facts = await hub.admin("sign_in", callback=BACK)
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    query = {
        "client_id": facts["client_id"], "redirect_uri": BACK, "state": "s3", "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
    } | asked  # fmt: skip
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(f"{hub.web_url}/login/oauth/authorize?{urlencode(query)}") as page:
            text = await page.text()
            if page.status != 200:
                return {"status": str(page.status), "page": text}
            assert "form-action 'self' http://127.0.0.1:9;" in page.headers["Content-Security-Policy"]
        token = re.search(r'name="token" value="(\w+)"', text)
        assert token
        form = query | {"token": token[1], "person": person, "answer": answer}
        at = f"{hub.web_url}/login/oauth/authorize"
        async with browser.post(at, data=form, allow_redirects=False) as back:
            assert back.status == 302
            address = back.headers["Location"]
    assert address.startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def exchange(hub: Hub, code: str, **more: str) -> dict[str, Any]:
    facts = await hub.admin("sign_in", callback=BACK)
    form = facts | {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER} | more
    headers = {"Accept": "application/json"}
    async with (
        aiohttp.ClientSession() as app,
        app.post(f"{hub.web_url}/login/oauth/access_token", data=form, headers=headers) as answer,
    ):
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def test_a_person_signs_in_and_reaches_what_they_may(hub: Hub) -> None:
    await hub.seed_repo("open", {"a.py": ""})
    await hub.as_maintainer.post("/user/repos", {"name": "closed", "private": True})
    back = await consent(hub)
    assert back["state"] == "s3"
    told = await exchange(hub, back["code"])
    assert told["access_token"].startswith("ghu_") and told["token_type"] == "bearer"
    me = hub.client(told["access_token"])
    assert (await me.get("/user"))["login"] == "maintainer"
    first, *_ = (await me.get("/user/installations"))["installations"]
    reached = await me.get(f"/user/installations/{first['id']}/repositories")
    assert [each["name"] for each in reached["repositories"]] == ["open", "closed"]
    assert reached["repositories"][0]["permissions"]["push"] is True
    opened = await hub.as_maintainer.post("/repos/maintainer/open/issues", {"title": "one"})
    said = await me.post(f"/repos/maintainer/open/issues/{opened['number']}/comments", {"body": "@hob help"})
    assert said["user"]["login"] == "maintainer"
    assert said["performed_via_github_app"]["id"] == hub.app_id


async def test_a_stranger_reaches_nothing(hub: Hub) -> None:
    await hub.seed_repo("open", {"a.py": ""})
    told = await exchange(hub, (await consent(hub, person="stranger"))["code"])
    them = hub.client(told["access_token"])
    assert (await them.get("/user/installations"))["installations"] == []
    path = f"/user/installations/{hub.installation_id}/repositories"
    assert (await them.get(path))["repositories"] == []


async def test_a_token_reaches_no_further_than_its_app(hub: Hub) -> None:
    await hub.as_maintainer.post("/user/repos", {"name": "closed", "private": True})
    repo = await hub.as_maintainer.post("/user/repos", {"name": "other", "private": True})
    me = hub.client((await exchange(hub, (await consent(hub))["code"]))["access_token"])
    await hub.admin("installation", id=hub.installation_id, repositories=[repo["id"]])
    assert (await me.send("GET", "/repos/maintainer/other")).status == 200
    assert (await me.send("GET", "/repos/maintainer/closed")).status == 404
    assert (await hub.client("ghu_none").send("GET", "/user")).status == 401


async def test_s80_codes_are_good_once_and_for_their_verifier(hub: Hub) -> None:
    code = (await consent(hub))["code"]
    assert "access_token" in await exchange(hub, code)
    for wrong in (
        await exchange(hub, code),
        await exchange(hub, (await consent(hub))["code"], code_verifier="w" * 50),
        await exchange(hub, "0" * 20),
    ):
        assert wrong["error"] == "bad_verification_code"
    late = (await consent(hub))["code"]
    await hub.admin("clock", offset=601)
    assert (await exchange(hub, late))["error"] == "bad_verification_code"
    assert (await exchange(hub, "x", client_secret="y"))["error"] == "incorrect_client_credentials"


async def test_s80_nobody_is_sent_where_the_app_does_not_live(hub: Hub) -> None:
    for elsewhere in ("http://evil.example/back", f"{BACK}/../x", "http://127.0.0.1:9/other", ""):
        assert (await consent(hub, redirect_uri=elsewhere))["status"] == "404"
    assert (await consent(hub, answer="no"))["error"] == "access_denied"
