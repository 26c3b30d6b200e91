"""Runs a command and collects what its test runner reports, what it prints and which programs it starts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..checks.supervise import Reports, Session, make_environment, merge_tests
from . import clock

WATCH = Path(__file__).resolve().parent / "programs" / "watch.cjs"
LOOK_SECONDS = 0.5  # between two looks at how long a program waits for a processor
OUTPUT_BYTES = 300_000  # of what a run prints, the last
_TITLE = re.compile(r"^# (?!tests |pass |fail |ok$|skip |todo |cancelled |duration_ms |suites )(\S.*)$")
_POINT = re.compile(r"^(not )?ok \d{1,9} ?-? ?(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One Node process that a command started; ``code`` is None where it did not come to its end."""

    pid: int
    parent: int
    argv: tuple[str, ...]
    options: tuple[str, ...]
    cwd: str
    code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRun:
    """How a command ended. ``tests`` has each test's end by name; ``runners`` are those that reported."""

    code: int
    hung: bool
    seconds: float
    output: str
    tests: dict[str, str] = field(default_factory=dict)
    runners: tuple[str, ...] = ()
    complete: bool = False  # every runner that began came to its end
    programs: tuple[Program, ...] = ()

    def list_failed(self) -> list[str]:
        """Names of the tests that failed."""
        return [name for name, was in self.tests.items() if was == "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where recorded calls go (``choice/observe.py``), and when calls are made up."""

    log: Path
    made: str  # "late", at the end of the process; "" for none


def run_command(
    words: Sequence[str],
    scratch: Path,
    seconds: float,
    *,
    cwd: Path,
    asked: dict[str, object] | None = None,
    coverage: Path | None = None,
    seen: Seen | None = None,
) -> NodeRun:
    """Run ``words`` to their end, or kill all that they started after ``seconds`` of the search's clock."""
    folder = scratch / f"run-{time.monotonic_ns()}"
    folder.mkdir()
    reports = Reports(str(folder))
    env = make_environment(reports.address)
    env["NODE_OPTIONS"] += f" --require={WATCH}"
    env["HOB_MEND_PROGRAMS"] = str(folder / "programs")
    env |= {"NO_COLOR": "1", "CI": "true"}
    if asked is not None:
        (folder / "asked").write_text(json.dumps(asked), "utf-8")
        env["HOB_MEND_ASKED"] = str(folder / "asked")
    if coverage is not None:
        env["NODE_V8_COVERAGE"] = str(coverage)
    if seen is not None:
        env |= {"HOB_MEND_SEEN": str(seen.log), "HOB_MEND_MADE": seen.made}
    env.pop("FORCE_COLOR", None)
    began = time.monotonic()
    with (folder / "output").open("wb") as output:
        child = subprocess.Popen(
            words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        clock.watch(child.pid)
        try:
            hung = not _wait(child, seconds)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            clock.leave(child.pid)
    took = time.monotonic() - began
    sessions = reports.close()
    text = (folder / "output").read_bytes()[-OUTPUT_BYTES:].decode("utf-8", "replace")
    programs = _read_programs(folder / "programs")
    shutil.rmtree(folder, ignore_errors=True)
    tests = merge_tests(sessions)
    return NodeRun(
        code=child.returncode,
        hung=hung,
        seconds=took,
        output=text,
        tests=tests or read_tap(text),
        runners=tuple(dict.fromkeys(each.runner for each in sessions)),
        complete=not hung and _are_complete(sessions),
        programs=programs,
    )


def _wait(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends within so many seconds of the search's clock, which has to look now and then."""
    end = clock.read_seconds() + seconds
    while (left := end - clock.read_seconds()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(min(left, LOOK_SECONDS))
            return True
    return False


def _are_complete(sessions: Sequence[Session]) -> bool:
    return all(each.status is not None for each in sessions)


def read_tap(text: str) -> dict[str, str]:
    """Tests by the comments of a TAP stream, as tape prints it; a test fails with any of its points.

    A stream without its last line, the plan, broke off in the last test.
    """
    if "TAP version" not in text:
        return {}
    found: dict[str, str] = {}
    title, ended = "", False
    for line in text.splitlines():
        ended = ended or line.startswith("1..")
        if match := _TITLE.match(line):
            title = match[1]
        elif match := _POINT.match(line):
            name = title or match[2]
            was = "failed" if match[1] else "passed"
            found[name] = "failed" if "failed" in (was, found.get(name)) else was
    return found if ended or not title else found | {title: "failed"}


def _read_programs(path: Path) -> tuple[Program, ...]:
    begun: dict[int, dict[str, object]] = {}
    with contextlib.suppress(OSError):
        for line in path.read_text("utf-8", "replace").splitlines():
            with contextlib.suppress(ValueError, KeyError):
                told = json.loads(line)
                begun.setdefault(int(told["pid"]), {}).update(told)
    return tuple(
        Program(
            pid=pid,
            parent=int(str(told.get("ppid", 0))),
            argv=_strings(told.get("argv")),
            options=_strings(told.get("execArgv")),
            cwd=str(told.get("cwd", "")),
            code=code if isinstance(code := told.get("code"), int) else None,
        )
        for pid, told in begun.items()
    )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
