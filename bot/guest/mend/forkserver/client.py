"""The controller's side of a fork server: start it, ask it to run tests, enforce the time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import clock
from .channel import Channel

Patch = Sequence[Mapping[str, Any]]


class ServerRefused(Exception):
    """pytest did not come to running tests; ``code`` is its exit code, ``tail`` the end of its output."""

    def __init__(self, code: int | None, tail: str) -> None:
        super().__init__(tail)
        self.code = code
        self.tail = tail


@dataclass(slots=True, kw_only=True)
class TestRun:
    """How one test ended: passed, failed, skipped or hung."""

    __test__ = False
    id: str
    outcome: str
    seconds: float = 0.0
    failure: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)
    starts: list[tuple[str, int]] = field(default_factory=list)
    types: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class RunReport:
    """What came of one request. ``unfit``: why a candidate could not be put in; ``hung``: time ran out."""

    runs: dict[str, TestRun] = field(default_factory=dict)
    unfit: str = ""
    hung: bool = False
    crashed: str = ""
    probed: list[dict[str, Any]] = field(default_factory=list)  # the base first, then each candidate

    def list_failed(self) -> list[str]:
        """Ids of the tests that failed or hung."""
        return [run.id for run in self.runs.values() if run.outcome in ("failed", "hung")]


class ForkServerClient:
    """One fork server over one repository."""

    def __init__(
        self,
        root: Path,
        path: Sequence[str],
        arguments: Sequence[str],
        scratch: Path,
        name: str,
        python: str = sys.executable,
    ) -> None:
        self.root = root
        self.path = list(path)
        self.arguments = [*arguments, f"--basetemp={scratch / name}"]
        self.scratch = scratch
        self.python = python
        self.log = scratch / f"{name}.log"
        self.ready: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    def start(self, seconds: float, modules: Sequence[str] | None = None) -> dict[str, Any]:
        """Start the process and wait until it has collected; raises ServerRefused, TimeoutError."""
        ask_read, ask_write = os.pipe()
        tell_read, tell_write = os.pipe()
        spec = {
            "root": str(self.root),
            "path": self.path,
            "arguments": self.arguments,
            "read": ask_read,
            "write": tell_write,
            "modules": None if modules is None else list(modules),
            "bytecode": str(self.scratch / "pyc"),
        }
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",  # nothing beside the sources; see ``bytecode`` for elsewhere
            "PYTHONPATH": os.pathsep.join([*self.path, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "PYTHONHASHSEED": "0",
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [self.python, str(Path(__file__).parent.parent), "--fork-server", json.dumps(spec)],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(ask_read, tell_write),
                start_new_session=True,
            )
        clock.watch(self._process.pid)
        os.close(ask_read)
        os.close(tell_write)
        self._channel = Channel(tell_read, ask_write)
        message = _receive(self._channel, seconds)
        if message is None or message["event"] != "ready":
            code = message.get("code") if message else self._process.wait()
            raise ServerRefused(code, self.log.read_text(errors="replace")[-3000:])
        self.ready = message
        return message

    def run(
        self,
        tests: Sequence[str],
        *,
        each: float,
        total: float,
        patch: Patch = (),
        overlay: Mapping[str, str] | None = None,
        **options: Any,
    ) -> RunReport:
        """Run tests in a fresh child; one that takes over ``each`` seconds ends the child as hung.

        Options: ``fail_fast``, ``quick`` (no failure messages), ``trace``, ``types``, ``only`` (functions),
        ``alarm`` (seconds after which a test is interrupted where it is), ``seed`` (other random numbers).
        """
        (run_report,) = self._ask(tests, [patch], each, total, {"overlay": overlay, **options})
        return run_report

    def run_batch(
        self, tests: Sequence[str], patches: Sequence[Patch], *, each: float, total: float
    ) -> list[RunReport]:
        """Try several candidates one after the other in one child, stopping each at its first failure.

        Shorter than ``patches`` when the child had to be ended; the last report says why.
        """
        return self._ask(tests, patches, each, total, {"quick": True, "fail_fast": True})

    def probe(
        self,
        passing: Sequence[str],
        failing: Sequence[str],
        patches: Sequence[Patch],
        function: tuple[str, str],
        *,
        total: float,
    ) -> list[dict[str, Any]]:
        """What ``function`` (real path, qualified name) gives for many inputs, as it is and with each patch.

        Inputs of the ``passing`` tests come first, ``passing`` of them, then those of the failing tests, then
        inputs made from both. [] when the function cannot be called alone.
        """
        options = {"probe": list(function), "passing": len(passing)}
        (run_report,) = self._ask([*passing, *failing], patches, total, total, options, several=False)
        return run_report.probed

    def _ask(
        self,
        tests: Sequence[str],
        patches: Sequence[Patch],
        each: float,
        total: float,
        options: Mapping[str, Any],
        *,
        several: bool = True,
    ) -> list[RunReport]:
        if self._channel is None:
            raise RuntimeError("the fork server is not started")
        self._channel.send(tests=list(tests), batch=[list(patch) for patch in patches], **options)
        reports = [RunReport()]
        pid = 0
        end = clock.read_seconds() + total
        while True:
            run_report = reports[-1]
            try:
                left = max(0.05, end - clock.read_seconds())
                message = _receive(self._channel, 5.0 if run_report.hung else min(each, left))
            except TimeoutError:
                if run_report.hung:
                    raise ServerRefused(None, "the fork server does not answer") from None
                run_report.hung = True
                _kill(pid)
                continue
            if message is None:
                raise ServerRefused(None, self.log.read_text(errors="replace")[-3000:])
            match message.pop("event"):
                case "started":
                    pid = message["pid"]
                    clock.watch(pid)
                case "outcome":
                    message.pop("number", None)
                    run_report.runs[message["id"]] = TestRun(**message)
                case "probed":
                    run_report.probed.append(message)
                case "unfit":
                    run_report.unfit = message["why"]
                case "crashed":
                    run_report.crashed = message["why"]
                case "next" if several and len(reports) < len(patches):
                    reports.append(RunReport())
                case "done":
                    clock.leave(pid, message["waited"])
                    if message["status"] and not run_report.hung:
                        run_report.crashed = f"status {message['status']}"
                    return reports

    def close(self) -> None:
        """End the process and whatever it started."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            _kill(self._process.pid)
            self._process.wait()
            self._process = None


def _receive(channel: Channel, seconds: float) -> dict[str, Any] | None:
    """The next message; raises TimeoutError after so many seconds of the search's clock."""
    end = clock.read_seconds() + seconds
    while True:
        try:
            return channel.receive(max(0.01, end - clock.read_seconds()))
        except TimeoutError:
            if clock.read_seconds() >= end:
                raise


def _kill(pid: int) -> None:
    if pid > 0:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
