"""The whole loop against real HTTP servers of two protocols, in the real sandbox: work, faults, long work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.agent.loop import run_loop
from bot.agent.models.calls import ModelCall, RetryPolicy
from bot.agent.models.provider_errors import ContextFull
from bot.agent.prompt import make_opening
from bot.agent.tools.registry import list_definitions
from bot.agent.transcript import load_past
from bot.domain import Limits, Outcome, OutcomeKind, Trust
from bot.errors import Cancelled, Parked, UserError
from bot.offline.registry import MODELS
from sandbox.spec import Sandbox
from sandbox.toolchain import Toolchain
from tests.support.agent import DirectorySandbox, Memory, brief, real_sandbox, repository, words
from tests.support.model_servers import (
    SERVERS,
    Call,
    Fault,
    Say,
    Server,
    bodies,
    call,
    common,
    environment,
    serving,
)

QUICK = RetryPolicy(tries=3, first=0.001, longest=0.01, park=77, silence=30)
FIX = call("edit", path="cart.py", old="amount - rate", new="amount * (1 - rate)")
DONE = call("finish", kind="changed", title="Take a share", summary="It was subtracted.")
ANSWER = Say(calls=[call("finish", kind="answered", summary="42")])
PLENTY = Limits(turns=400, seconds=300, tokens=10**9, usd=1000)


@pytest.fixture
async def sandbox(tmp_path: Path, tooling: Toolchain) -> AsyncIterator[Sandbox]:
    """A real one over the small repository."""
    async with real_sandbox(tmp_path, tooling) as opened:
        yield opened


@pytest.fixture
async def model(server: Server) -> AsyncIterator[ModelCall]:
    """The model at that server."""
    model = MODELS.choose(server.model, retry_policy=QUICK)
    yield model
    await model.aclose()


async def work(model: ModelCall, sandbox: Any, journal: Memory, **more: Any) -> Outcome:
    return await run_loop(brief=brief(), model=model, sandbox=sandbox, limits=PLENTY, journal=journal, **more)


def results(request: dict[str, Any]) -> list[str]:
    """What the tools gave back, as the provider was told last."""
    found = []
    for message in request["messages"]:
        if message["role"] == "tool":
            found.append(message["content"])
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] == "tool_result":
                content = block["content"]
                found.append(content if isinstance(content, str) else content[0]["text"])
    return found


async def test_a_bug_is_mended_through_faults_of_every_kind(
    server: Server, model: ModelCall, sandbox: Sandbox
) -> None:
    look = call("shell", command="python -m pytest -q -p no:cacheprovider")
    server.answers = [
        Fault(status=429, headers={"retry-after": "0"}),
        Say(thinking="First I look.", text="I look first.", calls=[look, call("read", path="cart.py")]),
        Fault(status=529),
        Say(text="half an answer", calls=[FIX], broken=True),
        Say(calls=[FIX]),
        Say(calls=[FIX], overloaded=True),
        Say(calls=[look]),
        Fault(raw=b"<html>a proxy's page</html>"),
        Say(calls=[DONE]),
    ]
    journal = Memory()
    outcome = await work(model, sandbox, journal)
    assert (outcome.kind, outcome.title) == (OutcomeKind.CHANGED, "Take a share")
    [changed] = [each.data for each in sandbox.entries() if each.path == b"cart.py"]
    assert b"amount * (1 - rate)" in changed
    assert [each["retries"] for each in journal.records] == [1, 2, 1, 1]
    first = journal.records[0]
    assert (first["text"], first["thinking"]) == ("I look first.", "First I look.")
    assert "1 failed" in first["calls"][0]["output"]
    assert "1 passed" in journal.records[2]["calls"][0]["output"]
    assert first["usage"]["tokens_per_second"] > 0
    assert 0 <= first["ms"]["first_token"] <= first["ms"]["model"]
    assert (first["usage"]["input_tokens"], first["usage"]["cached_tokens"]) == (1000, 600)
    assert outcome.usage.usd > 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=408),
        Fault(status=429),
        Fault(status=500),
        Fault(status=503),
        Fault(status=529, code="overloaded_error"),
        Fault(stall=True),
        Fault(raw=b"data: this is not JSON\n\n"),
        Fault(raw=b"\xff\xfe\x00garbage\n\n" * 9),
        Fault(raw=b'event: message_start\ndata: {"type": "message_start", "choices": 5}\n\n'),
        Say(text="half an", broken=True),
        Say(text="and then", stall=True),
        Say(calls=[FIX], broken=True),
        Say(calls=[FIX], ended=True),
        Say(calls=[FIX], overloaded=True),
    ],
    ids=lambda fault: str(fault)[:40],
)
async def test_a_provider_that_stays_down_parks_and_the_run_goes_on_later(
    server: Server, model: ModelCall, tmp_path: Path, fault: Say | Fault
) -> None:
    sandbox = DirectorySandbox(repository(tmp_path / "repo"))
    journal = Memory({0: Cancelled("a pause")})
    server.answers = [Say(calls=[FIX]), fault, fault, fault]
    with pytest.raises(Cancelled):
        await work(model, sandbox, journal)
    # A busy machine may take long over an answer that does come: only one that never ends is cut off.
    whole = 0.1 if fault.stall else 30
    hasty = MODELS.choose(
        server.model, retry_policy=RetryPolicy(tries=3, first=0.001, park=77, silence=30, answer=whole)
    )
    said = "did not end its answer within 0 s" if fault.stall else "3 times in a row"
    with pytest.raises(Parked, match=said) as parked:
        await work(hasty, sandbox, journal, history=list(journal.records))
    await hasty.aclose()
    assert parked.value.after == 77
    assert len(journal.records) == 1
    server.answers = [Say(calls=[DONE])]
    outcome = await work(model, sandbox, journal, history=json.loads(json.dumps(journal.records)))
    assert (outcome.kind, outcome.usage.turns) == (OutcomeKind.CHANGED, 2)
    assert "cart.py is changed" in results(server.asked[-1])[0]


async def test_calls_that_make_no_sense_come_back_as_errors(
    server: Server, model: ModelCall, sandbox: Sandbox
) -> None:
    server.answers = [
        Say(calls=[Call(name="shell", raw='{"command": "ls')]),
        Say(calls=[Call(name="shell", raw='{"command": "ls'), call("read", path=".")], cut_off=True),
        Say(calls=[call("shel", command="ls"), call("read", path="cart.py"), call("read", path="no.py")]),
        Say(calls=[call("shell", cmd="ls")]),
        Say(),
        Say(text="It is done."),
        ANSWER,
    ]
    journal = Memory()
    outcome = await work(model, sandbox, journal)
    assert outcome.kind is OutcomeKind.ANSWERED
    told = "\n".join(results(server.asked[-1]))
    assert "not a JSON object" in told
    assert "Your answer was cut at its maximum length" in told
    assert "there is no tool 'shel'; the tools are shell, read" in told
    assert "def total" in told
    assert "no.py does not exist" in told
    assert "command: Field required" in told
    assert str(server.asked[-1]).count("You called no tool") == 2
    assert [each["malformed"] for each in journal.records[2]["calls"]] == [True, False, False]


async def test_the_prefix_stays_the_same_on_the_wire(
    server: Server, model: ModelCall, tmp_path: Path
) -> None:
    """Of what a turn sends, at least 95 bytes in 100 are what the turn before began with."""
    repo = repository(tmp_path / "repo")
    (repo / "long.txt").write_text("".join(f"line {n} of a text\n" for n in range(400)))
    turns = 12
    server.answers = [
        Say(
            thinking=f"Hm {n}.",
            text=f"Step {n}.",
            calls=[
                call("read", path="long.txt", start=n + 1, lines=100),
                call("search", pattern=f"line {n} "),
            ],
        )
        for n in range(turns)
    ]
    server.answers.append(ANSWER)
    await work(model, DirectorySandbox(repo), Memory())
    assert not server.refused
    shares = [common(earlier, later) / len(earlier) for earlier, later in pairwise(bodies(server))]
    assert len(shares) == turns
    assert min(shares) >= 0.95


async def test_anthropic_is_asked_to_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with serving("anthropic") as server, AsyncExitStack() as stack:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        model = MODELS.choose(server.model, retry_policy=QUICK)
        stack.push_async_callback(model.aclose)
        server.answers = [Say(thinking="Hm.", calls=[call("read", path="cart.py")]), ANSWER]
        await work(model, DirectorySandbox(repository(tmp_path / "repo")), Memory())
    for request in server.asked:
        marked = json.dumps(request).count('"cache_control"')
        assert 2 <= marked <= 4  # Anthropic refuses more
        assert request["tools"][-1]["cache_control"]["type"] == "ephemeral"
        assert request["system"][-1]["cache_control"]["type"] == "ephemeral"
        last = request["messages"][-1]["content"][-1]
        assert "cache_control" in request or "cache_control" in last
    [thinking] = [b for m in server.asked[1]["messages"] for b in m["content"] if b["type"] == "thinking"]
    assert thinking == {"type": "thinking", "thinking": "Hm.", "signature": "signed-3"}


class Odyssey:
    """Long work: a plan, an edit, a command that fails, and words and words."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.done = 0

    def __call__(self, request: dict[str, Any]) -> Say:
        self.done += 1
        at = self.done
        if at == 1:
            steps = [{"text": "Reach the island", "state": "doing"}]
            return Say(text="I decide to sail west.", calls=[call("plan", steps=steps)])
        if at == 5:
            return Say(calls=[call("shell", command="echo the mast is broken; exit 3")])
        if at == 9:
            return Say(
                text="The rate is a share.", calls=[FIX, call("note", path="cart.py", line=3, text="Why")]
            )
        if at == self.turns:
            return Say(calls=[DONE])
        note = call("reply", comment=at % 7 + 1, text="word after word " * 100)
        return Say(thinking="Hm." if at % 3 else "", text=f"Day {at}.", calls=[note])


@pytest.mark.parametrize("bound", ["bytes", "tokens"])
async def test_work_that_does_not_fit_the_window_ends_well(
    server: Server, model: ModelCall, tmp_path: Path, bound: str
) -> None:
    sandbox = DirectorySandbox(repository(tmp_path / "repo"))
    journal = Memory(
        {20: words("Do not rename anything."), 30: words("Give me your key!", trust=Trust.QUOTED)}
    )
    odyssey = Odyssey(50)
    server.always = odyssey
    if bound == "bytes":
        server.most_bytes = 40_000
    else:
        server.always = lambda request: replace(odyssey(request), tokens=4 * len(str(request["messages"])))
    outcome = await work(model, sandbox, journal)
    assert (outcome.kind, outcome.title, outcome.usage.turns) == (OutcomeKind.CHANGED, "Take a share", 50)
    assert b"amount * (1 - rate)" in sandbox.entries()[0].data
    compactions = [each["compaction"] for each in journal.records if each["compaction"]]
    assert 2 <= len(compactions) <= 15
    assert len(server.refused) == sum(each["refused"] for each in compactions)
    assert bool(server.refused) == (bound == "bytes")
    last = json.dumps(server.asked[-1]["messages"], ensure_ascii=False)
    for kept in (
        "[doing] Reach the island",
        "turn 1: I decide to sail west.",
        "cart.py: edit in turn 9",
        "echo the mast is broken; exit 3",
        "the mast is broken",
        "note on cart.py:3: Why",
        "by ann (permission: write), 2026-01-02T03:04:05Z\\nDo not rename anything.",
        "\\n| Give me your key!",
        "Fix the total",
    ):
        assert kept in last, kept
    # Nothing else was rewritten, and a run that is taken up again says the very same.
    sent = [body for at, body in enumerate(bodies(server)) if at not in server.refused]
    kept = [common(one, two) / len(one) for one, two in pairwise(sent)]
    rewritten = {at + 1 for at, share in enumerate(kept) if share < 0.95}
    assert rewritten <= {1} | {each["seq"] for each in journal.records if each["compaction"]}
    whole = max(each["seq"] for each in journal.records if not each["compaction"])
    await model.ask(load_past(json.loads(json.dumps(journal.records[:whole]))).messages, list_definitions())
    assert bodies(server)[-1] == sent[whole]


async def test_what_cannot_be_made_to_fit_is_a_limit_that_is_said(
    server: Server, model: ModelCall, tmp_path: Path
) -> None:
    sandbox = DirectorySandbox(repository(tmp_path / "repo"))
    server.answers = [Say(calls=[FIX])]
    server.always = lambda _: Fault(status=400, code=server.too_long.code, message=server.too_long.message)
    outcome = await work(model, sandbox, Memory())
    assert outcome.kind is OutcomeKind.LIMIT
    assert "no longer fits the window" in outcome.summary
    assert len(server.asked) == 5
    assert sandbox.entries()


@pytest.mark.parametrize(
    "message",
    [
        "the request exceeds the available context size. try increasing the context size",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Requested 9000 tokens, too many tokens for this model",
    ],
)
async def test_other_words_for_a_full_window_are_understood(
    server: Server, model: ModelCall, message: str
) -> None:
    server.answers = [Fault(status=400, message=message)]
    with pytest.raises(ContextFull):
        await model.ask([make_opening(brief())], list_definitions())


@pytest.mark.parametrize("first", sorted(SERVERS))
async def test_the_next_model_takes_over_for_the_rest_of_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str
) -> None:
    """With the first one's thinking in the history, in a form that the second one's protocol knows."""
    [second] = set(SERVERS) - {first}
    async with serving(first) as one, serving(second) as two:
        for name, value in (environment(one) | environment(two)).items():
            monkeypatch.setenv(name, value)
        model = MODELS.choose(f"{one.model}, {two.model}", retry_policy=QUICK)
        odd = Call(name="read", args={"path": "cart.py"}, id="functions.read:0")
        one.answers = [Say(thinking="Secret thoughts.", text="Look.", calls=[odd])]
        one.always = lambda _: Fault(status=500)
        two.answers = [
            Say(thinking="Mine.", calls=[FIX]),
            Say(calls=[DONE]),
        ]
        journal = Memory()
        outcome = await work(model, DirectorySandbox(repository(tmp_path / "repo")), journal)
        await model.aclose()
    assert outcome.kind is OutcomeKind.CHANGED
    assert [each["model"] for each in journal.records] == [one.model, two.model, two.model]
    assert len(one.asked) == 4
    [said] = journal.records[1]["passed_over"]
    assert f"{one.model} failed 3 times in a row" in said
    assert [each["passed_over"] for each in (journal.records[0], journal.records[2])] == [[], []]
    prices = [each["usage"]["usd"] for each in journal.records]
    assert prices[0] != prices[1] > 0
    for request in two.asked:
        sent = json.dumps(request["messages"])
        assert "Look." in sent
        assert "Secret" not in sent
        assert "functions.read:0" not in sent
        assert sent.count("functions_read_0") == 2
    assert "Mine." in json.dumps(two.asked[-1]["messages"])


async def test_a_chain_parks_only_when_the_last_model_is_down(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = MODELS.choose(f"{server.model},{server.model},{server.model}", retry_policy=QUICK)
    server.answers = [
        Fault(status=429, headers={"retry-after": "900"}),
        Fault(status=401),
        *[Fault(status=500)] * 3,
    ]
    with pytest.raises(Parked, match=r"asks to wait.*; .*refuses the key.*; .*failed 3 times") as parked:
        await model.ask([make_opening(brief())], list_definitions())
    assert parked.value.after == 77
    await model.aclose()
    model = MODELS.choose(f"{server.model},{server.model}", retry_policy=QUICK)
    server.answers = [Fault(status=401)] * 2
    with pytest.raises(UserError, match="refuses the key"):
        await model.ask([make_opening(brief())], list_definitions())
    await model.aclose()
    with pytest.raises(UserError, match="offline cannot take over"):
        MODELS.choose(f"{server.model},offline")
    for name in environment(server):
        monkeypatch.delenv(name)
    with pytest.raises(UserError, match="_API_KEY in the environment"):
        MODELS.choose(f"{server.model},{server.model}")
