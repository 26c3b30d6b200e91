"""The worker's end of a keeper: starts it, sends it its plan and commands, and receives its answers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sandbox.keeper.process import KeeperProcess, start_keeper
from sandbox.memory_file import memory_file
from sandbox.spec import SandboxUnavailable

_SETUP_SECONDS = 30.0
Answer = tuple[dict[str, Any], list[int]]


class KeeperGone(Exception):
    """The keeper ended by itself, and with it everything that ran."""


class KeeperLink:
    """One keeper process. ``upper`` is the private layer's directory as a descriptor, valid until close.

    ``listener`` is the socket that listens inside, where there is a network; who takes it closes it.
    """

    def __init__(self, process: KeeperProcess, control: socket.socket) -> None:
        self.process = process
        self._control = control
        self._answer: asyncio.Future[Answer] | None = None
        self.upper = -1
        self.listener: socket.socket | None = None
        self.setup_report: dict[str, Any] = {}
        asyncio.get_running_loop().add_reader(control, self._receive)

    @classmethod
    async def start(cls, plan: dict[str, Any], fds: Sequence[int]) -> KeeperLink:
        """Start a keeper on a plan; ``fds`` are the filter and the control groups.

        ``setup_report`` then says what came of it, with ``step`` and ``error`` where a step failed. Raises
        SandboxUnavailable when the keeper dies.
        """
        link = await cls._begin()
        try:
            async with asyncio.timeout(_SETUP_SECONDS):
                link.setup_report, upper = await link.ask(b"start", plan, fds)
        except (KeeperGone, TimeoutError) as error:
            await link.close()
            raise SandboxUnavailable(
                f"the sandbox's keeper ended during its set-up ({error!r})",
                "see what it printed on the worker's stderr",
            ) from error
        except BaseException:
            await link.close()
            raise
        if upper:
            link.upper = upper[0]
        if upper[1:]:
            link.listener = socket.socket(fileno=upper[1])
        return link

    @classmethod
    async def _begin(cls, *, again: bool = True) -> KeeperLink:
        """A link to a new keeper; where the starter was killed, one from the next starter."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        starting = asyncio.ensure_future(asyncio.to_thread(start_keeper, theirs))
        try:
            return cls(await asyncio.shield(starting), ours)
        except OSError as error:
            ours.close()  # which ends a keeper that was started but not handed over
            if again and isinstance(error, ConnectionError):
                return await cls._begin(again=False)
            raise SandboxUnavailable(
                f"the sandbox's keeper cannot be started ({error})",
                "let the worker's user read and run the interpreter that runs it",
            ) from error
        except BaseException:
            ours.close()  # which ends the keeper
            starting.add_done_callback(_let_go)
            raise

    def ask(self, word: bytes, request: object, fds: Sequence[int]) -> asyncio.Future[Answer]:
        """Send a request; the future gets its answer, or KeeperGone. The caller may close ``fds`` at once."""
        self._answer = asyncio.get_running_loop().create_future()
        file = memory_file(json.dumps(request).encode())
        try:
            socket.send_fds(self._control, [word], [file, *fds])
        except OSError:
            self._answer.set_exception(KeeperGone())
        finally:
            os.close(file)
        return self._answer

    def kill(self) -> None:
        """Kill the command that runs; its answer still comes."""
        try:
            self._control.send(b"kill")
        except OSError:
            self.process.kill()

    def stop(self, pid: int) -> None:
        """Kill the command in the background whose bubblewrap is ``pid``; there is no answer."""
        with suppress(OSError):
            self._control.send(b"stop %d" % pid)

    async def close(self) -> None:
        """End the keeper, and with it its mounts and all that runs."""
        if self._control.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        if self.upper >= 0:
            os.close(self.upper)
            self.upper = -1
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(KeeperGone())
        await asyncio.to_thread(self._reap)

    def _reap(self) -> None:
        if not self.process.wait(5.0):
            self.process.kill()
            self.process.wait()

    def _receive(self) -> None:
        try:
            message, fds, _, _ = socket.recv_fds(self._control, 4096, 4)
        except BlockingIOError:
            return
        except OSError:
            message, fds = b"", []
        if not message:
            asyncio.get_running_loop().remove_reader(self._control)
        if self._answer is None or self._answer.done():
            for fd in fds:
                os.close(fd)
        elif message:
            self._answer.set_result((json.loads(message), fds))
        else:
            self._answer.set_exception(KeeperGone())


def _let_go(starting: asyncio.Future[KeeperProcess]) -> None:
    """Nobody waits for this keeper any more."""
    if not starting.cancelled() and starting.exception() is None:
        starting.result().close()
