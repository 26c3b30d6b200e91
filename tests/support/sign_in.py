"""A person signs in with the App on the local GitHub, as a browser and the App do it together."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from tests.support.hub import Hub

BACK = "http://127.0.0.1:9/sign-in/back"
VERIFIER = "v" * 50


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
    """What GitHub answers to the App that shows the code: the person's token."""
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
