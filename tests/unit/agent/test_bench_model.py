"""``make bench-model`` on servers that speak as providers do."""

from __future__ import annotations

import pytest

from benchmarks.bench_model import measure_all
from tests.support.model_servers import Fault, Say, Server, environment, serving


async def test_it_measures_any_provider_with_our_own_prompts(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.always = lambda _: Say(text="I would look at the last item first.")
    one, two = await measure_all(server.model, [1, 2], 4, 2000)
    assert (len(one.first), len(two.first), one.errors) == (4, 4, [])
    assert (one.tokens_in, one.tokens_out) == (4000, 200), "as the provider counted them"
    assert len(server.bodies) == 9 and all(b"You are Hob" in each for each in server.bodies)
    assert len(set(server.bodies[1:5])) == 4, "each asks for something else"
    printed = capsys.readouterr().out
    assert printed.count("\n| 1 |") == 1 and "hob forecast --set first_token=" in printed


async def test_errors_are_counted_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving("openai") as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        server.always = lambda _: Fault(status=503, message="no capacity")
        (level,) = await measure_all(server.model, [2], 2, 100)
    assert (len(level.errors), level.first) == (2, [])
    assert "no capacity" in capsys.readouterr().out
