"""The conversation as one provider may be shown it: others' thinking left out, identifiers that it takes.

A run may change its provider on the way, by a chain or because it is taken up again under other settings.
What is changed here depends on nothing but the messages before, so the prefix of what is sent stays the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
)

from bot.agent.models.call_values import decode_object

# https://docs.anthropic.com/en/api/messages: tool_use.id; others give identifiers such as functions.read:0.
_NOT_EVERYWHERE = re.compile(r"[^a-zA-Z0-9_-]")
# Numbers that Python's json accepts, though JSON or its other readers do not.
_MOST_DIGITS = 1000
_ODD_NUMBER = re.compile(r"NaN|Infinity|[0-9][eE]\+?[0-9]{3}|[0-9]{1000}")


def to_provider(messages: Sequence[ModelMessage], provider: str) -> list[ModelMessage]:
    """``messages`` for the provider that pydantic-ai calls ``provider``.

    The thinking of another provider is left out: adapters would send it as text, some of them as the user's.
    """
    foreign = {
        part.tool_call_id
        for message in messages
        if isinstance(message, ModelResponse) and message.provider_name != provider
        for part in message.tool_calls
    }
    return [_convert_message(message, provider, foreign) for message in messages]


def from_provider(response: ModelResponse, before: Sequence[ModelMessage]) -> ModelResponse:
    """The answer in a form that every provider accepts as history.

    Calls get identifiers that no other call of ``before`` and the answer has; numbers that JSON does not
    have become strings, half a surrogate pair becomes U+FFFD.
    """
    taken = {
        call.tool_call_id
        for message in before
        if isinstance(message, ModelResponse)
        for call in message.tool_calls
    }
    parts = []
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            identifier = _make_unique_id(part.tool_call_id, taken)
            taken.add(identifier)
            args = _replace_odd_numbers(_unquote_object(part.args))
            part = replace(part, tool_call_id=identifier, args=args)
        elif (
            isinstance(part, (TextPart, ThinkingPart))
            and (whole := _replace_half_surrogates(part.content)) != part.content
        ):
            part = replace(part, content=whole)
        parts.append(part)
    return replace(response, parts=parts)


def _make_unique_id(identifier: str, taken: set[str]) -> str:
    if identifier and identifier not in taken:
        return identifier
    numbered = (f"{identifier[:48] or 'call'}_{number}" for number in range(2, len(taken) + 3))
    return next(each for each in numbered if each not in taken)


def _unquote_object(args: Any) -> Any:
    """Arguments that are JSON within a JSON string, as some small models write them, without the string."""
    if not isinstance(args, str) or not args.lstrip().startswith('"'):
        return args
    inner = decode_object(args)
    return args if isinstance(inner, str) else inner


def _replace_odd_numbers(args: Any) -> Any:
    """Arguments without NaN and infinities, which JSON lacks; invalid JSON is returned unchanged."""
    text = _replace_half_surrogates(args) if isinstance(args, str) else json.dumps(args)
    if not _ODD_NUMBER.search(text):
        return text if isinstance(args, str) else args
    try:
        return json.dumps(
            json.loads(text, parse_constant=str, parse_float=_parse_float, parse_int=_parse_int)
        )
    except (ValueError, RecursionError):
        return args


def _parse_float(digits: str) -> float | str:
    return number if math.isfinite(number := float(digits)) else digits


def _parse_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _replace_half_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _convert_message(message: ModelMessage, provider: str, foreign: set[str]) -> ModelMessage:
    """One message; ``foreign`` are the identifiers of calls that other providers made."""
    if isinstance(message, ModelResponse):
        if message.provider_name == provider:
            return message
        parts = [
            replace(part, tool_call_id=_make_plain_id(part.tool_call_id))
            if isinstance(part, ToolCallPart)
            else part
            for part in message.parts
            if not isinstance(part, ThinkingPart)
        ]
        return replace(message, parts=parts or [TextPart(content="(nothing)")])
    if not any(isinstance(part, ToolReturnPart) and part.tool_call_id in foreign for part in message.parts):
        return message
    return _convert_returns(message, foreign)


def _convert_returns(message: ModelRequest, foreign: set[str]) -> ModelRequest:
    return replace(
        message,
        parts=[
            replace(part, tool_call_id=_make_plain_id(part.tool_call_id))
            if isinstance(part, ToolReturnPart) and part.tool_call_id in foreign
            else part
            for part in message.parts
        ],
    )


def _make_plain_id(identifier: str) -> str:
    return _NOT_EVERYWHERE.sub("_", identifier)[:64] or "call"
