"""The gate: one sandbox's HTTP proxy, which runs on the host and accepts from a socket that listens inside.

The listening socket was made in the sandbox's network namespace, on its loopback, before anything ran in
there (``sandbox.keeper.network``), and was handed out. So no process stands between, no unix socket is needed
inside, and the namespace has no other way out.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from sandbox.egress.certificate_authority import CertificateAuthority
from sandbox.egress.connection import ProxyConnection
from sandbox.egress.request_log import RequestLog
from sandbox.egress.timed_stream import TimedStream
from sandbox.egress.upstream import Upstream
from sandbox.spec import Egress, NetworkRequest

_SETTLE_SECONDS = 1.0
_PACE_SECONDS = 0.005  # between two connections, so that a flood of them leaves the worker time for its work
_STREAM_BYTES = 1 << 16


class Gate:
    """Serves the connections that ``egress`` allows. Start it with ``listen``, end it with ``aclose``."""

    def __init__(self, egress: Egress, upstream: Upstream | None = None) -> None:
        self.egress = egress
        self.authority = CertificateAuthority()
        self._upstream = upstream or Upstream()
        self._log = RequestLog(egress)
        self._room = asyncio.Semaphore(egress.connections)
        self._connections: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._listening: asyncio.Task[None] | None = None

    def listen(self, listener: socket.socket) -> None:
        """Serve what connects to this listening socket; the gate closes it."""
        listener.setblocking(False)
        self._listener = listener
        self._listening = asyncio.create_task(self._accept(listener))

    async def shut(self, reason: str) -> None:
        """Refuse every request from now on, with this reason, and end the connections that are open."""
        self._log.shut(reason)
        await self._end_connections()

    async def settle(self) -> tuple[tuple[NetworkRequest, ...], int]:
        """End the connections that a dead command left open; its records, and how many more there were."""
        if self._connections:
            await asyncio.wait(set(self._connections), timeout=_SETTLE_SECONDS)
        await self._end_connections()
        return self._log.take()

    async def aclose(self) -> None:
        """Stop listening and end every connection."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        if self._listener is not None:
            self._listener.close()
        await self._end_connections()

    async def _end_connections(self) -> None:
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(set(self._connections))

    async def _accept(self, listener: socket.socket) -> None:
        """Accept connections, at most as many at once as allowed; the kernel queues the rest."""
        loop = asyncio.get_running_loop()
        with listener:
            for _ in range(self.egress.total_connections):
                await asyncio.sleep(_PACE_SECONDS)
                await self._room.acquire()
                try:
                    client, _address = await loop.sock_accept(listener)
                except OSError:
                    self._room.release()
                    await asyncio.sleep(0.1)  # out of descriptors, or the peer has gone already
                    continue
                connection = asyncio.create_task(self._serve(client))
                self._connections.add(connection)
                connection.add_done_callback(self._forget)

    def _forget(self, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        self._room.release()

    async def _serve(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_STREAM_BYTES, loop=loop)
        made: list[asyncio.StreamWriter] = []
        protocol = asyncio.StreamReaderProtocol(reader, lambda _, writer: made.append(writer), loop=loop)
        try:
            await loop.connect_accepted_socket(lambda: protocol, client)
        except OSError:
            client.close()
            return
        stream = TimedStream(reader, made[0], self.egress.idle_seconds)
        with suppress(OSError, TimeoutError):
            await ProxyConnection(stream, self.egress, self._upstream, self.authority, self._log).serve()
