"""The first run: how every test ends before anything is changed, and what the failing ones touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import clock, layout
from .forkserver.client import ForkServerClient, ServerRefused, TestRun
from .layout import is_test

TRACED_FAILURES = 10  # failing tests that are run again under the tracer
MORE_FAILURES = 150  # of which only the lines are looked at
EACH = 3.0  # seconds one test may take before it counts as one that hangs
PATIENT = 7.0  # seconds for the first of them when nothing else fails: they may only be slow
REPEATS = 4  # further runs of a failing test, and of what a change turned
TRACED = 4.0  # seconds for one test under the tracer
ALONE = 3  # passing tests that are traced once more, each in a process of its own


@dataclass(slots=True, kw_only=True)
class Baseline:
    """What is known about the repository's tests before a change. Paths are relative to the root."""

    runs: dict[str, TestRun] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)  # fail without entering the repository's code
    unasked: list[str] = field(default_factory=list)  # fail, and the request is not about them
    where: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # id -> file, name, line
    modules: list[str] = field(default_factory=list)
    failing: list[TestRun] = field(default_factory=list)  # traced where possible, quickest first
    only_fresh_imports: bool = (
        False  # what fails is the import of test modules: only fresh imports show a change
    )
    also_failing: dict[str, TestRun] = field(default_factory=dict)
    passing: dict[str, TestRun] = field(
        default_factory=dict
    )  # traced, limited to what the failing ones touch
    once: set[tuple[str, int]] = field(default_factory=set)  # lines that run in a process's first test only

    @property
    def failed_ids(self) -> list[str]:
        """Tests that fail for good: not those that passed when run alone."""
        return [
            i for i, run in self.runs.items() if run.outcome in ("failed", "hung") and i not in self.excluded
        ]

    def is_hung(self, name: str) -> bool:
        """Whether a test did not end in the first run."""
        return name in self.runs and self.runs[name].outcome == "hung"

    @property
    def ended_seconds(self) -> float:
        """What the tests that ended took together; those that hang are quick once the fault is mended."""
        return sum(run.seconds for run in self.runs.values() if run.outcome != "hung")

    @property
    def excluded(self) -> set[str]:
        """Tests that a change of the code cannot be judged by."""
        return {*self.flaky, *self.beyond, *self.unasked}

    @property
    def passed_ids(self) -> list[str]:
        """Tests that must keep passing."""
        return [i for i, run in self.runs.items() if run.outcome == "passed" and i not in self.excluded]


def start_server(root: Path, command: str, scratch: Path, seconds: float) -> ForkServerClient:
    """Start a fork server, relaxing the repository's pytest options step by step; raises ServerRefused."""
    refused: ServerRefused | None = None
    python, roots = layout.find_interpreter(root, command), layout.find_import_roots(root)
    for number, arguments in enumerate(layout.list_argument_lines(root, command)):
        server = ForkServerClient(root, roots, arguments, scratch, f"server{number}", python)
        try:
            server.start(seconds)
        except ServerRefused as error:
            server.close()
            refused = error
            if error.code not in (4, 3, 1, 2, None):
                break
        except TimeoutError:
            server.close()
            raise ServerRefused(None, f"collecting the tests took over {seconds:.0f} s") from None
        else:
            return server
    raise refused or ServerRefused(None, "pytest did not start")


def run_baseline(
    server: ForkServerClient, seconds: float, order: Callable[[list[str]], list[str]] = list
) -> Baseline:
    """Run everything once, as ``order`` says; a test that hangs or kills its process costs only itself."""
    base = Baseline(errors=server.ready["errors"], modules=server.ready["modules"])
    for name, path, title, line in server.ready["items"]:
        base.where[name] = (path, title, line)
    end = clock.read_seconds() + seconds
    base.not_run = _run_all(server, base, order(list(base.where)), EACH, end)
    bad = [run for run in base.runs.values() if run.outcome in ("failed", "hung")]
    if bad and all(run.outcome == "hung" for run in bad):
        _wait_longer(server, base, [run.id for run in bad], end)
    return base


def _wait_longer(server: ForkServerClient, base: Baseline, hung: list[str], end: float) -> None:
    """Give tests that may only be slow more time; where the first does not end either, give up on all."""
    _run_all(server, base, hung[:1], PATIENT, end)
    if not base.is_hung(hung[0]):
        _run_all(server, base, hung[1:], PATIENT, end)


def _run_all(server: ForkServerClient, base: Baseline, left: list[str], each: float, end: float) -> list[str]:
    """Run tests until the time is up; returns those that did not come to run."""
    while left and clock.read_seconds() < end:
        report = server.run(left, each=each, total=end - clock.read_seconds())
        base.runs |= report.runs
        left = [name for name in left if name not in report.runs]
        slowest = max((run.seconds for run in base.runs.values()), default=0.0)
        each = max(0.7 * each, 1.0, 4 * slowest) if report.hung else each  # where one hangs, others do
        if (report.hung or report.crashed) and left and clock.read_seconds() < end:
            name = left.pop(0)
            text = "the test did not end" if report.hung else f"the process ended: {report.crashed}"
            base.runs[name] = TestRun(
                id=name,
                outcome="hung" if report.hung else "failed",
                failure={"message": text, "type": "Hang"},
            )
        elif not report.runs:
            break
    return left


def trace_tests(
    server: ForkServerClient, base: Baseline, seconds: float, order: Callable[[list[str]], list[str]] = list
) -> None:
    """Trace failing tests alone, then the passing ones over the functions that the failing ones entered.

    ``order`` puts the failing tests first that matter most.
    """
    end = clock.read_seconds() + seconds
    # A test in a text file often leans on what ran before it, so it is a poor pilot.
    failed = sorted(
        base.failed_ids,
        key=lambda name: (
            not base.where[name][0].endswith(".py"),
            base.is_hung(name),
            base.runs[name].seconds,
        ),
    )
    entered: set[tuple[str, int]] = set()
    for name in order(_pick_varied(order(failed), base, TRACED_FAILURES)):
        left = end - clock.read_seconds()
        if left <= 0.1:
            break
        report = server.run([name], each=2 * TRACED, total=left, trace=True, types=True, alarm=TRACED)
        run = report.runs.get(name)
        if run is None:
            base.failing.append(base.runs[name])
        elif run.outcome == "passed":
            base.flaky.append(name)
        else:
            before = base.runs[name]
            run.failure = (before.failure if before.outcome != "hung" else {}) or run.failure
            run.seconds = before.seconds or run.seconds  # without what tracing costs
            base.failing.append(run)
            entered |= {(path, line) for path, line in run.starts}
    if not entered:
        return
    _exclude_unreachable(base, f"{server.root}/")
    known = {run.id for run in base.failing}
    more = [name for name in failed if name not in known and name in base.failed_ids][:MORE_FAILURES]
    tests = sorted(
        base.passed_ids,
        key=lambda name: (base.where[name][0] not in _list_test_files(base), base.runs[name].seconds),
    )
    total = max(0.5, end - clock.read_seconds())
    report = server.run(
        [*more, *tests], each=2 * TRACED, total=total, trace=True, only=sorted(entered), alarm=TRACED
    )
    base.also_failing = {
        name: run for name, run in report.runs.items() if run.outcome == "failed" and run.lines
    }
    base.passing = {name: run for name, run in report.runs.items() if run.outcome == "passed" and run.lines}
    _find_lines_run_once(server, base, sorted(entered), end)


def _find_lines_run_once(
    server: ForkServerClient, base: Baseline, entered: list[tuple[str, int]], end: float
) -> None:
    """Lines that a passing test runs alone and not after others: a cache filled, a singleton made."""
    later = sorted(list(base.passing)[1:], key=lambda name: base.runs[name].seconds)
    for name in later[:ALONE]:
        left = end - clock.read_seconds()
        if left <= 0.1:
            return
        report = server.run([name], each=2 * TRACED, total=left, trace=True, only=entered, alarm=TRACED)
        alone = report.runs.get(name)
        for path, lines in alone.lines.items() if alone is not None and alone.outcome == "passed" else ():
            known = set(base.passing[name].lines.get(path, ()))
            base.once |= {(path, line) for line in lines if line not in known}


def exclude_flaky(server: ForkServerClient, base: Baseline, seconds: float) -> None:
    """Run what fails again, with other random numbers each time: what can pass shows nothing of a change."""
    end = clock.read_seconds() + seconds
    for again in range(1, REPEATS + 1):
        names = [name for name in base.failed_ids if not base.is_hung(name)]
        slowest = max((base.runs[name].seconds for name in names), default=0.0)
        if not names or clock.read_seconds() + sum(base.runs[name].seconds for name in names) > end:
            return
        report = server.run(
            names, each=5 * slowest + 1.0, total=end - clock.read_seconds(), quick=True, seed=again
        )
        base.flaky += [name for name, run in report.runs.items() if run.outcome == "passed"]
        base.failing = [run for run in base.failing if run.id not in base.flaky]


def _exclude_unreachable(base: Baseline, prefix: str) -> None:
    """Failures that no code of the repository took part in: a fixture or a package that is not there."""
    useless = [
        run
        for run in base.failing
        if run.failure.get("type") == "FixtureLookupError"
        or not any(not is_test(path.removeprefix(prefix)) for path in run.lines)
    ]
    if len(useless) == len(base.failing):
        return
    kinds = {(run.failure.get("type"), run.failure.get("text", "")[:12]) for run in useless}
    base.failing = [run for run in base.failing if run not in useless]
    judged = {run.id for run in base.failing}
    for name in base.failed_ids:
        failure = base.runs[name].failure
        if name not in judged and (failure.get("type"), failure.get("text", "")[:12]) in kinds:
            base.beyond.append(name)
    base.beyond += [run.id for run in useless if run.id not in base.beyond]


def _list_test_files(base: Baseline) -> set[str]:
    return {base.where[run.id][0] for run in base.failing if run.id in base.where}


def _pick_varied(names: Sequence[str], base: Baseline, limit: int) -> list[str]:
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
