"""A command of a sandbox that runs beside others: its output as it comes, its end, and how it is stopped."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from sandbox.memory_file import memory_file
from sandbox.spec import BackgroundState, Command, KiB

KEPT_BYTES = 256 * KiB  # of output that nobody has taken yet: the newest
_STATUS_BYTES = 64 * KiB
_READ_BYTES = 1 << 16
_STOP_SECONDS = 5.0


class BackgroundStreams:
    """The pipes of a command to be started; ``fds`` are its stdin, stdout and stderr, ``status`` is for
    bubblewrap's report. What is not taken is closed at the end of the ``with`` block.
    """

    def __init__(self, command: Command) -> None:
        stdin = (
            memory_file(command.stdin) if command.stdin else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        )
        self._output, output = os.pipe2(os.O_CLOEXEC)
        self._report, self.status = os.pipe2(os.O_CLOEXEC)
        self.fds = [stdin, output, output]
        self._taken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_command_ends()
        if not self._taken:
            os.close(self._output)
            os.close(self._report)

    def close_command_ends(self) -> None:
        """Close this process's copies of the command's ends."""
        for fd in {*self.fds, *([self.status] if self.status >= 0 else [])}:
            os.close(fd)
        self.fds, self.status = [], -1

    def take(self) -> tuple[int, int]:
        """The descriptors to read output and report from; who takes them closes them."""
        self._taken = True
        return self._output, self._report


class BwrapBackground:
    """The bubblewrap backend's ``sandbox.spec.BackgroundCommand``; ``pid`` is its bubblewrap's.

    ``on_output`` and ``on_end`` are as in ``sandbox.spec.Sandbox.start``.
    """

    def __init__(
        self,
        fds: tuple[int, int],
        kill: Callable[[], None],
        seconds: float,
        pid: int,
        *,
        on_output: Callable[[bytes], None] | None = None,
        on_end: Callable[[BackgroundState], None] | None = None,
    ) -> None:
        self.pid = pid
        self._kill = kill
        self._on_output, self._on_end = on_output, on_end
        self._output = bytearray()
        self._dropped = 0
        self._report = bytearray()
        self._began = time.monotonic()
        self._seconds: float | None = None  # that it took, once it is over
        self._reason = ""
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = loop.create_future()
        self._open = dict(zip(fds, (self._keep_output, self._keep_report), strict=True))
        for fd, keep in self._open.items():
            os.set_blocking(fd, False)
            loop.add_reader(fd, self._read, fd, keep)
        self._deadline = loop.call_later(seconds, self._end, "its time was over")

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more."""
        return self._seconds is not None

    def take_output(self) -> tuple[bytes, int]:
        """What it printed since the last call, and how many bytes before that were dropped for room."""
        taken, dropped = bytes(self._output), self._dropped
        self._output.clear()
        self._dropped = 0
        return taken, dropped

    @property
    def state(self) -> BackgroundState:
        """Whether it runs, and how it ended."""
        seconds = time.monotonic() - self._began if self._seconds is None else self._seconds
        code = self._read_exit_code() if self.is_over and not self._reason else None
        return BackgroundState(
            is_running=not self.is_over, seconds=seconds, exit_code=code, reason=self._reason
        )

    async def wait(self, seconds: float) -> None:
        """Wait until it is over, ``seconds`` at most."""
        await asyncio.wait({self._over}, timeout=seconds)

    async def stop(self) -> None:
        """Kill it and everything it started; returns when that is done."""
        if not self.is_over:
            self._end("it was stopped")
            await self.wait(_STOP_SECONDS)

    def note_close(self) -> None:
        """Its sandbox is about to be closed, which ends it."""
        if not self.is_over:
            self._reason = self._reason or "its sandbox was closed"

    def close(self) -> None:
        """Its sandbox is closed, so it is dead."""
        self.note_close()
        for fd in list(self._open):
            self._close(fd)

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._kill()

    def _read(self, fd: int, keep: Callable[[bytes], None]) -> None:
        with suppress(BlockingIOError):
            data = os.read(fd, _READ_BYTES)
            keep(data)
            if not data:
                self._close(fd)

    def _keep_output(self, data: bytes) -> None:
        if self._on_output is not None and data:
            self._on_output(data)
        self._output += data
        more = len(self._output) - KEPT_BYTES
        if more > 0:
            del self._output[:more]
            self._dropped += more

    def _keep_report(self, data: bytes) -> None:
        self._report += data[: _STATUS_BYTES - len(self._report)]

    def _read_exit_code(self) -> int | None:
        """What bubblewrap reported at the end: one JSON object a line."""
        for line in bytes(self._report).splitlines():
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and isinstance(found.get("exit-code"), int):
                    return int(found["exit-code"])
        return None

    def _close(self, fd: int) -> None:
        if self._open.pop(fd, None) is None:
            return
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)
        if not self._open and self._seconds is None:
            self._seconds = time.monotonic() - self._began
            self._deadline.cancel()
            if not self._over.done():
                self._over.set_result(None)
            if self._on_end is not None:
                self._on_end(self.state)
