"""The three standard streams of one command: input from memory, output read as it comes and capped."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from sandbox.memory_file import memory_file
from sandbox.output.capture import Capture, Overflow
from sandbox.spec import Command

_PIPE_BYTES = 1 << 18
_DRAIN_SECONDS = 2.0


class Streams:
    """``fds`` are the command's ends of stdin, stdout and stderr; once passed on, ``close_command_ends``."""

    def __init__(
        self, command: Command, cap: int, on_output: Callable[[bytes], None] | None, overflow: Overflow
    ) -> None:
        self.overflow = overflow
        self.output = Capture(cap, on_output, overflow)
        self.errors = Capture(cap) if command.split_stderr else None
        stdin = (
            memory_file(command.stdin) if command.stdin else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        )
        self.fds = [stdin]
        self._open: dict[int, asyncio.Future[None]] = {}
        for capture in (self.output, self.errors):
            self.fds.append(self.fds[-1] if capture is None else self._pipe(capture))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_command_ends()
        for fd in list(self._open):
            self._close(fd)
        self.overflow.close()

    def close_command_ends(self) -> None:
        """Close this process's copies of the command's ends."""
        for fd in set(self.fds):
            os.close(fd)
        self.fds = []

    async def drain(self) -> None:
        """Wait until both outputs are read to their end; call it once everything that could write is dead."""
        if self._open:
            await asyncio.wait(set(self._open.values()), timeout=_DRAIN_SECONDS)

    def _pipe(self, capture: Capture) -> int:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        with suppress(OSError):  # a user may have used up the size that pipes may have in all
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(ours, False)
        loop = asyncio.get_running_loop()
        self._open[ours] = loop.create_future()
        loop.add_reader(ours, self._read, ours, capture)
        return theirs

    def _read(self, fd: int, capture: Capture) -> None:
        with suppress(BlockingIOError):
            data = os.read(fd, _PIPE_BYTES)
            capture.feed(data)
            if not data:
                self._close(fd)

    def _close(self, fd: int) -> None:
        end = self._open.pop(fd)
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)
        if not end.done():
            end.set_result(None)
