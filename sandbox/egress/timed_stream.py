"""One side of a connection: bytes in and out, each wait with an end, every byte counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 1 << 16
_LINGER_SECONDS = 1.0


class Wire:
    """Streams with deadlines. ``moved`` is when something last came or went."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle_seconds: float
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._idle = idle_seconds
        self.moved = time.monotonic()
        self._spoke = False

    async def receive(self, seconds: float | None = None) -> bytes:
        """Some bytes, empty at the end. Raises TimeoutError."""
        data = await asyncio.wait_for(self.reader.read(_CHUNK), self._idle if seconds is None else seconds)
        self.moved = time.monotonic()
        return data

    async def send(self, data: bytes) -> None:
        """Pass bytes on. Raises TimeoutError when the other side does not take them."""
        self._spoke = True
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), self._idle)
        self.moved = time.monotonic()

    def pause(self) -> None:
        """Read nothing more, until TLS takes over."""
        transport = self.writer.transport
        if isinstance(transport, asyncio.Transport):
            transport.pause_reading()

    async def close(self) -> None:
        """Let what was sent arrive, for a moment, then end it whatever the other side does."""
        with suppress(OSError, TimeoutError, RuntimeError):
            async with asyncio.timeout(_LINGER_SECONDS):
                if self._spoke and self.writer.can_write_eof():
                    self.writer.write_eof()
                    while await self.reader.read(_CHUNK):  # unread bytes would turn the end into a reset
                        pass
                self.writer.close()
                await self.writer.wait_closed()
        self.abort()

    def abort(self) -> None:
        """End it now."""
        with suppress(AttributeError):  # of a TLS transport that has ended already, before Python 3.11.4
            self.writer.transport.abort()


async def splice(one: Wire, two: Wire, idle_seconds: float, count: Callable[[int, bool], None]) -> None:
    """Pass bytes both ways until both sides have ended, or nothing has moved for ``idle_seconds``.

    ``count`` gets the length and whether it went from one to two, and may raise to end it. A side that has
    ended may still be sent to, for as long as something moves. Raises TimeoutError, OSError.
    """

    async def pump(source: Wire, target: Wire, out: bool) -> None:
        while data := await _next(source, one, two, idle_seconds):
            count(len(data), out)
            await target.send(data)
        if target.writer.can_write_eof():
            target.writer.write_eof()

    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(pump(one, two, True))
            both.create_task(pump(two, one, False))
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


async def _next(source: Wire, one: Wire, two: Wire, idle_seconds: float) -> bytes:
    """Bytes of one side; that only the other side talks is not idleness."""
    while True:
        quiet = time.monotonic() - max(one.moved, two.moved)
        try:
            return await source.receive(max(0.05, idle_seconds - quiet))
        except TimeoutError:
            if time.monotonic() - max(one.moved, two.moved) >= idle_seconds:
                raise
