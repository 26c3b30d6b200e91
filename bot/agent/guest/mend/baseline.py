"""The first run: how every test ends before anything is changed, and what the failing ones touch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import layout
from .lab import BenchRefused, Lab, TestRun

TRACED_FAILURES = 10  # failing tests that are run again under the tracer
EACH = 15.0  # seconds one test may take


@dataclass(slots=True, kw_only=True)
class Baseline:
    """What is known about the repository's tests before a change. Paths are relative to the root."""

    runs: dict[str, TestRun] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    where: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # id -> file, name, line
    modules: list[str] = field(default_factory=list)
    failing: list[TestRun] = field(default_factory=list)  # traced where possible, quickest first
    passing: dict[str, TestRun] = field(default_factory=dict)  # traced, limited to what the failing ones touch

    @property
    def failed_ids(self) -> list[str]:
        """Tests that fail for good: not those that passed when run alone."""
        return [i for i, run in self.runs.items() if run.outcome in ("failed", "hung") and i not in self.flaky]

    @property
    def passed_ids(self) -> list[str]:
        """Tests that must keep passing."""
        return [i for i, run in self.runs.items() if run.outcome == "passed" and i not in self.flaky]


def open_bench(root: Path, command: str, scratch: Path, seconds: float) -> Lab:
    """Start a warm bench, relaxing the repository's pytest options step by step; raises BenchRefused."""
    refused: BenchRefused | None = None
    for number, arguments in enumerate(layout.attempts(root, command)):
        lab = Lab(root, layout.import_roots(root), arguments, scratch, f"warm{number}")
        try:
            lab.start(seconds)
        except BenchRefused as error:
            lab.close()
            refused = error
            if error.code not in (4, 3, 1, 2, None):
                break
        except TimeoutError:
            lab.close()
            raise BenchRefused(None, f"collecting the tests took over {seconds:.0f} s") from None
        else:
            return lab
    raise refused or BenchRefused(None, "pytest did not start")


def run_baseline(lab: Lab, seconds: float) -> Baseline:
    """Run everything once; a test that hangs or kills its process costs only itself."""
    base = Baseline(errors=lab.ready["errors"], modules=lab.ready["modules"])
    for name, path, title, line in lab.ready["items"]:
        base.where[name] = (path, title, line)
    left = list(base.where)
    end = time.monotonic() + seconds
    while left and time.monotonic() < end:
        trial = lab.run(left, each=EACH, total=end - time.monotonic())
        base.runs |= trial.runs
        left = [name for name in left if name not in trial.runs]
        if (trial.hung or trial.crashed) and left and time.monotonic() < end:
            name = left.pop(0)
            text = "the test did not end" if trial.hung else f"the process ended: {trial.crashed}"
            base.runs[name] = TestRun(
                id=name, outcome="hung" if trial.hung else "failed", failure={"message": text, "type": "Hang"}
            )
        elif not trial.runs:
            break
    base.not_run = left
    return base


def look_closer(lab: Lab, base: Baseline, seconds: float, say: Callable[[str], None]) -> None:
    """Trace failing tests alone, then the passing ones over the functions that the failing ones entered."""
    end = time.monotonic() + seconds
    failed = sorted(base.failed_ids, key=lambda name: base.runs[name].seconds)
    entered: set[tuple[str, int]] = set()
    for name in _spread(failed, base, TRACED_FAILURES):
        left = end - time.monotonic()
        if left <= 0.1:
            break
        trial = lab.run([name], each=EACH, total=left, trace=True, types=True)
        run = trial.runs.get(name)
        if run is None:
            base.failing.append(base.runs[name])
        elif run.outcome == "passed":
            base.flaky.append(name)
        else:
            base.failing.append(run)
            entered |= {(path, line) for path, line in run.starts}
    if not entered:
        return
    tests = sorted(base.passed_ids, key=lambda name: (base.where[name][0] not in _files(base), base.runs[name].seconds))
    trial = lab.run(tests, each=EACH, total=max(0.5, end - time.monotonic()), trace=True, only=sorted(entered))
    base.passing = {name: run for name, run in trial.runs.items() if run.outcome == "passed" and run.lines}


def _files(base: Baseline) -> set[str]:
    return {base.where[run.id][0] for run in base.failing if run.id in base.where}


def _spread(names: Sequence[str], base: Baseline, limit: int) -> list[str]:
    """At most ``limit`` names, one of each kind of failure before a second of any."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name in names:
        failure = base.runs[name].failure
        frames = failure.get("frames") or [["", 0]]
        kinds.setdefault((failure.get("type", ""), str(frames[-1])), []).append(name)
    chosen: list[str] = []
    while len(chosen) < limit and any(kinds.values()):
        for each in kinds.values():
            if each and len(chosen) < limit:
                chosen.append(each.pop(0))
    return chosen
