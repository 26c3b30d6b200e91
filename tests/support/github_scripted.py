"""A GitHub at the world's edge: an aiohttp server that answers as scripted and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.github.app import GitHub, RepoApi

Reply = Callable[["Seen"], Any]
LONG_TOKEN = (
    "ghs_12345_" + "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJnaXRodWIifQ-x_y".ljust(250, "a") + "." + "b" * 250
)


def private_key() -> str:
    """An RSA key as GitHub hands one out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


KEY = private_key()


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float


@dataclass
class Script:
    """Replies by ``METHOD /path``, used up in order, the last one for ever."""

    url: str = ""
    replies: dict[str, list[Any]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    lifetime: timedelta = timedelta(hours=1)
    minted: int = 0
    fallback: Reply | None = None

    def on(self, route: str, *replies: Any) -> None:
        """A reply: (status, body, headers), a dict or list for 200, "reset", or a function of the request."""
        self.replies[route] = list(replies)

    def asked(self, route: str) -> list[Seen]:
        """What came in on a route."""
        method, path = route.split(" ", 1)
        return [one for one in self.seen if (one.method, one.path) == (method, path)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        seen = Seen(
            request.method,
            request.path,
            request.rel_url.raw_path,
            dict(request.query),
            {k.lower(): v for k, v in request.headers.items()},
            json.loads(raw) if raw else None,
            asyncio.get_running_loop().time(),
        )
        self.seen.append(seen)
        route = f"{seen.method} {seen.path}"
        if route not in self.replies and seen.path.endswith("/access_tokens"):
            return self._mint(seen)
        queue = self.replies.get(route) or ([self.fallback] if self.fallback else [])
        if not queue:
            return web.json_response({"message": "Not Found"}, status=404)
        reply = queue.pop(0) if len(queue) > 1 else queue[0]
        if callable(reply):
            reply = reply(seen)
        if asyncio.iscoroutine(reply):
            reply = await reply
        if isinstance(reply, web.StreamResponse):
            return reply
        if reply == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, body, headers = (*reply, {})[:3] if isinstance(reply, tuple) else (200, reply, {})
        return web.json_response(body, status=status, headers=headers)

    def _mint(self, seen: Seen) -> web.Response:
        self.minted += 1
        ends = datetime.now(UTC) + self.lifetime
        token = f"{LONG_TOKEN}-{self.minted}"
        made = {"token": token, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), **seen.body}
        return web.json_response(made, status=201)


AT = "2026-01-02T03:04:05Z"
STRANGER = {"id": 66, "login": "eve", "type": "User"}


def comment_json(number: int = 1, **more: Any) -> dict[str, Any]:
    """A comment as GitHub sends it, with the fields that Hob reads."""
    at = {"created_at": AT, "updated_at": AT}
    return {"id": number, "body": "x", "user": STRANGER, "html_url": f"https://gh/c/{number}", **at, **more}


def review_json(number: int = 1, **more: Any) -> dict[str, Any]:
    """A review as GitHub sends it, with the fields that Hob reads."""
    return {"id": number, "html_url": f"https://gh/r/{number}", "submitted_at": AT, **more}


def pull_json(
    number: int, state: str = "open", repo_id: int | None = 5, ref: str = "hob/3-x", **more: Any
) -> dict[str, Any]:
    """A pull request as GitHub sends it, with the fields that Hob reads."""
    here = {"id": 5, "full_name": "octo/demo", "clone_url": "https://gh/octo/demo.git"}
    home = None if repo_id is None else here | {"id": repo_id}
    return {
        "number": number,
        "state": state,
        "title": "Fix",
        "body": None,
        "user": STRANGER,
        "html_url": f"https://gh/pull/{number}",
        "labels": [],
        "head": {
            "label": f"octo:{ref}",
            "ref": ref,
            "sha": "b" * 40,
            "repo": home,
        },
        "base": {"label": "octo:main", "ref": "main", "sha": "a" * 40, "repo": here},
        **more,
    }


@asynccontextmanager
async def scripted() -> AsyncIterator[Script]:
    """A running script."""
    script = Script()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)  # an answer that is still held back is dropped
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield script
    finally:
        await runner.cleanup()


@asynccontextmanager
async def github(script: Script, **options: Any) -> AsyncIterator[GitHub]:
    """The app against a script, without the pauses of the public GitHub."""
    settings = {"write_spacing": 0, "backoff": 0.01, "timeout": 1.0, "settle": 0.0, **options}
    async with aiohttp.ClientSession() as session:
        yield GitHub(session, api_url=script.url, app_id=7, private_key=KEY, **settings)


async def read_issue(repo: RepoApi, number: int = 3) -> Any:
    """An issue as GitHub sends it: a plain read, for what is about reading itself."""
    return await repo.issues._get("/issues/{number}", number=number)
