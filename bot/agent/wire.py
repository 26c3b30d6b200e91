"""The conversation as one provider may be shown it: others' thinking left out, identifiers that it takes.

A run may change its provider on the way, by a chain or because it is taken up again under other settings.
What is changed here depends on nothing but the messages before, so the prefix of what is sent stays the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
)

# https://docs.anthropic.com/en/api/messages: tool_use.id; others give identifiers such as functions.read:0.
_NOT_EVERYWHERE = re.compile(r"[^a-zA-Z0-9_-]")
# How OpenAI-compatible servers name the field that holds thinking; the adapter keeps it as the part's id.
_FIELDS = ("reasoning", "reasoning_content")


def as_shown(messages: Sequence[ModelMessage], provider: str) -> list[ModelMessage]:
    """``messages`` for the provider that pydantic-ai calls ``provider``.

    The thinking of another provider is left out: adapters would show it as words, some of them as the user's.
    Where thinking has a field of its own, a turn without any gets it empty: the adapter would add the field
    to some turns only, and take it away again after the next words of a user, which spoils the prefix.
    """
    foreign = {
        part.tool_call_id
        for message in messages
        if isinstance(message, ModelResponse) and message.provider_name != provider
        for part in message.tool_calls
    }
    shown = [_shown(message, provider, foreign) for message in messages]
    fields = {
        part.id
        for message in shown
        if isinstance(message, ModelResponse)
        for part in message.parts
        if isinstance(part, ThinkingPart) and part.provider_name == provider and part.id in _FIELDS
    }
    if len(fields) != 1:
        return shown
    empty = ThinkingPart(content="", id=fields.pop(), provider_name=provider)
    return [
        replace(message, parts=[empty, *message.parts])
        if isinstance(message, ModelResponse)
        and message.tool_calls
        and not any(isinstance(part, ThinkingPart) for part in message.parts)
        else message
        for message in shown
    ]


def _shown(message: ModelMessage, provider: str, foreign: set[str]) -> ModelMessage:
    """One message; ``foreign`` are the identifiers of calls that other providers made."""
    if isinstance(message, ModelResponse):
        if message.provider_name == provider:
            return message
        parts = [
            replace(part, tool_call_id=_plain(part.tool_call_id)) if isinstance(part, ToolCallPart) else part
            for part in message.parts
            if not isinstance(part, ThinkingPart)
        ]
        return replace(message, parts=parts or [TextPart(content="(nothing)")])
    if not any(isinstance(part, ToolReturnPart) and part.tool_call_id in foreign for part in message.parts):
        return message
    return _with_plain_returns(message, foreign)


def _with_plain_returns(message: ModelRequest, foreign: set[str]) -> ModelRequest:
    return replace(
        message,
        parts=[
            replace(part, tool_call_id=_plain(part.tool_call_id))
            if isinstance(part, ToolReturnPart) and part.tool_call_id in foreign
            else part
            for part in message.parts
        ],
    )


def _plain(identifier: str) -> str:
    return _NOT_EVERYWHERE.sub("_", identifier)[:64] or "call"
