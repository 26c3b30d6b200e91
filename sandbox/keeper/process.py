"""The worker's side of starting keepers: the starter's process, and a handle to each keeper."""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

# A package without its __init__, so that a keeper starts without what the worker needs.
_BOOT = """
import sys, types
package = sys.modules["sandbox"] = types.ModuleType("sandbox")
package.__path__ = [sys.argv[1]]
from sandbox.keeper.starter import main
main(int(sys.argv[2]))
"""
_ANSWER_SECONDS = 30.0
_LOOKS, _LOOK_SECONDS = 100, 0.0005


class KeeperProcess:
    """A keeper, which is a child of the starter's: so it is waited for by a descriptor, not as a child."""

    def __init__(self, pid: int, handle: int) -> None:
        self.pid = pid
        self._handle = handle

    def kill(self) -> None:
        """Kill it, unless it is gone."""
        if self._handle >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end; False when it is still there after so many ``seconds``. Blocking."""
        if self._handle < 0:
            return True
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        if not poll.poll(None if seconds is None else seconds * 1000):
            return False
        self._wait_until_reaped()
        self.close()
        return True

    def _wait_until_reaped(self) -> None:
        """It has ended; in a moment it is no zombie any more, unless its starter is gone and nobody reaps."""
        for _ in range(_LOOKS):
            try:
                signal.pidfd_send_signal(self._handle, 0)
            except ProcessLookupError:
                return
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Let go of it, whether it has ended or not."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


class _Starter:
    """The starter's process, and the socket on which it is asked for keepers."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_ANSWER_SECONDS)
        here = str(Path(__file__).parent.parent)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, here, str(theirs.fileno())],
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                cwd="/",
            )
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()

    def start(self, link: socket.socket) -> KeeperProcess:
        """A keeper that talks on ``link``. Raises ConnectionError where the starter is gone, and OSError."""
        socket.send_fds(self._control, [b"start"], [link.fileno()])
        message, handles, _, _ = socket.recv_fds(self._control, 64, 1)
        if not message:
            raise ConnectionResetError("its starter was killed meanwhile")
        if not handles:
            raise OSError("it was killed at its start")
        return KeeperProcess(int(message), handles[0])

    def close(self) -> None:
        """End it; the keepers that it started live on."""
        self._control.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Let go of it in a forked process, whose child it is not."""
        self._control.close()
        self._process.returncode = 0  # nobody here waits for it


class _Starters:
    """The starter of this process, made when the first keeper is wanted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starter: _Starter | None = None

    def start_keeper(self, link: socket.socket) -> KeeperProcess:
        with self._lock:
            if self._starter is None:
                self._starter = _Starter()
            try:
                return self._starter.start(link)
            except OSError:  # an answer that comes late must not be taken for the next one's
                self._starter.close()
                self._starter = None
                raise

    def close(self) -> None:
        with self._lock:
            if self._starter is not None:
                self._starter.close()
                self._starter = None

    def begin_anew(self) -> None:
        self._lock = threading.Lock()
        if self._starter is not None:
            self._starter.forget()
            self._starter = None


_starters = _Starters()
atexit.register(_starters.close)
os.register_at_fork(after_in_child=_starters.begin_anew)


def start_keeper(link: socket.socket) -> KeeperProcess:
    """Start a keeper that talks on ``link``, which is closed here. Blocking. Raises OSError, and of these
    ConnectionError where it may work when it is tried again.
    """
    with link:
        return _starters.start_keeper(link)
