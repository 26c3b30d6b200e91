"""The dashboard with a sign-in against the local GitHub, and people who sign in there."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.dashboard import create_app
from bot.dashboard.server import engine_for
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from tests.support.hub import Hub

COUNTING = re.compile(r"Being (?:counted|searched for)\.")
BASE = "http://127.0.0.1:8001"


class Browser:
    """One person's browser on the dashboard; its calls leave the event loop to the local GitHub."""

    def __init__(self, app: Flask, hub: Hub) -> None:
        self.client: FlaskClient = app.test_client()
        self._hub = hub

    async def get(self, path: str, **more: Any) -> TestResponse:
        """GET, redirects not followed."""
        headers = {"Accept": "text/html"} | more.pop("headers", {})
        return await asyncio.to_thread(self.client.get, path, base_url=BASE, headers=headers, **more)

    async def post(self, path: str, form: dict[str, str] | None = None, **more: Any) -> TestResponse:
        """POST of a form as it is given."""
        return await asyncio.to_thread(self.client.post, path, data=form or {}, base_url=BASE, **more)

    async def token(self, path: str = "/") -> str:
        """The token in the forms of a page."""
        page = (await self.get(path)).text
        found = re.search(r'name="token" value="(\w+)"', page)
        assert found, page
        return found[1]

    async def go_to_github(self, person: str, target: str = "/") -> str:
        """Begin to sign in and agree on GitHub; the path by which the browser comes back."""
        begun = await self.get("/sign-in/github", query_string={"target": target})
        return await agree(self._hub, begun.headers["Location"], person)

    async def sign_in(self, person: str = "maintainer", target: str = "/") -> TestResponse:
        """The whole way; the answer that ends it."""
        return await self.get(await self.go_to_github(person, target))


def read_page(path: str, database: Database) -> str:
    """A page as an operator sees it, once what it shows is counted; this blocks."""
    engine = engine_for(sqlalchemy_url(database.url))
    try:
        client = create_app(load(), engine).test_client()
        while COUNTING.search(page := client.get(path).text):
            time.sleep(0.05)  # as the page asks again by itself
        return page
    finally:
        engine.dispose()


async def agree(hub: Hub, address: str, person: str) -> str:
    """Agree on GitHub's page as a person; the path and query that the browser is sent back to."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(address) as page:
            text = await page.text()
        token = re.search(r'name="token" value="(\w+)"', text)
        assert page.status == 200 and token, text
        form = dict(parse_qsl(urlsplit(address).query)) | {
            "token": token[1],
            "person": person,
            "answer": "yes",
        }
        at = f"{hub.web_url}/login/oauth/authorize"
        async with browser.post(at, data=form, allow_redirects=False) as back:
            return back.headers["Location"].removeprefix(BASE)


@asynccontextmanager
async def open_dashboard(database: Database, hub: Hub, **settings: Any) -> AsyncIterator[Flask]:
    """The application over a database, with the local GitHub's App to sign in with."""
    base = settings.pop("base_url", BASE)
    facts = await hub.admin("sign_in", callback=f"{base}/sign-in/back")
    engine = engine_for(sqlalchemy_url(database.url))
    given = {"base_url": base, "github_url": hub.api_url, **facts, **settings}
    yield create_app(load(**given), engine)
    engine.dispose()
