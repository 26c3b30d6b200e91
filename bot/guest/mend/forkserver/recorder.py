"""What pytest reports of one test, made into one message."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest

from .line_tracer import LineTracer, is_own

TEXT = 1500  # characters of a failure's message that are kept


class Recorder:
    """A pytest plugin that turns reports into one outcome per test."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.outcome = ""
        self.failure: dict[str, Any] = {}
        self.compared: list[str] = []
        self.errors: list[dict[str, Any]] = []
        self.quick = False

    def reset(self) -> None:
        """Forget the last test."""
        self.outcome, self.failure, self.compared = "", {}, []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Join the phases: the worst one counts."""
        if report.failed:
            self.outcome = "failed"
            self.failure.setdefault("message", str(report.longrepr)[:TEXT])
        elif self.outcome != "failed" and (report.skipped or report.when == "call"):
            self.outcome = report.outcome

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected."""
        if report.failed:
            self.errors.append({"id": report.nodeid, "message": str(report.longrepr)[-TEXT:], **self.failure})
            self.reset()

    def pytest_exception_interact(self, call: pytest.CallInfo[Any]) -> None:
        """Keep the exception's type, message and the repository's frames, outermost first."""
        if call.excinfo is None or self.quick:
            return
        error = call.excinfo.value
        frames = []
        while error.__cause__ is not None and isinstance(error.__cause__, Exception):
            error = error.__cause__
        entry = error.__traceback__
        while entry is not None:
            name = entry.tb_frame.f_code.co_filename
            path = os.path.realpath(name)
            if is_own(path, self.root) and not name.startswith("<"):  # "<frozen os>" is no file
                frames.append([path, entry.tb_lineno])
            entry = entry.tb_next
        if isinstance(error, SyntaxError) and error.filename and error.lineno:
            frames.append([os.path.realpath(error.filename), error.lineno])
        self.failure |= {"type": type(error).__name__, "text": str(error)[:TEXT], "frames": frames[-30:]}
        self.failure["compared"] = self.compared[-2:]

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Keep both sides of the comparison that an assertion was about."""
        with contextlib.suppress(Exception):
            self.compared += [repr(left)[:300], repr(right)[:300]]


def make_outcome(name: str, recorder: Recorder, seconds: float, tracer: LineTracer | None) -> dict[str, Any]:
    """The message that tells how one test ended."""
    message: dict[str, Any] = {
        "event": "outcome",
        "id": name,
        "outcome": recorder.outcome or "failed",
        "seconds": seconds,
    }
    if recorder.outcome == "failed":
        message["failure"] = recorder.failure
    if tracer is not None:
        message["lines"] = {path: sorted(lines) for path, lines in tracer.lines.items()}
        message["starts"] = sorted(tracer.starts)
        message["types"] = [
            [*key, {name: sorted(kinds) for name, kinds in seen.items()}]
            for key, seen in tracer.types.items()
        ]
    return message
