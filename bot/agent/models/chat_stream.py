"""OpenAI's chat protocol as servers on one's own machines stream it: their deviations are mended here.

What is mended: all calls of an answer under one index (Ollama), a call's name or identifier repeated in every
piece (gateways), arguments as an object instead of its text (llama-cpp-python), and an error as a plain
object in the stream, outside of ``error`` (older vLLM). Everything else is pydantic-ai's adapter.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from openai import APIError
from openai.types import chat
from openai.types.chat import chat_completion_chunk as chunks
from pydantic_ai.messages import ModelResponseStreamEvent
from pydantic_ai.models import Model
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIStreamedResponse


@dataclass
class _OpenCall:
    """A call whose pieces are still coming."""

    number: int
    id: str
    text: str = ""


@dataclass
class LenientStream(OpenAIStreamedResponse):
    """A streamed answer, with calls kept apart."""

    _open_calls: dict[int | None, _OpenCall] = field(default_factory=dict, init=False)
    _call_count: int = field(default=0, init=False)

    def _map_tool_call_delta(self, choice: chunks.Choice) -> Iterable[ModelResponseStreamEvent]:
        for piece in choice.delta.tool_calls or []:
            self._mend_piece(piece)
        return super()._map_tool_call_delta(choice)

    def _mend_piece(self, piece: chunks.ChoiceDeltaToolCall) -> None:
        """Give the piece the number of its call, and leave only what is new in it."""
        function = piece.function
        arguments: Any = function.arguments if function else None
        if isinstance(arguments, dict | list):
            arguments = json.dumps(arguments)
        name = (function.name if function else None) or ""
        at = self._open_calls.get(piece.index)
        if at is None or (name and _begins_anew(at, piece.id)):
            at = self._open_calls[piece.index] = _OpenCall(self._call_count, piece.id or "")
            self._call_count += 1
        elif function:
            function.name = None
            piece.id = None
        at.text += arguments or ""
        if function:
            function.arguments = arguments
        piece.index = at.number

    async def _validate_response(self) -> AsyncIterator[chat.ChatCompletionChunk]:
        async for chunk in self._response:
            if str(chunk.object) == "error":
                raise APIError(
                    str(getattr(chunk, "message", "")),
                    request=self._response.source.response.request,
                    body=chunk.to_dict(),
                )
            yield chunk


def _begins_anew(at: _OpenCall, identifier: str | None) -> bool:
    """Whether a piece with a name begins another call, though its index is that of the call ``at``."""
    if identifier:
        return identifier != at.id
    try:
        return isinstance(json.loads(at.text), dict)
    except ValueError:
        return False


class LenientChatModel(OpenAIChatModel):
    """A model behind any server that speaks OpenAI's chat protocol."""

    @property
    def _streamed_response_cls(self) -> type[OpenAIStreamedResponse]:
        return LenientStream


def make_lenient(model: Model) -> Model:
    """``model``, mended where its adapter is the plain one of that protocol; any other as it is."""
    plain = isinstance(model, OpenAIChatModel) and type(model) in (OpenAIChatModel, OllamaModel)
    if not plain or model.provider is None:
        return model
    return LenientChatModel(model.model_name, provider=model.provider, settings=model.settings)
