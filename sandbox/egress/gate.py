"""The gate of one sandbox: takes connections from a socket that listens inside, serves them on the host.

The listening socket was made in the sandbox's network namespace, on its loopback, before anything ran in
there (``sandbox.keeper.network``), and was handed out. So no process stands between, no unix socket is needed
inside, and the namespace has no other way out.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from sandbox.egress.certificate_authority import Authority
from sandbox.egress.connection import Visit
from sandbox.egress.request_log import Log
from sandbox.egress.timed_stream import Wire
from sandbox.egress.upstream import Outside
from sandbox.spec import Egress, Request

_SETTLE_SECONDS = 1.0
_PACE_SECONDS = 0.005  # between two connections: the worker has other things to do than to answer a flood
_STREAM_BYTES = 1 << 16


class Gate:
    """Serves the connections that ``egress`` allows. Open it with ``listen``, end it with ``aclose``."""

    def __init__(self, egress: Egress, outside: Outside | None = None) -> None:
        self.egress = egress
        self.authority = Authority()
        self._outside = outside or Outside()
        self._log = Log(egress)
        self._room = asyncio.Semaphore(egress.connections)
        self._visits: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._listening: asyncio.Task[None] | None = None

    def listen(self, listener: socket.socket) -> None:
        """Serve what connects to this listening socket, which is the gate's from now on."""
        listener.setblocking(False)
        self._listener = listener
        self._listening = asyncio.create_task(self._accept(listener))

    async def settle(self) -> tuple[tuple[Request, ...], int]:
        """Once the programs inside are dead: end what they left open, and hand over the records."""
        if self._visits:
            await asyncio.wait(set(self._visits), timeout=_SETTLE_SECONDS)
        await self._end_visits()
        return self._log.take()

    async def aclose(self) -> None:
        """Take no more connections, end those there are."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        if self._listener is not None:
            self._listener.close()
        await self._end_visits()

    async def _end_visits(self) -> None:
        for visit in self._visits:
            visit.cancel()
        if self._visits:
            await asyncio.wait(set(self._visits))

    async def _accept(self, listener: socket.socket) -> None:
        """One connection after the other, never more at once than allowed: the kernel lets the rest wait."""
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
                visit = asyncio.create_task(self._visit(client))
                self._visits.add(visit)
                visit.add_done_callback(self._gone)

    def _gone(self, visit: asyncio.Task[None]) -> None:
        self._visits.discard(visit)
        self._room.release()

    async def _visit(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_STREAM_BYTES, loop=loop)
        made: list[asyncio.StreamWriter] = []
        protocol = asyncio.StreamReaderProtocol(reader, lambda _, writer: made.append(writer), loop=loop)
        try:
            await loop.connect_accepted_socket(lambda: protocol, client)
        except OSError:
            client.close()
            return
        wire = Wire(reader, made[0], self.egress.idle_seconds)
        with suppress(OSError, TimeoutError):
            await Visit(wire, self.egress, self._outside, self.authority, self._log).serve()
