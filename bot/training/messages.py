"""A conversation as stored, in OpenAI's chat format, which the others' formats are made of.

https://platform.openai.com/docs/guides/fine-tuning has the rules that ``check_messages`` holds it against.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from bot.agent.tools.registry import list_definitions
from bot.training.example import Message

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROLES = ("system", "user", "assistant", "tool")


def list_tools() -> list[dict[str, Any]]:
    """The tools as a provider is shown them."""
    return [
        {
            "type": "function",
            "function": {
                "name": each.name,
                "description": each.description or "",
                "parameters": each.parameters_json_schema,
            },
        }
        for each in list_definitions()
    ]


def make_messages(stored: Sequence[ModelMessage], safe: Callable[[str], str]) -> tuple[Message, ...]:
    """The conversation up to the last answer, without thoughts; ``safe`` takes secrets out of it."""
    made = [part for message in stored for part in _make_parts(message, safe)]
    while made and made[-1]["role"] != "assistant":
        made.pop()
    if made and "tool_calls" in made[-1]:  # the results of the last calls, which end the work, are not needed
        made[-1] = {"role": "assistant", "content": _tell_calls(made[-1])}
    return tuple(made)


def _make_parts(message: ModelMessage, safe: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    if isinstance(message, ModelResponse):
        yield _make_answer(message, safe)
        return
    for part in message.parts if isinstance(message, ModelRequest) else ():
        if isinstance(part, ToolReturnPart):
            text = part.content if isinstance(part.content, str) else json.dumps(part.content, default=str)
            yield {"role": "tool", "tool_call_id": part.tool_call_id, "content": safe(text)}
        elif isinstance(part, SystemPromptPart):
            yield {"role": "system", "content": safe(part.content)}
        elif isinstance(part, UserPromptPart):
            text = part.content if isinstance(part.content, str) else str(part.content)
            yield {"role": "user", "content": safe(text)}


def _make_answer(message: ModelResponse, safe: Callable[[str], str]) -> dict[str, Any]:
    text = "\n\n".join(part.content for part in message.parts if isinstance(part, TextPart))
    calls = [
        {
            "id": part.tool_call_id,
            "type": "function",
            "function": {"name": part.tool_name, "arguments": safe(part.args_as_json_str())},
        }
        for part in message.parts
        if isinstance(part, ToolCallPart)
    ]
    answer: dict[str, Any] = {"role": "assistant", "content": safe(text)}
    return {**answer, "tool_calls": calls} if calls else answer


def _tell_calls(message: Message) -> str:
    """The last calls as text: a conversation for training ends with an answer, not with calls."""
    calls = (call["function"] for call in message["tool_calls"])
    told = [f"{call['name']}({call['arguments']})" for call in calls]
    return "\n".join(part for part in (message["content"], *told) if part)


def check_messages(messages: Sequence[Message]) -> str:
    """What a provider would refuse in a conversation, '' for nothing."""
    waiting: set[str] = set()
    for at, message in enumerate(messages):
        role, calls = message.get("role"), message.get("tool_calls", ())
        if role not in _ROLES or not isinstance(message.get("content"), str):
            return f"message {at} has no role or no text"
        if waiting and role != "tool":
            return f"message {at} comes before the results of the calls {sorted(waiting)}"
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                return f"message {at} is the result of no call"
            waiting.discard(message["tool_call_id"])
        elif not message["content"] and not calls:
            return f"message {at} is empty"
        for call in calls:
            if not _NAME.fullmatch(call["function"]["name"]):
                return f"message {at} calls a tool whose name no provider takes"
            try:
                json.loads(call["function"]["arguments"])
            except ValueError:
                return f"message {at} has arguments that are no JSON"
            waiting.add(call["id"])
    if not messages or messages[-1]["role"] != "assistant" or waiting:
        return "it does not end with an answer"
    return ""
