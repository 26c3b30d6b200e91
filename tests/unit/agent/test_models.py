"""One call to a model: what asking again cannot mend, whom nobody knows, and scripts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.models import infer_model

from bot.agent.loop import run_loop
from bot.agent.models.calls import ModelCall, ModelTry, RetryPolicy
from bot.agent.models.choose import choose_retry_policy
from bot.agent.models.provider_errors import ContextFull
from bot.agent.models.scripted import call
from bot.agent.prompt import make_opening
from bot.agent.tools.registry import list_definitions
from bot.domain import OutcomeKind
from bot.errors import Parked, UserError
from bot.offline.registry import MODELS
from tests.support.agent import LIMITS, DirectorySandbox, Memory, brief, play, repository
from tests.support.model_servers import KEY, Fault, Say, Server, environment, serving

QUICK = RetryPolicy(tries=3, first=0.001, longest=0.01, park=77)


@pytest.fixture
async def model(server: Server) -> AsyncIterator[ModelCall]:
    """The model under test, at the provider."""
    model = MODELS.choose(server.model, retry_policy=QUICK)
    yield model
    await model.aclose()


async def ask(model: ModelCall) -> Any:
    return await model.ask([make_opening(brief())], list_definitions())


@pytest.mark.parametrize(
    ("fault", "error", "said_so"),
    [
        (Fault(status=401, message="bad key"), UserError, "refuses the key"),
        (
            Fault(status=404, code="model_not_found", message="no such model"),
            UserError,
            "does not know the model",
        ),
        (Fault(status=400, message="bad schema"), UserError, "rejects the request"),
        (Fault(status=413, message="too large"), ContextFull, "no longer fits"),
        (Fault(status=400, message="context size exceeded"), ContextFull, "no longer fits"),
        (Fault(status=429, message="wait long", headers={"retry-after": "900"}), Parked, "asks to wait"),
    ],
    ids=lambda value: str(getattr(value, "message", "")),
)
async def test_what_asking_again_cannot_mend_is_said_at_once(
    server: Server, model: ModelCall, fault: Fault, error: type[Exception], said_so: str
) -> None:
    if fault.status == 404 and server.model.startswith("anthropic"):
        fault = Fault(status=404, code="not_found_error", message="model: none")
    server.answers = [fault]
    with pytest.raises(error, match=said_so) as raised:
        await ask(model)
    assert len(server.asked) == 1
    assert KEY not in str(raised.value)
    if isinstance(raised.value, Parked):
        assert raised.value.after == 900


async def test_a_quota_that_is_used_up_parks(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving("openai") as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        model = MODELS.choose(server.model, retry_policy=QUICK)
        server.answers = [Fault(status=429, code="insufficient_quota", message="pay first")]
        with pytest.raises(Parked, match="quota"):
            await ask(model)
        await model.aclose()


async def test_a_short_wait_that_is_asked_for_is_waited(server: Server, model: ModelCall) -> None:
    server.answers = [Fault(status=429, headers={"retry-after": "0"}), Say(text="fine")]
    answer = await ask(model)
    assert (answer.response.text, answer.retries) == ("fine", 1)


async def test_nobody_listens(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment(server):
        if name.endswith("_URL"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/v1")
    model = MODELS.choose(server.model, retry_policy=QUICK)
    with pytest.raises(Parked, match="3 times"):
        await ask(model)
    await model.aclose()


def test_a_window_is_known_or_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    assert MODELS.choose("openai-chat:gpt-4").window == 8_192
    assert MODELS.choose("openai-chat:nobody-knows-it").window == 128_000
    assert MODELS.choose("anthropic:claude-haiku-4-5").window == 200_000
    assert MODELS.choose("openai-chat:gpt-4,anthropic:claude-haiku-4-5").window == 8_192


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("openai-chat:gpt-4o", "OPENAI_API_KEY"),
        ("anthropic:claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
        ("gpt", "HOB_MODEL .* is 'gpt': Unknown model"),
        ("nobody:gpt", "HOB_MODEL .* is 'nobody:gpt': Unknown model"),
        ("", "HOB_MODEL .* is ''"),
        ("scripted:/no/such/file", "not a script"),
    ],
)
def test_an_unknown_model_or_a_missing_key_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, names: str
) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError, match=names):
        MODELS.choose(name)


@pytest.mark.parametrize(
    ("name", "address", "set_to", "silence", "again"),
    [
        ("openai-chat:gpt-4o", "https://api.openai.com/v1", {}, 180, 1),
        ("openai-chat:qwen", "http://127.0.0.1:11434/v1", {}, 900, 0),
        ("openai-chat:qwen", "http://192.168.1.5:8000/v1", {}, 900, 0),
        ("openai-chat:qwen", "http://gpu-box:8000/v1", {}, 900, 0),
        ("openai-chat:qwen", "https://models.example.com/v1", {"openai-chat": 600}, 600, 1),
        ("openai-chat:qwen", "http://[::1]:8000/v1", {"": 300, "ollama": 5}, 300, 0),
    ],
)
def test_local_models_get_longer_to_begin(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    address: str,
    set_to: dict[str, float],
    silence: float,
    again: int,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    policy = choose_retry_policy(name, infer_model(name), set_to)
    assert (policy.silence, policy.repeats_after_timeout) == (silence, again)
    assert policy.answer >= 900


async def test_a_call_that_timed_out_is_not_made_six_times(server: Server) -> None:
    for repeats in (0, 1):
        policy = RetryPolicy(first=0.001, silence=0.1, park=77, repeats_after_timeout=repeats)
        tries: list[ModelTry] = []
        model = replace(MODELS, observe=tries.append).choose(server.model, retry_policy=policy)
        server.always = lambda _asked: Fault(stall=True)
        with pytest.raises(Parked, match="did not begin to answer within 0 s; HOB_MODEL_SECONDS=") as parked:
            await ask(model)
        await model.aclose()
        assert parked.value.after == 77
        assert len(tries) == 1 + repeats


async def test_a_script_can_come_from_a_file(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    turns = [{"text": "Hm.", "calls": [{"name": "finish", "args": {"kind": "answered", "summary": "42"}}]}]
    script.write_text(json.dumps(turns))
    model = MODELS.choose(f"scripted:{script}")
    sandbox = DirectorySandbox(repository(tmp_path / "repo"))
    outcome = await run_loop(brief=brief(), model=model, sandbox=sandbox, limits=LIMITS, journal=Memory())
    assert (outcome.kind, outcome.summary) == (OutcomeKind.ANSWERED, "42")
    await model.aclose()


async def test_a_script_that_is_over_says_so() -> None:
    with pytest.raises(AssertionError, match="has 0 turns"):
        await ask(play([]))
    assert (await ask(play([call("read", path=".")]))).usage.usd == 0
