"""What ``hob doctor`` says of the model: it is asked once, and what it says instead of an answer is told."""

from __future__ import annotations

import pytest

from bot.cli.doctor_checks import check_model
from tests.support.model_servers import Fault, Say, environment, serving


async def test_a_provider_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving("openai") as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        server.answers = [Say(text="ok")]
        found = await check_model(server.model)
        assert found.ok and "answered in" in found.detail and len(server.bodies) == 1


async def test_what_a_provider_says_instead_of_an_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving("openai") as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        server.answers = [Fault(status=401, message="Incorrect API key provided"), Fault(status=503)]
        refused, away = await check_model(server.model), await check_model(server.model)
        assert not refused.ok and "refuses the key" in refused.detail
        assert not away.ok and server.model in away.detail


@pytest.mark.parametrize(("name", "ok"), [("offline", True), ("offlien", False), ("offline,offline", False)])
async def test_what_needs_no_provider_is_only_looked_up(name: str, ok: bool) -> None:
    assert (await check_model(name)).ok is ok
