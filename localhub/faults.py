"""Rules that make requests fail the way GitHub and networks do, and the record of all requests."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from localhub.errors import DOCS, ApiError

KINDS = ("status", "reset", "timeout", "delay", "secondary_limit", "primary_limit", "too_many")
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule.

    It applies to requests whose method and path (with query) match, and whose caller has the name ``login``
    when that is given; the first ``skip`` matches pass, the next ``count`` fail. With ``after`` the request
    is done first, and only its answer is spoilt.

    Kinds: ``status`` answers with ``status``, ``body`` and ``headers``; ``reset`` closes the connection;
    ``timeout`` does the request and never answers; ``delay`` waits ``seconds`` and goes on;
    ``secondary_limit`` is 403 and ``too_many`` 429, both with retry-after ``seconds``; ``primary_limit`` is
    403 with nothing remaining and a reset in ``seconds``.
    """

    kind: str
    method: str = ".*"
    path: str = ".*"
    login: str | None = None
    count: int = 1
    skip: int = 0
    after: bool = False
    status: int = 502
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 60.0
    used: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; one of {', '.join(KINDS)}")

    def matches(self, request: web.Request, login: str) -> bool:
        """Whether the rule applies to this request; counts the request where it does."""
        if self.count <= 0 or (self.login is not None and self.login != login):
            return False
        if not re.fullmatch(self.method, request.method) or not re.search(self.path, request.path_qs):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.count -= 1
        self.used += 1
        return True


FAULT = web.RequestKey("fault", Fault)


class Faults:
    """The rules in force and the requests that were made."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=20_000)
        self._closing = asyncio.Event()

    def pick(self, request: web.Request, login: str) -> Fault | None:
        """The first rule that applies to this request."""
        return next((rule for rule in self.rules if rule.matches(request, login)), None)

    def release(self) -> None:
        """End the requests that hang under ``timeout`` rules, so that the server can stop."""
        self._closing.set()

    async def inject(
        self, fault: Fault, request: web.Request, handler: Next, now: float
    ) -> web.StreamResponse:
        """Serve a request under a rule."""
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        if fault.after or fault.kind == "timeout":
            await handler(request)
        else:
            await request.read()
        if fault.kind == "timeout":
            await self._closing.wait()
        if fault.kind in ("reset", "timeout"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        return _fault_response(fault, now)


def _fault_response(fault: Fault, now: float) -> web.Response:
    wait = str(int(fault.seconds))
    if fault.kind == "secondary_limit":
        text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        return ApiError(403, text, headers={"retry-after": wait}).response()
    if fault.kind == "too_many":
        return ApiError(429, "Too many requests", headers={"retry-after": wait}).response()
    if fault.kind == "primary_limit":
        headers = {
            "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-used": "5000",
            "x-ratelimit-reset": str(int(now + fault.seconds)), "x-ratelimit-resource": "core",
        }  # fmt: skip
        return ApiError(403, "API rate limit exceeded for installation.", headers=headers).response()
    body = {"message": "Server Error", "documentation_url": DOCS} if fault.body is None else fault.body
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json; charset=utf-8"
    return web.Response(
        status=fault.status, body=text.encode(), headers={"Content-Type": kind, **fault.headers}
    )
