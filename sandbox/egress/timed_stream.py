"""A stream whose every wait has a deadline, and the relay of bytes between two of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 1 << 16
_LINGER_SECONDS = 1.0


class TimedStream:
    """A reader and a writer with deadlines. ``moved`` is the time (monotonic) of the last byte in or out."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle_seconds: float
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._idle = idle_seconds
        self.moved = time.monotonic()
        self._has_sent = False

    async def receive(self, seconds: float | None = None) -> bytes:
        """The next bytes, empty at the end. Raises TimeoutError."""
        async with asyncio.timeout(self._idle if seconds is None else seconds):
            data = await self.reader.read(_CHUNK)
        self.moved = time.monotonic()
        return data

    async def send(self, data: bytes) -> None:
        """Write bytes. Raises TimeoutError when the other side does not take them."""
        self._has_sent = True
        self.writer.write(data)
        async with asyncio.timeout(self._idle):
            await self.writer.drain()
        self.moved = time.monotonic()

    def pause(self) -> None:
        """Stop reading until TLS takes over."""
        transport = self.writer.transport
        if isinstance(transport, asyncio.Transport):
            transport.pause_reading()

    async def close(self) -> None:
        """Close after at most a second in which what was sent may arrive."""
        with suppress(OSError, TimeoutError, RuntimeError):
            async with asyncio.timeout(_LINGER_SECONDS):
                if self._has_sent and self.writer.can_write_eof():
                    self.writer.write_eof()
                    while await self.reader.read(_CHUNK):  # unread bytes would turn the end into a reset
                        pass
                self.writer.close()
                await self.writer.wait_closed()
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        with suppress(AttributeError):  # of a TLS transport that has ended already, before Python 3.11.4
            self.writer.transport.abort()


async def relay(
    one: TimedStream, two: TimedStream, idle_seconds: float, count: Callable[[int, bool], None]
) -> None:
    """Pass bytes both ways until both sides have ended, or nothing has moved for ``idle_seconds``.

    ``count`` gets the length and whether it went from one to two, and may raise to end it. A side that has
    ended may still be sent to, for as long as something moves. Raises TimeoutError, OSError.
    """

    async def pump(source: TimedStream, target: TimedStream, out: bool) -> None:
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


async def _next(source: TimedStream, one: TimedStream, two: TimedStream, idle_seconds: float) -> bytes:
    """The next bytes of ``source``; idle time counts only while neither side sends."""
    while True:
        idle = time.monotonic() - max(one.moved, two.moved)
        try:
            return await source.receive(max(0.05, idle_seconds - idle))
        except TimeoutError:
            if time.monotonic() - max(one.moved, two.moved) >= idle_seconds:
                raise
