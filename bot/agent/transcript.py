"""A turn as it is stored: enough to show it on a page, to resume after it, and to replay it.

A record is JSON:

- ``seq, at, model``: number of the turn from 0, ISO time of its end, the name of the model that answered
- ``passed_over``: of each model of a chain that was given up in this turn, why
- ``text, thinking``: the text of the answer besides its calls
- ``heard``: new comments that the model sees next: ``where, author, permission, at, trust, text``
- ``guided``: guidance of the repository that the model sees next, in the same shape
- ``calls``: ``id, name, args`` (an object; ``{"": raw}`` if it was not JSON), ``output, ok, malformed, ms``
- ``plan, notes, replies``: as they stand after the turn; ``finish``: ``kind, title, summary``, or null
- ``suspicions``: texts read so far that look like orders: ``where, signs, score``
- ``usage`` of this call: ``input_tokens, output_tokens, cached_tokens, usd, tokens_per_second`` (null if it
  came in one piece); ``total`` of the run up to here: the same without the last, and ``turns, seconds``
- ``ms``: ``model, first_token`` (null if it came in one piece), ``tools, turn``; ``retries`` of the call
- ``window``: how many tokens the model takes; ``compaction``: null, or how the conversation was shortened
  before this call: ``why, told, kept, refused, text`` (see ``bot.agent.compaction``)
- ``messages``: what this turn added to the conversation, as pydantic-ai stores it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)

from bot.agent.conversation import Conversation, restore_messages
from bot.agent.models.calls import ModelAnswer
from bot.agent.tools.context import ExecutedCall, Finish, ToolContext
from bot.domain import Note, OutcomeKind, PromptText, Reply, Step, StepState, Suspicion, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The state of a run that was interrupted, restored from its records."""

    turns: int = 0  # how many are recorded
    messages: list[ModelMessage] = field(default_factory=list)
    used: Usage = field(default_factory=Usage)
    plan: tuple[Step, ...] = ()
    notes: tuple[Note, ...] = ()
    replies: tuple[Reply, ...] = ()
    finish: Finish | None = None
    edited: bool = False
    suspicions: tuple[Suspicion, ...] = ()
    guided: frozenset[str] = frozenset()  # the paths of guidance that was shown


def make_record(
    *,
    seq: int,
    answer: ModelAnswer,
    window: int,
    done: Sequence[ExecutedCall],
    comments: Sequence[PromptText],
    guided: Sequence[PromptText],
    context: ToolContext,
    total: Usage,
    conversation: Conversation,
    seconds: float,
) -> dict[str, Any]:
    """The record of one turn: what ``conversation`` has not stored yet. ``seconds`` is wall time."""
    parts = answer.response.parts
    first = answer.first_token_seconds
    return {
        "seq": seq,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "model": answer.model,
        "passed_over": list(answer.passed_over),
        "text": "\n\n".join(part.content for part in parts if isinstance(part, TextPart)),
        "thinking": "\n\n".join(part.content for part in parts if isinstance(part, ThinkingPart)),
        "heard": [asdict(text) for text in comments],
        "guided": [asdict(text) for text in guided],
        "calls": [_dump_call(each) for each in done],
        "plan": [asdict(step) for step in context.plan],
        "notes": [asdict(note) for note in context.notes],
        "replies": [asdict(reply) for reply in context.replies],
        "suspicions": [asdict(each) for each in context.suspicions],
        "finish": asdict(context.finish) if context.finish else None,
        "usage": {
            **_drop_keys(asdict(answer.usage), "turns", "seconds"),
            "tokens_per_second": answer.tokens_per_second,
        },
        "total": asdict(total),
        "ms": {
            "model": round(answer.usage.seconds * 1000),
            "first_token": None if first is None else round(first * 1000),
            "tools": sum(each.milliseconds for each in done),
            "turn": round(seconds * 1000),
        },
        "retries": answer.retries,
        "window": window,
        "compaction": conversation.compaction.to_record() if conversation.compaction else None,
        "messages": ModelMessagesTypeAdapter.dump_python(conversation.unsaved, mode="json"),
    }


def load_past(records: Sequence[Mapping[str, Any]]) -> Past:
    """Restore the state from all stored records, in order. Raises ``ValueError`` when one is missing."""
    if not records:
        return Past()
    if [each["seq"] for each in records] != list(range(len(records))):
        raise ValueError("the transcript has gaps: turns " + ", ".join(str(each["seq"]) for each in records))
    last = records[-1]
    return Past(
        guided=frozenset(each["where"] for record in records for each in record.get("guided", ())),
        turns=len(records),
        messages=restore_messages(records),
        used=Usage(**last["total"]),
        plan=tuple(Step(text=each["text"], state=StepState(each["state"])) for each in last["plan"]),
        notes=tuple(Note(**each) for each in last["notes"]),
        replies=tuple(Reply(**each) for each in last["replies"]),
        finish=_load_finish(last["finish"]),
        suspicions=load_suspicions(last),
        edited=any(
            call["ok"] and call["name"] in ("edit", "write") for each in records for call in each["calls"]
        ),
    )


def load_suspicions(record: Mapping[str, Any]) -> tuple[Suspicion, ...]:
    """What was read until a turn that looks like orders; nothing in records of older versions."""
    return tuple(
        Suspicion(where=each["where"], signs=tuple(each["signs"]), score=each["score"])
        for each in record.get("suspicions", ())
    )


def _load_finish(stored: Mapping[str, Any] | None) -> Finish | None:
    return Finish(**{**stored, "kind": OutcomeKind(stored["kind"])}) if stored else None


def _dump_call(done: ExecutedCall) -> dict[str, Any]:
    return {
        "id": done.call.tool_call_id,
        "name": done.call.tool_name,
        "args": load_arguments(done.call),
        "output": done.text,
        "ok": done.ok,
        "malformed": done.malformed,
        "ms": done.milliseconds,
    }


def load_arguments(call: ToolCallPart) -> dict[str, Any]:
    """A call's arguments as an object; ``{"": raw}`` where they are not JSON."""
    try:
        return call.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError):
        return {"": str(call.args)}


def _drop_keys(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}
