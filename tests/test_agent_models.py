"""Models over a real HTTP server that speaks OpenAI's chat-completions protocol, faults included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from agent_fixtures import LIMITS, DirectorySandbox, Memory, brief, repository
from aiohttp import web

from bot.agent.loop import think
from bot.agent.models import ModelCall, Patience, choose
from bot.agent.prompt import opening
from bot.agent.refusals import ContextFull
from bot.agent.scripted import call, play
from bot.agent.tools import definitions
from bot.domain import OutcomeKind
from bot.errors import Parked, UserError

QUICK = Patience(tries=3, first=0.001, longest=0.01, park=77)
Answer = tuple[int, dict[str, Any] | str] | list[dict[str, Any]] | str


def said(text: str) -> list[dict[str, Any]]:
    """The pieces of a streamed answer in words."""
    return [{"content": piece} for piece in text.split(" ")]


def called(name: str, **args: Any) -> list[dict[str, Any]]:
    """The pieces of a streamed answer that calls a tool, its arguments in two halves."""
    raw = json.dumps(args)
    first = {
        "index": 0,
        "id": f"call_{name}",
        "type": "function",
        "function": {"name": name, "arguments": ""},
    }
    halves = [{"index": 0, "function": {"arguments": half}} for half in (raw[:7], raw[7:])]
    return [{"role": "assistant", "tool_calls": [first]}, *({"tool_calls": [half]} for half in halves)]


class Provider:
    """Gives the prepared answers one after the other; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[dict[str, Any]] = []
        self.url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            if answer == "silence":
                await asyncio.sleep(60)
            return web.Response(text=answer, content_type="text/event-stream")
        if isinstance(answer, tuple):
            status, body = answer
            headers = {"retry-after": "900"} if "wait long" in str(body) else {}
            return web.json_response({"error": body}, status=status, headers=headers)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        broken = answer[-1] == {"broken": True}
        for delta in answer[:-1] if broken else answer:
            await response.write(self._event(choices=[{"index": 0, "delta": delta, "finish_reason": None}]))
        if broken:
            assert request.transport is not None
            request.transport.abort()
            return response
        reason = "tool_calls" if "tool_calls" in answer[-1] else "stop"
        await response.write(self._event(choices=[{"index": 0, "delta": {}, "finish_reason": reason}]))
        usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
        usage["prompt_tokens_details"] = {"cached_tokens": 600}  # type: ignore[assignment]
        await response.write(self._event(choices=[], usage=usage) + b"data: [DONE]\n\n")
        return response

    def _event(self, **fields: Any) -> bytes:
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", **fields}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    """A provider that OPENAI_BASE_URL names."""
    provider = Provider()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", provider.complete)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-nobody")
    yield provider
    await runner.cleanup()


@pytest.fixture
async def model(provider: Provider) -> AsyncIterator[ModelCall]:
    """The model under test, at the provider."""
    model = choose("openai-chat:gpt-4o", patience=QUICK)
    yield model
    await model.aclose()


async def ask(model: ModelCall) -> Any:
    return await model.ask([opening(brief())], definitions())


async def test_a_whole_run_over_http(provider: Provider, model: ModelCall, tmp_path: Path) -> None:
    provider.answers = [
        (429, {"message": "slow down"}),
        said("I look first.") + called("read", path="cart.py"),
        (500, {"message": "oops"}),
        called("edit", path="cart.py", old="amount - rate", new="amount * (1 - rate)"),
        called("finish", kind="changed", title="A share", summary="Done."),
    ]
    sandbox, journal = DirectorySandbox(repository(tmp_path / "repo")), Memory()
    outcome = await think(brief=brief(), model=model, sandbox=sandbox, limits=LIMITS, journal=journal)
    assert outcome.kind is OutcomeKind.CHANGED
    assert outcome.usage.turns == 3
    assert (outcome.usage.input_tokens, outcome.usage.cached_tokens) == (3000, 1800)
    assert outcome.usage.usd == pytest.approx(3 * (400 * 2.5 + 600 * 1.25 + 50 * 10) / 1e6)
    assert [each["retries"] for each in journal.records] == [1, 1, 0]
    assert journal.records[0]["text"] == "Ilookfirst."
    assert journal.records[0]["ms"]["first_token"] is not None
    assert provider.asked[0]["tools"][0]["function"]["name"] == "shell"
    final = provider.asked[-1]["messages"]
    assert [each["role"] for each in final] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert final[3]["tool_call_id"] == "call_read"
    assert "def total" in final[3]["content"]


async def test_the_prefix_that_providers_cache_is_the_same_from_turn_to_turn(
    provider: Provider, model: ModelCall, tmp_path: Path
) -> None:
    provider.answers = [called("read", path="cart.py")] * 4 + [called("finish", kind="nothing", summary="x")]
    sandbox = DirectorySandbox(repository(tmp_path / "repo"))
    await think(brief=brief(), model=model, sandbox=sandbox, limits=LIMITS, journal=Memory())
    sent = [json.dumps([each["tools"], each["messages"]])[:-2] for each in provider.asked]
    for earlier, later in pairwise(sent):
        assert later.startswith(earlier)


@pytest.mark.parametrize(
    "fault",
    [
        (408, {"message": "timeout"}),
        (429, {"message": "slow down"}),
        (503, {"message": "down"}),
        (529, {"message": "overloaded"}),
        [*said("half an"), {"broken": True}],
        "data: this is not JSON\n\n",
        "<html>a proxy's page</html>",
        'data: {"choices": 5}\n\n',
    ],
    ids=lambda fault: str(fault)[:24],
)
async def test_faults_are_retried_then_parked(provider: Provider, model: ModelCall, fault: Answer) -> None:
    provider.answers = [fault, fault, said("fine")]
    assert (await ask(model)).response.text == "fine"
    provider.answers = [fault] * 3
    with pytest.raises(Parked, match="3 times in a row") as parked:
        await ask(model)
    assert parked.value.after == 77


@pytest.mark.parametrize(
    ("answer", "error", "said_so"),
    [
        ((401, {"message": "bad key"}), UserError, "refuses the key"),
        (
            (404, {"message": "no such model", "code": "model_not_found"}),
            UserError,
            "does not know the model",
        ),
        ((400, {"message": "bad schema"}), UserError, "rejects the request"),
        ((400, {"message": "too long", "code": "context_length_exceeded"}), ContextFull, "no longer fits"),
        ((429, {"message": "pay first", "code": "insufficient_quota"}), Parked, "quota"),
        ((429, {"message": "wait long"}), Parked, "asks to wait"),
    ],
)
async def test_what_asking_again_cannot_mend_is_said_at_once(
    provider: Provider, model: ModelCall, answer: Answer, error: type[Exception], said_so: str
) -> None:
    provider.answers = [answer]
    with pytest.raises(error, match=said_so) as raised:
        await ask(model)
    assert len(provider.asked) == 1
    assert "key-of-nobody" not in str(raised.value)
    if said_so == "asks to wait":
        assert isinstance(raised.value, Parked)
        assert raised.value.after == 900


async def test_a_provider_that_stalls_is_given_up(provider: Provider) -> None:
    model = choose("openai-chat:gpt-4o", patience=Patience(tries=2, first=0.001, silence=0.2))
    provider.answers = ["silence", said("fine")]
    assert (await ask(model)).retries == 1
    await model.aclose()


async def test_nobody_listens(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    model = choose("openai-chat:gpt-4o", patience=QUICK)
    with pytest.raises(Parked, match="3 times"):
        await ask(model)
    await model.aclose()


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
        choose(name)


async def test_a_script_can_come_from_a_file(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    turns = [{"text": "Hm.", "calls": [{"name": "finish", "args": {"kind": "answered", "summary": "42"}}]}]
    script.write_text(json.dumps(turns))
    model = choose(f"scripted:{script}")
    sandbox = DirectorySandbox(repository(tmp_path / "repo"))
    outcome = await think(brief=brief(), model=model, sandbox=sandbox, limits=LIMITS, journal=Memory())
    assert (outcome.kind, outcome.summary) == (OutcomeKind.ANSWERED, "42")
    await model.aclose()


async def test_a_script_that_is_over_says_so() -> None:
    with pytest.raises(AssertionError, match="has 0 turns"):
        await ask(play([]))
    assert (await ask(play([call("read", path=".")]))).usage.usd == 0
