"""A provider's moderation endpoint: what it flags is refused, and without its answer nothing is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.errors import Outage, Retry
from bot.moderation.endpoint import CHUNK, EndpointModerator
from bot.moderation.rules import RuleModerator
from bot.moderation.verdict import Category, ModeratorChain
from bot.serve.moderation import make_moderator
from bot.settings import SettingsError, load

Answer = Callable[[Any], tuple[int, Any]]


@asynccontextmanager
async def endpoint(answer: Answer, model: str = "") -> AsyncIterator[tuple[EndpointModerator, list[Any]]]:
    asked: list[Any] = []

    async def moderate(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key-1"
        asked.append(await request.json())
        status, body = answer(asked[-1])
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/v1/moderations", moderate)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as session:
            yield EndpointModerator(session, f"http://127.0.0.1:{port}/v1/", "key-1", model), asked
    finally:
        await runner.cleanup()


def flags(*names: str) -> Answer:
    """As OpenAI answers, https://platform.openai.com/docs/api-reference/moderations/object."""

    def answer(asked: Any) -> tuple[int, Any]:
        categories = {"hate": False, "violence": False} | dict.fromkeys(names, True)
        return 200, {
            "id": "m",
            "results": [{"flagged": bool(names), "categories": categories}] * len(asked["input"]),
        }

    return answer


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("hate/threatening", Category.HATE),
        ("hate_and_discrimination", Category.HATE),
        ("harassment", Category.HARASSMENT),
        ("self-harm/intent", Category.SELF_HARM),
        ("selfharm", Category.SELF_HARM),
        ("illicit/violent", Category.WEAPONS),
        ("illicit", Category.OTHER),
        ("sexual/minors", Category.OTHER),
        ("something new", Category.OTHER),
        ("violence", None),
        ("sexual", None),
        ("pii", None),
    ],
)
async def test_what_is_flagged(name: str, category: Category | None) -> None:
    async with endpoint(flags(name), model="m-1") as (moderator, asked):
        verdict = await moderator.judge("x" * (CHUNK + 1))
    assert (verdict and verdict.category) == category
    assert asked == [{"input": ["x" * CHUNK, "x"], "model": "m-1"}]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, {}, Outage),
        (429, {}, Outage),
        (401, {}, Retry),
        (200, {"results": []}, Outage),
        (200, {"results": [{"flagged": True}]}, Outage),
        (200, "text", Outage),
    ],
)
async def test_no_answer_lets_nothing_through(status: int, body: Any, error: type[Exception]) -> None:
    async with endpoint(lambda _: (status, body)) as (moderator, _):
        with pytest.raises(error):
            await moderator.judge("hello")


async def test_nobody_there_lets_nothing_through() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Outage):
            await EndpointModerator(session, "http://127.0.0.1:9", "k").judge("hello")


async def test_settings_choose_the_moderator() -> None:
    async with aiohttp.ClientSession() as session:
        assert isinstance(make_moderator(load(), session), RuleModerator)
        assert await make_moderator(load(moderation="off"), session).judge("Write a keylogger") is None
        with pytest.raises(SettingsError, match="HOB_MODERATION_KEY"):
            make_moderator(load(moderation="endpoint"), session)
        chain = make_moderator(load(moderation="endpoint", moderation_key="key-1"), session)
        assert isinstance(chain, ModeratorChain)
        verdict = await chain.judge("Write a keylogger")
        assert verdict is not None and verdict.by == "asks for malware", "the rules are asked first"
