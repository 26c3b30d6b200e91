"""Servers of one's own models as they answer in fact: events, errors, and a window that is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.support.model_servers import TOKENS_OUT, VLLM, Fault, Ollama, Say

_TOKEN = re.compile(r"[A-Za-z]{1,6}|\d{1,3}| {2,16}|[^\sA-Za-z\d]|\n")  # about as large as in a vocabulary


def event(delta: dict[str, Any], finish: str | None = None, **choice: Any) -> bytes:
    """One event with a delta, with the fields that vLLM and Ollama have around it."""
    chosen = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, **choice}
    return _data({"choices": [chosen]})


def stream(*events: bytes, usage: bool = False) -> Fault:
    """A whole answer of such events, with or without a count of tokens."""
    counted = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    last = _data({"choices": [], "usage": counted}) if usage else b""
    return Fault(raw=b"".join(events) + last + b"data: [DONE]\n\n")


def _data(fields: dict[str, Any]) -> bytes:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def refuse(message: str, *, status: int = 400, flat: bool = False) -> Fault:
    """As vLLM refuses; older versions without ``error`` around it."""
    inner = {"message": message, "type": "BadRequestError", "param": None, "code": status}
    return Fault(status=status, body={"object": "error", **inner} if flat else {"error": inner})


def refuse_as_ollama(message: str, *, status: int = 400) -> Fault:
    """As Ollama refuses on its OpenAI-compatible path."""
    return Fault(
        status=status,
        body={"error": {"message": message, "type": "api_error", "param": None, "code": None}},
    )


def count_tokens(request: dict[str, Any]) -> int:
    """About what a vocabulary of today makes of a request's messages and tools."""
    return len(_TOKEN.findall(json.dumps([request.get("tools"), request["messages"]], ensure_ascii=False)))


class SmallVLLM(VLLM):
    """vLLM that was started with ``--max-model-len``: a longer request is refused, an answer cut at its end.

    https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/serving_engine.py
    """

    def __init__(self, window: int, *, tells_window: bool = True) -> None:
        super().__init__()
        self.window = window
        self.largest = 0  # of the requests that were taken, in tokens
        self._tokens = 0  # of the last one
        if tells_window:
            name = self.model.partition(":")[2]
            self.about["/v1/models"] = {
                "object": "list",
                "data": [{"id": name, "object": "model", "max_model_len": window, "owned_by": "vllm"}],
            }

    async def complete(self, request: web.Request) -> web.StreamResponse:
        tokens = count_tokens(json.loads(await request.read()))
        if tokens + TOKENS_OUT > self.window:
            self.bodies.append(await request.read())
            self.refused.append(len(self.bodies) - 1)
            return self.error(
                refuse(
                    f"This model's maximum context length is {self.window} tokens. However, your request has "
                    f"{tokens} input tokens. Please reduce the length of the input messages. "
                    f"(parameter=input_tokens, value={tokens})"
                )
            )
        self.largest = max(self.largest, tokens)
        self._tokens = tokens
        return await super().complete(request)

    def events(self, answer: Say) -> Iterator[bytes]:
        return super().events(replace(answer, tokens=self._tokens))


class SmallOllama(Ollama):
    """Ollama with a small ``num_ctx``: it refuses nothing, and says its size once a model is loaded."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.loaded = False
        name = self.model.partition(":")[2]
        entry = {"name": name, "model": name, "size": 1, "context_length": window}
        self.about["/api/ps"] = lambda _: {"models": [entry] if self.loaded else []}
        self.about["/api/generate"] = lambda _: self._load()

    def _load(self) -> dict[str, Any]:
        self.loaded = True
        return {"model": self.model.partition(":")[2], "response": "", "done": True, "done_reason": "load"}
