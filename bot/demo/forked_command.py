"""Commands of ``hob`` in processes that are forked from one which has imported what they need.

Each of web, worker and dashboard spends a second or two on imports, most of them the same. Python's own fork
server makes them once; it is a process of its own without threads, so that forking it is safe.
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

PRELOADED = "bot.cli.preload"


def begin_imports() -> None:
    """Let the fork server import what the commands need, beside whatever this process does meanwhile."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOADED])
    multiprocessing.forkserver.ensure_running()


class ForkedCommand:
    """``hob COMMAND`` in a process of its own, with the part of subprocess.Popen's methods that is needed.

    It leads a session, has only the ``environment`` given, reads nothing, and writes into the file ``log``.
    """

    stdout = None

    def __init__(self, command: str, environment: Mapping[str, str], log: Path) -> None:
        """Start it, once the fork server has imported everything."""
        begin_imports()
        self._process = multiprocessing.get_context("forkserver").Process(
            target=_run, args=(command, dict(environment), str(log)), name=command, daemon=True
        )
        self._process.start()
        assert self._process.pid is not None  # noqa: S101  it was started
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, -N for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same as ``returncode``."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, when it lives."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended. Raises subprocess.TimeoutExpired after ``timeout`` seconds."""
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code


def _run(command: str, environment: dict[str, str], log: str) -> None:
    """In the new process: become what ``python -m bot COMMAND`` would be."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with open(log, "ab", buffering=0) as written:  # noqa: PTH123
        for number in (1, 2):
            os.dup2(written.fileno(), number)
    with suppress(OSError):  # its name for ps, where it may be set
        Path("/proc/self/comm").write_text(f"hob {command}")
    sys.argv = ["hob", command]
    runpy.run_module("bot", run_name="__main__", alter_sys=True)
