"""A model that plays a script: the loop, the tools and what follows run for real.

A script is a list of turns. A turn is a :func:`call`, a text, a list of both, an exception to raise, or a
function of the messages so far that gives one of these. Which turn comes next is counted from the answers in
the conversation (a compaction says how many turns it summarizes), so a run that is resumed on another machine
goes on where it was.

    make_scripted_model(
        [call("shell", command="pytest -q"), call("finish", kind="answered", summary="All pass.")]
    )
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from pathlib import Path
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import RequestUsage

from bot.agent.conversation import count_summarized_turns
from bot.agent.models.provider_errors import ContextFull
from bot.agent.prompt import find_brief
from bot.errors import UserError

Part = TextPart | ToolCallPart
ScriptedAnswer = str | Part | Sequence["str | Part"]
Turn = ScriptedAnswer | Exception | Callable[[list[ModelMessage]], ScriptedAnswer | Awaitable[ScriptedAnswer]]


def call(name: str, /, **args: Any) -> ToolCallPart:
    """A tool call. For malformed ones build a ``ToolCallPart`` with a string of your own as ``args``."""
    return ToolCallPart(tool_name=name, args=args)


def make_scripted_model(script: Sequence[Turn], *, most_bytes: int | None = None) -> FunctionModel:
    """A pydantic-ai model that plays ``script``; asked for more turns than it has, it raises AssertionError.

    A conversation of more than ``most_bytes`` (as JSON) it refuses.
    """
    turns = list(script)

    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if most_bytes and (size := len(ModelMessagesTypeAdapter.dump_json(messages))) > most_bytes:
            raise ContextFull(f"{size} bytes are more than {most_bytes}")
        at = sum(isinstance(each, ModelResponse) + count_summarized_turns(each) for each in messages)
        if at >= len(turns):
            raise AssertionError(f"the script has {len(turns)} turns, the loop asks for turn {at + 1}")
        turn = turns[at]
        if isinstance(turn, Exception):
            raise turn
        said = turn(messages) if callable(turn) else turn
        said = await said if isawaitable(said) else said
        parts = [said] if isinstance(said, str | TextPart | ToolCallPart) else list(said)
        size = sum(len(repr(message)) for message in messages) // 4
        return ModelResponse(
            parts=[TextPart(part) if isinstance(part, str) else part for part in parts],
            usage=RequestUsage(input_tokens=size, output_tokens=10 * len(parts)),
        )

    return FunctionModel(answer, model_name="scripted")


def load_script(path: str) -> FunctionModel:
    """A script from JSON: a list of turns ``{"text": "...", "calls": [{"name": "...", "args": {...}}]}``.

    A turn with ``"once": FILE`` makes the file ``FILE.asked`` and comes as soon as there is FILE, so that
    something else can happen in between. One with ``"seconds": 20`` comes so much later.
    An object of such lists by number ({"1": [...], "2": [...]}) has a script for each of several attempts.
    For whole processes under test: ``HOB_MODEL=scripted:FILE``. Raises ``UserError`` when the file is not
    one.
    """
    try:
        script = json.loads(Path(path).read_text("utf-8"))
        if isinstance(script, dict):
            return _make_model_by_attempt(
                {int(number): _parse_script(turns) for number, turns in script.items()}
            )
        return make_scripted_model(_parse_script(script))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"HOB_MODEL is scripted:{path}, which is not a script: {error!r}") from error


def _parse_script(script: list[dict[str, Any]]) -> list[Turn]:
    return [_delay(turn, _parse_turn(turn)) for turn in script]


def _delay(turn: dict[str, Any], said: ScriptedAnswer) -> Turn:
    """What is said, once that is to be."""
    if turn.get("once"):
        return _wait_for_file(turn["once"], said)
    return _wait_for(float(turn["seconds"]), said) if turn.get("seconds") else said


def _wait_for(seconds: float, said: ScriptedAnswer) -> Turn:
    async def later(messages: list[ModelMessage]) -> ScriptedAnswer:
        await asyncio.sleep(seconds)
        return said

    return later


def _parse_turn(turn: dict[str, Any]) -> list[str | Part]:
    calls = [
        ToolCallPart(tool_name=each["name"], args=each.get("args", {})) for each in turn.get("calls", [])
    ]
    return [*([turn["text"]] if turn.get("text") else []), *calls]


def _wait_for_file(path: str, said: ScriptedAnswer) -> Turn:
    async def once(messages: list[ModelMessage]) -> ScriptedAnswer:
        Path(f"{path}.asked").touch()
        while not Path(path).exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
        return said

    return once


def _make_model_by_attempt(scripts: dict[int, list[Turn]]) -> FunctionModel:
    """A model that plays the script of the attempt that the brief names (the first when it names none)."""
    models = {number: make_scripted_model(turns) for number, turns in scripts.items()}

    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        wheres = [text.where for text in find_brief(messages).texts]
        numbers = [int(where[8:]) for where in wheres if where.startswith("attempt ") and where[8:].isdigit()]
        function = models[numbers[-1] if numbers else 1].function
        assert function is not None  # noqa: S101 - made above
        said = function(messages, info)
        return said if isinstance(said, ModelResponse) else await said

    return FunctionModel(answer, model_name="scripted")
