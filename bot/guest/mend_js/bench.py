"""One Node process that runs the pilots again and again: ``programs/bench.cjs``, ``bench_vitest.mjs``."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import clock
from .judge import EXIT, Judge, list_outcomes, make_pattern, split_name
from .node_run import NodeRun, read_tap

PROGRAMS = Path(__file__).resolve().parent / "programs"
KINDS = ("", "tape", "mocha", "jest", "vitest", "node:test")
START_SECONDS = 20.0
_IMPORT = re.compile(r"^(?:import|export)\b", re.M)
PATIENCE = 0.5  # seconds that a try may take beside some times what a run takes as the code stands
RUNS = 120  # of one process, since what a change did to it may stay


class Bench:
    """A process for quick tries. ``targets`` fail in it as the code stands, ``before`` is how all end."""

    def __init__(self, judge: Judge, files: Sequence[str], names: Sequence[str]) -> None:
        self._judge, self._files, self._names = judge, files, names
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = -1
        self._rest = b""
        self._runs = 0
        self.usual_seconds = 0.0  # of a run as the code stands, on the search's clock
        self._first_seconds = 0.0  # of the first one of a process
        self.before: dict[str, str] = {}
        self.targets: list[str] = []

    def try_out(self) -> bool:
        """Whether it can be relied on: as the code stands the pilots fail, twice in the same way."""
        judge = self._judge
        if judge.program is None or judge.runner not in KINDS or not self._files:
            return False
        first = self.run(START_SECONDS)
        second = self.run(START_SECONDS) if first is not None else None
        if first is None or second is None:
            return False
        self.before = list_outcomes(second)
        self.usual_seconds, self._first_seconds = second.seconds, max(first.seconds, second.seconds)
        if list_outcomes(first) != self.before:
            return False
        self.targets = [name for name, was in self.before.items() if was == "failed"]
        where = Path(judge.program.cwd)
        meant = {" > ".join(split_name(name, where)) for name in self._names}
        found = {" > ".join(split_name(name, where)) for name in self.targets}
        return bool(self.targets) and meant <= found and (bool(meant) or self.targets == [EXIT])

    def try_once(self) -> NodeRun | None:
        """One run, for some times as long as the code as it stands takes; None where it hangs."""
        fresh = self._process is None or self._runs >= RUNS
        return self.run(PATIENCE + 5.0 * (self._first_seconds if fresh else self.usual_seconds))

    def run(self, seconds: float) -> NodeRun | None:
        """One run; None where the process hangs or ends, and is restarted for the next."""
        if self._runs >= RUNS:
            self.close()
        if self._process is None and not self._start():
            return None
        process = self._process
        began = clock.read_seconds()
        try:
            if process is None or process.stdin is None:
                return None
            process.stdin.write(b"\n")
            process.stdin.flush()
        except OSError:
            self.close()
            return None
        self._runs += 1
        line = self._read_line(clock.read_seconds() + seconds)
        if line is None:
            self.close()
            return None
        told = json.loads(line)
        output = str(told["output"])
        tests = {str(name): str(was) for name, was in told["tests"].items()}
        return NodeRun(
            code=int(told["code"]),
            hung=False,
            seconds=clock.read_seconds() - began,
            output=output,
            tests=tests or read_tap(output),
            complete=True,
        )

    def _start(self) -> bool:
        judge, program = self._judge, self._judge.program
        if program is None:
            return False
        where = Path(program.cwd)
        titles = [title for name in self._names for title in split_name(name, where)]
        told: dict[str, object] = {
            "kind": judge.runner,
            "root": str(judge.root),
            "files": list(self._files),
            "pattern": make_pattern(self._names, where),
            "titles": titles,
            "argv": list(program.argv),
            "modules": any(_is_module(file, judge.root) for file in self._files),
        }
        reading, writing = os.pipe()
        told["answers"] = writing
        setting = judge.scratch / "bench.json"
        setting.write_text(json.dumps(told), "utf-8")
        options = [each for each in program.options if not each.startswith("--test")]
        if judge.runner == "node:test":
            options += judge.make_name_options(self._names)
            options += [
                f"--test-reporter=file://{PROGRAMS}/events.mjs",
                "--test-reporter-destination=stdout",
            ]
        name = "bench_vitest.mjs" if judge.runner == "vitest" else "bench.cjs"
        env = {**os.environ, "NO_COLOR": "1"}
        env |= {"HOB_MEND_BENCH": str(setting), "HOB_MEND_ASKED": str(setting)}
        env["NODE_OPTIONS"] = f"{env.get('NODE_OPTIONS', '')} --require={PROGRAMS}/watch.cjs".strip()
        try:
            self._process = subprocess.Popen(
                (program.argv[0], *options, str(PROGRAMS / name)),
                cwd=where, env=env, start_new_session=True, pass_fds=(writing,),
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:
            os.close(reading)
            return False
        finally:
            os.close(writing)
        clock.watch(self._process.pid)
        self._answers, self._rest, self._runs = reading, b"", 0
        return True

    def _read_line(self, until: float) -> bytes | None:
        while b"\n" not in self._rest:
            left = until - clock.read_seconds()
            ready = select.select([self._answers], [], [], max(0.0, left))[0] if left > 0 else []
            part = os.read(self._answers, 1 << 16) if ready else b""
            if left > 0 and not ready:
                continue  # it may be waiting for a processor
            if not part:
                return None
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> None:
        """End the process and what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        process.wait()
        clock.leave(process.pid)
        os.close(self._answers)


def _is_module(file: str, root: Path) -> bool:
    """Whether Node takes a file as an ES module: https://nodejs.org/api/packages.html"""
    path = Path(file)
    with contextlib.suppress(OSError):
        if path.suffix in (".ts", ".tsx") and _IMPORT.search(path.read_text("utf-8", "replace")):
            return True
    if path.suffix in (".mjs", ".mts"):
        return True
    if path.suffix in (".cjs", ".cts"):
        return False
    for folder in path.parents:
        with contextlib.suppress(OSError, ValueError):
            return bool(json.loads((folder / "package.json").read_text("utf-8")).get("type") == "module")
        if folder == root:
            break
    return False
