"""A little internet on the loopback, and gates that lead to it. A plain module for tests to import."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from aiohttp import web

from sandbox.egress.gate import Gate
from sandbox.egress.upstream import Upstream
from sandbox.spec import Egress, NetworkRequest, Rule

HOST = "files.example.com"


@dataclass
class Internet:
    """A web server under every name, plain and with TLS; ``heard`` are the requests that reached it.

    ``answers`` are what the resolver says of a name, one answer after the other; otherwise the loopback.
    """

    authority: trustme.CA
    plain: int = 0
    tls: int = 0
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)

    def upstream(self) -> Upstream:
        """The only place where the loopback is permitted."""

        async def lookup(name: str) -> Sequence[str]:
            self.asked.append(name)
            answers = self.answers.get(name)
            return answers.pop(0) if answers else ["127.0.0.1"]

        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return Upstream(lookup=lookup, find_objection=lambda address, port: "", trust=context)

    def rule(self, host: str = HOST, *methods: str) -> Rule:
        """A rule for a host on both ports."""
        return Rule(host=host, ports=(self.plain, self.tls), methods=methods)

    def served(self, folder: Path) -> None:
        """Show a folder's files."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.pages[f"/{path.relative_to(folder)}"] = path.read_bytes()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What every name says."""
        body = await request.read()
        self.heard.append(f"{request.method} {request.host} {request.path_qs} {len(body)}")
        self.headers.append(dict(request.headers))
        if request.path == "/away":
            raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")
        if request.path == "/stream":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(64):
                await response.write(b"x" * 65536)
            return response
        page = self.pages.get(request.path) or self.pages.get(f"{request.path}index.html")
        kind = "text/html" if request.path.endswith(("/", ".html")) else "application/octet-stream"
        return web.Response(body=b"hello from outside\n" if page is None else page, content_type=kind)


@asynccontextmanager
async def run_internet(*names: str) -> AsyncIterator[Internet]:
    """Run it; TLS is for HOST and these names."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, *names).configure_cert(context)
    world = Internet(authority)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", world.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        for tls in (None, context):
            listener = socket.create_server(("127.0.0.1", 0))
            await web.SockSite(runner, listener, ssl_context=tls).start()
            port = listener.getsockname()[1]
            world.plain, world.tls = (port, world.tls) if tls is None else (world.plain, port)
        yield world
    finally:
        await runner.cleanup()


class Visitor:
    """A gate without a sandbox: whoever connects to ``port`` is taken for a program inside."""

    def __init__(self, gate: Gate, port: int) -> None:
        self.gate = gate
        self.port = port

    async def says(self, data: bytes, *, seconds: float = 60.0, end: bool = False) -> bytes:
        """Send these bytes as they are; everything that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            if end:
                writer.write_eof()
            async with asyncio.timeout(seconds):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def records(self) -> list[NetworkRequest]:
        """What the gate has written down since the last time."""
        return list((await self.gate.settle())[0])


@asynccontextmanager
async def open_gate(egress: Egress, upstream: Upstream | None = None) -> AsyncIterator[Visitor]:
    """A gate that listens on the test's own loopback."""
    gate = Gate(egress, upstream)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    gate.listen(listener)
    try:
        yield Visitor(gate, port)
    finally:
        await gate.aclose()
