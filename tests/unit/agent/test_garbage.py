"""What providers send that no document of theirs allows: the run goes on, or parks for a bearable time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.agent.loop import run_loop
from bot.agent.models.calls import RetryPolicy
from bot.domain import Limits, Outcome, OutcomeKind
from bot.errors import Parked
from bot.offline.registry import MODELS
from tests.support.agent import DirectorySandbox, Memory, brief, repository
from tests.support.model_servers import Call, Fault, Say, Server, call

QUICK = RetryPolicy(tries=3, first=0.001, longest=0.01, park=77, silence=30)
ANSWER = Say(calls=[call("finish", kind="answered", summary="42")])
LIMITS = Limits(turns=20, seconds=60)


async def work(server: Server, tmp_path: Path, journal: Memory, *, model: str = "") -> Outcome:
    chosen = MODELS.choose(model or server.model, retry_policy=QUICK)
    sandbox = DirectorySandbox(repository(tmp_path / "repo"))
    try:
        return await run_loop(brief=brief(), model=chosen, sandbox=sandbox, limits=LIMITS, journal=journal)
    finally:
        await chosen.aclose()


def made(request: dict[str, Any]) -> list[str]:
    """The identifiers of all calls that the provider is shown."""
    found = []
    for message in request["messages"]:
        found += [each["id"] for each in message.get("tool_calls") or ()]
        blocks = message["content"] if isinstance(message["content"], list) else []
        found += [each["id"] for each in blocks if each["type"] == "tool_use"]
    return found


def answered(request: dict[str, Any]) -> list[str]:
    """The identifiers of all results that the provider is shown."""
    found = [each["tool_call_id"] for each in request["messages"] if each["role"] == "tool"]
    for message in request["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        found += [each["tool_use_id"] for each in blocks if each["type"] == "tool_result"]
    return found


async def test_calls_that_share_an_identifier_are_told_apart(server: Server, tmp_path: Path) -> None:
    """Within an answer and from turn to turn: Anthropic and OpenAI refuse the next request otherwise."""
    two = [Call(name="read", args={"path": name}, id="call_0") for name in ("cart.py", "test_cart.py")]
    server.answers = [Say(calls=two), Say(calls=[*two, *two]), ANSWER]
    journal = Memory()
    outcome = await work(server, tmp_path, journal)
    assert outcome.kind is OutcomeKind.ANSWERED
    ids = made(server.asked[-1])
    assert len(ids) == len(set(ids)) == 6, ids
    assert sorted(answered(server.asked[-1])) == sorted(ids)
    assert "def total" in journal.records[0]["calls"][0]["output"]
    assert "def test_total" in journal.records[0]["calls"][1]["output"]


async def test_calls_without_name_or_identifier_and_floods_of_them(server: Server, tmp_path: Path) -> None:
    server.answers = [
        Say(calls=[Call(name="", args={}), Call(name="shell\0", args={"command": "ls"})]),
        Say(text="\0\ud800" + "x" * 200_000, thinking="\udfff.", calls=[call("read", path="cart.py")] * 7),
        Say(calls=[Call(name="read", raw='{"path": ' + "[" * 5000 + "]" * 5000 + "}")]),
        Say(calls=[Call(name="read", raw='{"path": "\\ud800"}'), Call(name="shell", raw='{"command": NaN}')]),
        Say(
            calls=[
                Call(name="read", raw=f'{{"path": {number}}}') for number in ("1e999", "9" * 5000, "-1E+400")
            ]
        ),
        Say(calls=[Call(name="finish", raw='{"kind": "answered", "summary": "1", "summary": "2"}')]),
    ]
    journal = Memory()
    outcome = await work(server, tmp_path, journal)
    assert outcome.kind is OutcomeKind.ANSWERED
    assert [len(each["calls"]) for each in journal.records] == [2, 7, 1, 2, 3, 1]


@pytest.mark.parametrize("asked", ["nan", "-5", "1e99", "999999999"])
async def test_no_wait_that_a_provider_asks_for_loses_a_task(
    server: Server, tmp_path: Path, asked: str
) -> None:
    server.answers = [Fault(status=429, headers={"retry-after": asked})] * 3
    with pytest.raises(Parked) as parked:
        await work(server, tmp_path, Memory())
    assert 0 < parked.value.after <= 86400


async def test_who_was_passed_over_is_told_though_the_next_one_wants_less(
    server: Server, tmp_path: Path
) -> None:
    """The first model goes down in its stream, the second refuses the conversation once, then answers."""
    look = Say(calls=[call("read", path="cart.py")])
    down = [Say(text="half an", broken=True)] * 3
    server.answers = [look, look, *down, Fault(status=413), ANSWER]
    journal = Memory()
    outcome = await work(server, tmp_path, journal, model=f"{server.model},{server.model}")
    assert outcome.kind is OutcomeKind.ANSWERED
    assert [len(each["passed_over"]) for each in journal.records] == [0, 0, 1]
    assert journal.records[2]["compaction"]["refused"] == 1
