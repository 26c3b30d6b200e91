"""Real HTTP servers that speak as model providers do: OpenAI's chat completions and Anthropic's messages.

A plain module: ``async with serving("openai") as server``. What is to be answered is said once for both, as
``Say`` or ``Fault``; a function of the request gives one of these. Both stream, and keep what they were sent,
byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import os.path
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support import DATA

KEY = "key-of-nobody"
TOKENS_IN, TOKENS_CACHED, TOKENS_OUT = 1000, 600, 50


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool call; ``raw`` stands for arguments that are not what they should be."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)
    raw: str | None = None
    id: str = ""

    @property
    def text(self) -> str:
        return json.dumps(self.args) if self.raw is None else self.raw


def call(name: str, /, **args: Any) -> Call:
    """A good call."""
    return Call(name=name, args=args)


@dataclass(frozen=True, kw_only=True)
class Say:
    """An answer in words and calls.

    ``broken`` cuts the connection in the middle of what comes last, ``ended`` ends the stream there as if all
    were well, ``stall`` says nothing more there, ``overloaded`` sends the provider's error there.
    """

    text: str = ""
    thinking: str = ""
    calls: Sequence[Call] = ()
    cut_off: bool = False  # at the maximum length
    broken: bool = False
    ended: bool = False
    stall: bool = False
    overloaded: bool = False
    tokens: int = TOKENS_IN


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An answer that is none: a status with an error, or ``raw`` bytes as if they were a stream."""

    status: int = 200
    code: str = ""
    message: str = "out of order"
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    stall: bool = False
    body: dict[str, Any] | None = None  # the error just so, for a server's own shape


Answer = Say | Fault
Script = Callable[[dict[str, Any]], Answer]


class Server:
    """One provider. Gives ``answers`` one after the other, each a value or a function of the request."""

    path = ""
    model = ""  # as Hob is told of it

    def __init__(self) -> None:
        self.answers: list[Answer | Script] = []
        self.always: Script | None = None  # when ``answers`` is empty
        self.most_bytes = 0  # of a request; 0: any
        self.bodies: list[bytes] = []
        self.refused: list[int] = []  # the numbers of requests that were too long
        self.url = ""
        self.about: dict[str, Any] = {}  # what it says of itself, by path
        self.told: list[str] = []  # the paths that were asked for besides
        self._ids = 0

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What was sent, parsed."""
        return [json.loads(each) for each in self.bodies]

    async def tell(self, request: web.Request) -> web.Response:
        """Serve what is no completion: ``about``, which may change by being asked."""
        self.told.append(f"{request.method} {request.path}")
        said = self.about.get(request.path)
        said = said(self) if callable(said) else said
        return web.json_response(said) if said is not None else web.json_response({}, status=404)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        assert KEY in str(request.headers), "the key is not sent"
        body = await request.read()
        self.bodies.append(body)
        if self.most_bytes and len(body) > self.most_bytes:
            self.refused.append(len(self.bodies) - 1)
            return self.error(self.too_long)
        assert self.answers or self.always, f"asked {len(self.bodies)} times, which is too often"
        answer = self.answers.pop(0) if self.answers else self.always
        if callable(answer):
            answer = answer(json.loads(body))
        if isinstance(answer, Fault):
            return await self._fault(answer)
        assert isinstance(answer, Say)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        events = list(self.events(answer))
        if answer.broken or answer.ended or answer.stall or answer.overloaded:
            events = events[: self.middle(answer, events)]
        for event in events:
            await response.write(event)
        if answer.overloaded:
            await response.write(self.overload)
        if answer.stall:
            await asyncio.sleep(60)
        if answer.broken:
            assert request.transport is not None
            request.transport.abort()
        return response

    async def _fault(self, fault: Fault) -> web.StreamResponse:
        if fault.stall:
            await asyncio.sleep(60)
        if fault.raw is not None:
            return web.Response(body=fault.raw, content_type="text/event-stream")
        return self.error(fault)

    def next_id(self) -> str:
        """Of a tool call."""
        self._ids += 1
        return f"call_{self._ids}"

    too_long = Fault()
    overload = b""

    def error(self, fault: Fault) -> web.Response:
        raise NotImplementedError

    def events(self, answer: Say) -> Iterator[bytes]:
        raise NotImplementedError

    def middle(self, answer: Say, events: list[bytes]) -> int:
        """How many events go out before what comes last is broken in its middle."""
        raise NotImplementedError


class OpenAI(Server):
    """https://platform.openai.com/docs/api-reference/chat/streaming."""

    path = "/v1/chat/completions"
    model = "openai-chat:gpt-4o"
    thinking_fields: tuple[str, ...] = ("reasoning_content",)
    says_no_thinking = False  # whether an answer without thinking has the field too, empty or null
    too_long = Fault(
        status=400, code="context_length_exceeded", message="This model's maximum context length is less."
    )
    overload = b'data: {"error": {"message": "overloaded", "type": "server_error", "code": 529}}\n\n'

    def error(self, fault: Fault) -> web.Response:
        error = {"message": fault.message, "type": "error", "code": fault.code or None}
        return web.json_response(fault.body or {"error": error}, status=fault.status, headers=fault.headers)

    def events(self, answer: Say) -> Iterator[bytes]:
        yield self._delta({"role": "assistant", "content": ""})
        for piece in _pieces(answer.thinking):
            yield self._delta(dict.fromkeys(self.thinking_fields, piece))
        if self.says_no_thinking and not answer.thinking:
            yield self._delta(dict.fromkeys(self.thinking_fields, "") | {"content": None})
            yield self._delta(dict.fromkeys(self.thinking_fields) | {"content": ""})
        for piece in _pieces(answer.text):
            yield self._delta({"content": piece})
        for index, each in enumerate(answer.calls):
            function = {"name": each.name, "arguments": ""}
            start = {
                "index": index,
                "id": each.id or self.next_id(),
                "type": "function",
                "function": function,
            }
            yield self._delta({"tool_calls": [start]})
            for piece in _pieces(each.text):
                yield self._delta({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        reason = "length" if answer.cut_off else "tool_calls" if answer.calls else "stop"
        yield self._event(choices=[{"index": 0, "delta": {}, "finish_reason": reason}])
        usage = {"prompt_tokens": answer.tokens, "completion_tokens": TOKENS_OUT}
        usage |= {"total_tokens": answer.tokens + TOKENS_OUT}
        details = {"prompt_tokens_details": {"cached_tokens": TOKENS_CACHED}}
        yield self._event(choices=[], usage=usage | details) + b"data: [DONE]\n\n"

    def middle(self, answer: Say, events: list[bytes]) -> int:
        return len(events) - 3

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._event(choices=[{"index": 0, "delta": delta, "finish_reason": None}])

    def _event(self, **fields: Any) -> bytes:
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", **fields}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"


class Anthropic(Server):
    """https://docs.anthropic.com/en/api/messages-streaming."""

    path = "/v1/messages"
    model = "anthropic:claude-sonnet-5"
    too_long = Fault(
        status=400, code="invalid_request_error", message="prompt is too long: 9 tokens > 8 maximum"
    )
    overload = (
        b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", '
        b'"message": "Overloaded"}}\n\n'
    )

    def error(self, fault: Fault) -> web.Response:
        error = {"type": fault.code or "api_error", "message": fault.message}
        return web.json_response(
            {"type": "error", "error": error}, status=fault.status, headers=fault.headers
        )

    def events(self, answer: Say) -> Iterator[bytes]:
        usage = {
            "input_tokens": answer.tokens - TOKENS_CACHED,
            "cache_read_input_tokens": TOKENS_CACHED,
            "cache_creation_input_tokens": 0,
            "output_tokens": 1,
        }
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5"}
        rest = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        yield self._event("message_start", message=message | rest)
        at = 0
        if answer.thinking:
            block = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(answer.thinking)]
            signature = {"type": "signature_delta", "signature": f"signed-{len(answer.thinking)}"}
            yield from self._block(at, block, [*deltas, signature])
            at += 1
        if answer.text:
            deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(answer.text)]
            yield from self._block(at, {"type": "text", "text": ""}, deltas)
            at += 1
        for each in answer.calls:
            block = {"type": "tool_use", "id": each.id or self.next_id(), "name": each.name, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(each.text)]
            yield from self._block(at, block, deltas)
            at += 1
        reason = "max_tokens" if answer.cut_off else "tool_use" if answer.calls else "end_turn"
        delta = {"stop_reason": reason, "stop_sequence": None}
        yield self._event("message_delta", delta=delta, usage={"output_tokens": TOKENS_OUT})
        yield self._event("message_stop")

    def middle(self, answer: Say, events: list[bytes]) -> int:
        return len(events) - 4

    def _block(self, at: int, block: dict[str, Any], deltas: Sequence[dict[str, Any]]) -> Iterator[bytes]:
        yield self._event("content_block_start", index=at, content_block=block)
        for delta in deltas:
            yield self._event("content_block_delta", index=at, delta=delta)
        yield self._event("content_block_stop", index=at)

    def _event(self, kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


class Ollama(OpenAI):
    """https://docs.ollama.com/openai: thinking in ``reasoning``."""

    model = "ollama:gpt-oss:20b"
    thinking_fields = ("reasoning",)


class VLLM(OpenAI):
    """https://docs.vllm.ai/en/stable/features/reasoning_outputs: both names, one of them deprecated."""

    model = "vllm:Qwen/Qwen3-32B"
    thinking_fields = ("reasoning", "reasoning_content")


class DeepSeek(OpenAI):
    """https://api-docs.deepseek.com/guides/thinking_mode, as any OpenAI-compatible server."""

    model = "openai-chat:deepseek-reasoner"
    says_no_thinking = True


class Responses(Server):
    """https://platform.openai.com/docs/api-reference/responses-streaming."""

    path = "/v1/responses"
    model = "openai:gpt-5"

    def events(self, answer: Say) -> Iterator[bytes]:
        head = {"id": f"resp_{len(self.bodies)}", "object": "response", "created_at": 1, "model": "gpt-5"}
        head |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None}
        yield self._event("response.created", response=head | {"status": "in_progress", "output": []})
        output: list[dict[str, Any]] = []
        if answer.thinking:
            summary = [{"type": "summary_text", "text": answer.thinking}]
            signed = {"encrypted_content": f"sealed-{len(answer.thinking)}"}
            item = {"type": "reasoning", "id": f"rs_{self.next_id()}", "summary": summary} | signed
            yield from self._item(len(output), item, item | {"summary": []})
            output.append(item)
        if answer.text:
            content = [{"type": "output_text", "text": answer.text, "annotations": []}]
            item = {"type": "message", "id": f"msg_{self.next_id()}", "role": "assistant", "content": content}
            item["status"] = "completed"
            yield self._event(
                "response.output_item.added", output_index=len(output), item=item | {"content": []}
            )
            place = {"item_id": item["id"], "output_index": len(output), "content_index": 0}
            yield self._event("response.output_text.delta", delta=answer.text, logprobs=[], **place)
            yield self._event("response.output_item.done", output_index=len(output), item=item)
            output.append(item)
        for each in answer.calls:
            item = {"type": "function_call", "id": f"fc_{self.next_id()}", "name": each.name}
            item |= {"call_id": each.id or self.next_id(), "arguments": each.text, "status": "completed"}
            yield from self._item(len(output), item, item | {"arguments": ""})
            output.append(item)
        usage = {"input_tokens": answer.tokens, "output_tokens": TOKENS_OUT, "total_tokens": answer.tokens}
        usage |= {"input_tokens_details": {"cached_tokens": TOKENS_CACHED, "cache_write_tokens": 0}}
        usage |= {"output_tokens_details": {"reasoning_tokens": 0}}
        done = head | {"status": "completed", "output": output, "usage": usage}
        yield self._event("response.completed", response=done)

    def _item(self, at: int, item: dict[str, Any], before: dict[str, Any]) -> Iterator[bytes]:
        yield self._event("response.output_item.added", output_index=at, item=before)
        if item["type"] == "function_call":
            place = {"item_id": item["id"], "output_index": at}
            yield self._event("response.function_call_arguments.delta", delta=item["arguments"], **place)
        yield self._event("response.output_item.done", output_index=at, item=item)

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._ids += 1
        data = {"type": kind, "sequence_number": self._ids, **fields}
        return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


SERVERS: dict[str, type[Server]] = {"openai": OpenAI, "anthropic": Anthropic}  # every test's
DIALECTS: dict[str, type[Server]] = {
    **SERVERS,
    "ollama": Ollama,
    "vllm": VLLM,
    "deepseek": DeepSeek,
    "responses": Responses,
}


@asynccontextmanager
async def serving(kind: str | Server) -> AsyncIterator[Server]:
    """A server, or one of that kind, on loopback; ``environment`` makes Hob speak to it."""
    server = DIALECTS[kind]() if isinstance(kind, str) else kind
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post(server.path, server.complete)
    app.router.add_route("*", "/{any:.*}", server.tell)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


def environment(server: Server) -> dict[str, str]:
    """The variables that name the server and a key for it."""
    # A client reads the certificates that it trusts. The system's are hundreds, and no server here has one.
    trusted = {"SSL_CERT_FILE": str(DATA / "one_certificate.pem")}
    name = {"ollama": "OLLAMA", "vllm": "VLLM"}.get(server.model.partition(":")[0], "OPENAI")
    if not isinstance(server, Anthropic):
        return {f"{name}_BASE_URL": f"{server.url}/v1", f"{name}_API_KEY": KEY, **trusted}
    return {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": KEY, **trusted}


def _pieces(text: str) -> list[str]:
    """In two halves: what must be joined again is joined only if both arrive."""
    half = (len(text) + 1) // 2
    return [piece for piece in (text[:half], text[half:]) if piece]


def bodies(server: Server) -> list[bytes]:
    """What the provider caches, in its order: tools, system, messages; breakpoints are not part of it."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key != "cache_control"}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return [
        json.dumps([each["tools"], each.get("system"), plain(each["messages"])]).encode()
        for each in server.asked
    ]


def common(*two: bytes) -> int:
    """The length of the prefix they share."""
    return len(os.path.commonprefix(two))  # noqa: RUF071 - character by character is meant
