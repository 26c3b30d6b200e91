"""``hob replay RUN``: drive the loop again from the recorded answers, and find where the tools answer anew.

The same brief, in a fresh sandbox at the same commit; the model is the transcript. What the tools give back
is compared call by call, compactions too. What was redacted when it was stored is not known any more: answers
that held such text are named, because what follows from them may differ.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse, TextPart
from pydantic_ai.tools import ToolDefinition

from bot.agent.loop import run_loop
from bot.agent.models.calls import ModelAnswer
from bot.agent.models.provider_errors import ContextFull
from bot.agent.prompt import find_brief
from bot.domain import Brief, Limits, PromptText, Step, Trust, Usage
from bot.errors import HobError, UserError
from bot.replay.sameness import is_redacted, is_same, render_difference
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop

Record = Mapping[str, Any]
# The checks are run by the run and not by the loop; when a command in the background prints is up to chance.
_NOT_COMPARED = frozenset({"check", "background"})
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first thing that came out otherwise. Turns and calls count from 1; call 0 is the turn itself."""

    turn: int
    call: int
    what: str
    diff: str


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """What a replay found. ``aside`` counts outputs that agree but for what varies by nature, by its kind."""

    turns: int  # driven again
    of: int
    divergence: Divergence | None = None
    aside: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


class _ReplayEnd(HobError):
    """Raised to end the replay: at the first difference, or after the last record."""


async def replay(
    store: Store, workshop: Workshop, redactor: Redactor, run_id: int, *, attempt: int | None = None
) -> ReplayReport:
    """Drive a stored run again, on this machine. Raises UserError that says why when it cannot be."""
    records = await load_records(store, run_id, attempt)
    run = await store.get_run(run_id)
    task = await store.get_task(run.task) if run else None
    if run is None or task is None:
        raise UserError(f"there is no run {run_id}")
    mirror, base = workshop.mirror, run.base_sha
    if not base or await mirror.resolve(task.repo.id, base) is None:
        raise UserError(
            f"run {run_id} cannot be replayed here: the mirror of {task.repo.full_name} on this machine "
            f"has no commit {base or '(none was noted)'}"
        )
    policy = await mirror.resolve(task.repo.id, f"refs/heads/{task.repo.default_branch}")
    checkout = await workshop.checkout(task.repo.id, base, redactor, policy=policy)
    replayed = await redrive(records, checkout, redactor)
    if policy != base:
        replayed.remarks.append(
            f"the repository's configuration is {task.repo.default_branch}'s of now, {(policy or base)[:12]}"
        )
    return replayed


async def load_records(store: Store, run_id: int, attempt: int | None) -> list[Record]:
    """The records of a run's turns. Raises UserError when there are none, or they cannot be replayed."""
    if await store.get_run(run_id) is None:
        raise UserError(f"there is no run {run_id}")
    records: list[Record] = [turn.record for turn in await store.list_turns(run_id, ordinal=attempt)]
    if not records:
        which = f"attempt {attempt} of run {run_id}" if attempt else f"run {run_id}"
        raise UserError(f"{which} cannot be replayed: it has no turns")
    if [each["seq"] for each in records] != list(range(len(records))):
        raise UserError(f"run {run_id} cannot be replayed: its transcript has gaps")
    return records


async def redrive(records: Sequence[Record], checkout: Checkout, redactor: Redactor) -> ReplayReport:
    """Drive the loop again from ``records`` in a sandbox of ``checkout``."""
    messages = ModelMessagesTypeAdapter.validate_python(records[0]["messages"])
    try:
        brief: Brief = find_brief(messages)
    except LookupError:
        raise UserError("the transcript does not begin with a brief, so it cannot be replayed") from None
    found = ReplayReport(turns=0, of=len(records), remarks=_collect_remarks(records))
    journal = _ComparingJournal(records, found, redactor)
    budget = checkout.config.budget
    limits = Limits(turns=max(budget.turns, len(records) + 1), seconds=4 * 3600.0, usd=1e9, tokens=1 << 60)
    sandbox = await checkout.open()
    try:
        model = _RecordedModel(records)
        await run_loop(brief=brief, model=model, sandbox=sandbox, limits=limits, journal=journal)
        if found.turns < len(records):
            what = "the loop ended here; the recorded run went on"
            found.divergence = Divergence(turn=found.turns, call=0, what=what, diff="")
    except _ReplayEnd:
        pass
    finally:
        await sandbox.aclose()
    return found


class _RecordedModel:
    """A ``ModelCall`` that answers as it was recorded, and refuses as often."""

    name = "recorded"

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._at = self._refused = 0

    @property
    def window(self) -> int:
        """As it was at this turn."""
        return int(self._records[min(self._at, len(self._records) - 1)].get("window") or 1 << 40)

    async def open(self) -> None:
        """Nothing is to be opened."""

    async def ask(self, messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition]) -> ModelAnswer:
        """The next recorded answer."""
        if self._at == len(self._records):
            raise _ReplayEnd
        record = self._records[self._at]
        if self._refused < (record.get("compaction") or {"refused": 0})["refused"]:
            self._refused += 1
            raise ContextFull("as recorded")
        self._at, self._refused = self._at + 1, 0
        usage = Usage(turns=1, **{name: record["usage"][name] for name in _TOKENS})
        return ModelAnswer(response=_load_response(record), usage=usage, model=record["model"])

    async def aclose(self) -> None:
        """Nothing is open."""


class _ComparingJournal:
    """A ``Journal`` that holds each turn against its record, and gives the comments that came then."""

    def __init__(self, records: Sequence[Record], found: ReplayReport, redactor: Redactor) -> None:
        self._records = records
        self._found = found
        self._redactor = redactor

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """Ends the replay at the first divergence, and after the last record."""
        old, new = self._records[seq], self._redactor.value(record)
        self._found.divergence = self._compare_compaction(seq, old, new) or self._compare_calls(seq, old, new)
        self._found.turns = seq + 1
        if self._found.divergence:
            raise _ReplayEnd

    async def begin_call(self, seq: int, name: str, arguments: Mapping[str, Any]) -> None:
        """Does nothing: the turn is compared when it is over."""

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        """Does nothing: a replay shows no plan."""

    async def read_steering(self) -> list[PromptText]:
        """The comments that came at the end of this turn."""
        return [PromptText(**{**each, "trust": Trust(each["trust"])}) for each in self._load_steering()]

    def _load_steering(self) -> Sequence[Record]:
        comments: Sequence[Record] = self._records[self._found.turns]["heard"]
        return comments

    def _compare_calls(self, seq: int, old: Record, new: Record) -> Divergence | None:
        for number, (before, now) in enumerate(zip(old["calls"], new["calls"], strict=False), 1):
            if before["name"] == now["name"] and before["name"] in _NOT_COMPARED:
                self._found.aside[f"what `{before['name']}` gave back"] += 1
                continue
            agree = is_same(before["output"], now["output"], self._found.aside) and before["ok"] == now["ok"]
            if before["name"] != now["name"] or not agree:
                what = f"{now['name']} {json.dumps(now['args'], ensure_ascii=False)[:300]}"
                diff = render_difference(before["output"], now["output"])
                return Divergence(turn=seq + 1, call=number, what=what, diff=diff)
        if len(old["calls"]) != len(new["calls"]):
            what = f"{len(old['calls'])} calls were carried out, now {len(new['calls'])}"
            return Divergence(turn=seq + 1, call=0, what=what, diff="")
        return None

    def _compare_compaction(self, seq: int, old: Record, new: Record) -> Divergence | None:
        before, now = ((each.get("compaction") or {"text": ""}) for each in (old, new))
        if is_same(before["text"], now["text"], self._found.aside):
            return None
        diff = render_difference(before["text"], now["text"])
        return Divergence(turn=seq + 1, call=0, what="earlier turns are told otherwise", diff=diff)


def _load_response(record: Record) -> ModelResponse:
    """The model's answer as it came: without the text that the loop puts into an empty one."""
    messages = ModelMessagesTypeAdapter.validate_python(record["messages"])
    [response] = [each for each in messages if isinstance(each, ModelResponse)]
    if not record["text"] and not record["calls"]:
        response.parts = [part for part in response.parts if not isinstance(part, TextPart)]
    return response


def _collect_remarks(records: Sequence[Record]) -> list[str]:
    """What a reader must know before believing the result."""
    redacted = [
        str(record["seq"] + 1)
        for record in records
        if is_redacted(
            json.dumps(ModelMessagesTypeAdapter.dump_python([_load_response(record)], mode="json"))
        )
    ]
    remarks = []
    if redacted:
        remarks.append(
            f"the stored answer is redacted in turn {', '.join(redacted)}: its calls are carried out with "
            "the redacted words, and what follows from them may differ"
        )
    again = [
        str(record["seq"] + 1)
        for record in records[1:]
        if record["messages"] and record["messages"][0].get("kind") == "request"
    ]
    if again:
        remarks.append(
            f"the run was interrupted before turn {', '.join(again)}: outputs kept for reading were lost"
        )
    return remarks
