"""What was sent to a provider once is sent again in the same bytes: with every protocol, thinking or not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.agent.loop import run_loop
from bot.agent.models.calls import ModelCall, RetryPolicy
from bot.domain import Limits, OutcomeKind
from bot.offline.registry import MODELS
from tests.support.agent import DirectorySandbox, Memory, brief, repository, words
from tests.support.model_servers import DIALECTS, Call, Say, Server, call, environment, serving

LOOK = call("read", path="cart.py")
DONE = call("finish", kind="answered", summary="42")


@pytest.fixture(params=sorted(DIALECTS))
async def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A provider of every dialect in turn, on loopback."""
    async with serving(request.param) as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
async def model(server: Server) -> AsyncIterator[ModelCall]:
    model = MODELS.choose(server.model, retry_policy=RetryPolicy(tries=1))
    yield model
    await model.aclose()


def sent_messages(body: dict[str, Any]) -> list[str]:
    """The messages of a request, each as it was written; where a cache may end is no part of them."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key != "cache_control"}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return [json.dumps(strip(each)) for each in body.get("messages") or body["input"]]


THINKS_LATE = [
    Say(calls=[LOOK]),
    Say(thinking="Now I think.", text="Well.", calls=[LOOK]),
    Say(calls=[LOOK, LOOK]),
]
THINKS_AT_TIMES = [
    Say(thinking="Hm.", calls=[LOOK]),
    Say(text="No thought.", calls=[LOOK]),
    Say(text="Words and no call."),
    Say(thinking="Hm again.", text="Nor here."),
    Say(calls=[Call(name="read", raw='{"path": "car')]),
    Say(thinking="And a last time.", calls=[LOOK]),
]


@pytest.mark.parametrize(
    ("answers", "comments"), [(THINKS_LATE, ()), ([*THINKS_LATE, *THINKS_AT_TIMES], (1, 2, 5))]
)
async def test_each_request_begins_with_the_bytes_of_the_one_before(
    server: Server, model: ModelCall, tmp_path: Path, answers: list[Say], comments: tuple[int, ...]
) -> None:
    server.answers = [*answers, Say(calls=[DONE])]
    journal = Memory({at: words(f"Mind the rounding, {at}.") for at in comments})
    outcome = await run_loop(
        brief=brief(),
        model=model,
        sandbox=DirectorySandbox(repository(tmp_path / "repo")),
        limits=Limits(turns=20, seconds=60),
        journal=journal,
    )
    assert outcome.kind is OutcomeKind.ANSWERED
    assert len(server.asked) == len(answers) + 1
    last = json.dumps(server.asked[-1])
    assert last.count("Now I think.") + last.count("sealed-12") == 1  # what a Responses server gave is sealed
    for earlier, later in pairwise(map(sent_messages, server.asked)):
        assert later[: len(earlier)] == earlier
    for earlier, later in pairwise(server.asked):
        assert {**later, "messages": 0, "input": 0} == {**earlier, "messages": 0, "input": 0}
