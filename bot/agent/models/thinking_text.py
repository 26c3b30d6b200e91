"""Thinking that a server left in an answer's text, between ``<think>`` marks.

pydantic-ai takes it out where a mark comes in a piece of its own; servers cut answers anywhere. Where the
prompt template already contains the opening mark, the text has the closing one only (DeepSeek R1, Qwen3
Thinking).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pydantic_ai.messages import ModelResponse, ModelResponsePart, TextPart, ThinkingPart

FROM_TEXT = "content"  # pydantic-ai's id of thinking that was found in the text

_MARKS = ("think", "thinking", "thought", "reasoning")
_BLOCK = re.compile(rf"<({'|'.join(_MARKS)})>(.*?)(?:</\1>|\Z)", re.DOTALL)
_END_ALONE = re.compile(rf"\A(.*?)</(?:{'|'.join(_MARKS)})>", re.DOTALL)


def split_thinking(response: ModelResponse) -> ModelResponse:
    """The answer, with the thinking at the beginning of its text moved into a part of its own."""
    parts: list[ModelResponsePart] = []
    for part in response.parts:
        parts += _split_text(part) if isinstance(part, TextPart) else [part]
    return replace(response, parts=parts)


def _split_text(part: TextPart) -> Iterator[ModelResponsePart]:
    text = part.content
    if block := _BLOCK.match(text.lstrip()):
        thought, rest = block[2], text.lstrip()[block.end() :]
    elif (end := _END_ALONE.match(text)) and not _BLOCK.search(text[: end.end()]):
        thought, rest = end[1], text[end.end() :]
    else:
        yield part
        return
    if thought.strip():
        yield ThinkingPart(content=thought.strip(), id=FROM_TEXT)
    if rest.strip():
        yield replace(part, content=rest.strip())
