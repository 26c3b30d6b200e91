"""The starter: one process per worker that has loaded the keeper's program, and forks a keeper when asked.

An interpreter of its own takes a keeper 60 ms of processor time, a fork of one that is there takes 1 ms. The
starter enters no namespace, and reads nothing but what the worker asks for, so nothing of one sandbox gets
into the next one's keeper. It leaves when the worker closes its socket.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from contextlib import suppress

from sandbox.keeper import keeper
from sandbox.keeper.stage import write

NAME = "hob-starter"


def main(control_fd: int) -> None:
    """Fork a keeper for each message, which brings its end of a socket; answer with a handle to it."""
    with suppress(OSError):  # a container's read-only /proc
        write("/proc/self/comm", NAME)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _reap)
    gc.freeze()  # a collection would touch, and so copy, pages that all keepers share
    with socket.socket(fileno=control_fd) as control:
        while (received := keeper.receive(control))[0]:
            (link,) = received[1]
            pid = os.fork()
            if pid == 0:
                control.close()
                _become_keeper(link)
            os.close(link)
            _answer(control, pid)


def _reap(_number: int, _frame: object) -> None:
    """Keepers that have ended are gone at once, and their processor time counts as used by this process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become_keeper(link: int) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        keeper.main(link)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _answer(control: socket.socket, pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:  # somebody killed it
        control.send(b"gone")
        return
    socket.send_fds(control, [b"%d" % pid], [handle])
    os.close(handle)
