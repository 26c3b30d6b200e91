"""Processes of Hob's own, forked from one that has its modules loaded already: a start costs 50 ms, not 3 s.

A child is a process like any other: its own memory, signals, exit code and output. What it does not show is
that ``python -m bot`` starts at all; a test of each command does that (`tests.flow.test_solve`, `test_demo`).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from bot.cli.main import main
from tests.support import ROOT

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "bot.eval.command",
        "bot.inbox.intake",
        "bot.run.end_without_run",
        "bot.serve.worker",
        "bot.solve.solve",
        "bot.solve.terminal",
        "tests.support.processes",
        "tests.support.resting",
    ]
)


def fork(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A running process that calls a function of a module that both sides can import."""
    process = _FORKING.Process(target=target, args=arguments)
    process.start()
    return process


def print_to(out: Path, err: Path) -> None:
    """Have this process print to files from now on."""
    for descriptor, path in ((1, out), (2, err)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), descriptor)


class CommandLine:
    """``hob ARGUMENTS`` in a process of its own, with this environment; what it prints goes to ``folder``.

    ``out`` is the file there that stands for its stdout.
    """

    def __init__(self, folder: Path, *arguments: str | Path, env: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        number = len([*folder.glob("*.out")])
        self.out, self._err = (folder / f"{number}.{name}" for name in ("out", "err"))
        for path in (self.out, self._err):
            path.touch()
        self._arguments = tuple(map(str, arguments))
        self._process = fork(_call, self._arguments, dict(env), self.out, self._err)

    def is_running(self) -> bool:
        """It has not ended yet."""
        return self._process.is_alive()

    def send_signal(self, number: signal.Signals) -> None:
        """As ``subprocess.Popen`` does."""
        if self._process.is_alive() and self._process.pid:
            os.kill(self._process.pid, number)

    def wait(self, seconds: float = 350.0) -> subprocess.CompletedProcess[str]:
        """Its exit code (negative after a signal) and all that it printed, once it has ended.

        Raises AssertionError when it does not end in time.
        """
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise AssertionError(f"hob {' '.join(self._arguments)} does not end: {self._err.read_text()}")
        return subprocess.CompletedProcess(
            self._arguments, code, stdout=self.out.read_text("utf-8"), stderr=self._err.read_text("utf-8")
        )


def _call(arguments: tuple[str, ...], env: dict[str, str], out: Path, err: Path) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    print_to(out, err)
    # Whoever runs the tests in the background ignores Ctrl-C, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(arguments, prog_name="hob")
