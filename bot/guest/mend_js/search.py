"""Tries candidates in the files themselves, one at a time, and puts each file back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import clock
from .bench import Bench
from .candidates import JsCandidate
from .judge import Judge, list_outcomes
from .node_run import NodeRun

PATIENCE = 3.0  # seconds that a try may take beside some times what the tests took
HANGS = 2  # tries of one line without an end, after which what is left of it comes last


@dataclass(slots=True, kw_only=True)
class JsBaseline:
    """How the tests end before a change: all of them, and those of the failing ones' files alone.

    ``asked`` are the tests to mend among all, ``targets`` the same among those of the files; ``pilots`` are
    the targets' names where few tests can be chosen by name.
    """

    everything: dict[str, str]
    asked: list[str]
    seconds: float  # of a first try
    part_seconds: float
    all_seconds: float
    part: dict[str, str] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)
    pilots: list[str] = field(default_factory=list)
    pilot_files: list[str] = field(default_factory=list)  # what a first try runs, and must pass of them
    pilot_targets: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)


class JsSearch:
    """The tries and what they gave: ``passed`` are candidates that mend all and break nothing they run."""

    def __init__(self, root: Path, judge: Judge, base: JsBaseline, bench: Bench | None) -> None:
        self.root, self.judge, self.base, self.bench = root, judge, base, bench
        self.tried = 0
        self.hung = 0
        self.hangs: Counter[tuple[str, int]] = Counter()  # by file and line
        self.passed: list[JsCandidate] = []
        self.exhausted = False

    def run(self, candidates: Sequence[JsCandidate], until: float) -> JsCandidate | None:
        """Try until one passes the whole suite; None where none does in time."""
        for candidate in put_off(candidates, self.hangs):
            if clock.read_seconds() >= until:
                return None
            if self._passes_part(candidate) and self.passes_all(candidate):
                self.passed.append(candidate)
                return candidate
        self.exhausted = True
        return None

    def find_rivals(self, candidates: Sequence[JsCandidate], until: float, most: int) -> None:
        """Go on after the first answer: what else passes is a reason for doubt, or is likelier."""
        for candidate in candidates:
            if clock.read_seconds() >= until or len(self.passed) > most:
                return
            if self.hangs[candidate.path, candidate.line] >= HANGS:
                continue
            if self._passes_part(candidate) and self.passes_all(candidate):
                self.passed.append(candidate)

    def _passes_part(self, candidate: JsCandidate) -> bool:
        """Whether the targets pass, then everything of their files that passed before."""
        base, judge = self.base, self.judge
        self.tried += 1
        with change_file(self.root, candidate):
            if self.bench is not None:
                tried = self.bench.try_once()
                if tried is None:
                    self._note_hang(candidate)
                if tried is None or not _turns(tried, self.bench.targets, self.bench.before):
                    return False
            run = judge.run_part(limit(base.seconds), files=base.pilot_files, names=base.pilots)
            if run.hung:
                self._note_hang(candidate)
            if not _turns(run, base.pilot_targets, base.part):
                return False
            run = judge.run_part(limit(base.part_seconds), files=judge.files)
            return _turns(run, base.targets, base.part)

    def _note_hang(self, candidate: JsCandidate) -> None:
        self.hung += 1
        self.hangs[candidate.path, candidate.line] += 1

    def passes_all(self, candidate: JsCandidate) -> bool:
        """Whether the whole suite passes as far as it is to, by the repository's own command."""
        with change_file(self.root, candidate):
            run = self.judge.run_all(limit(self.base.all_seconds))
            return _turns(run, self.base.asked, self.base.everything)

    def is_steady(self, candidate: JsCandidate, times: int) -> bool:
        """Whether the targets pass each time."""
        base = self.base
        with change_file(self.root, candidate):
            return all(
                _turns(
                    self.judge.run_part(limit(base.part_seconds), files=self.judge.files, names=base.pilots),
                    base.pilots or base.targets,
                    base.part,
                )
                for _ in range(times)
            )


def put_off(candidates: Sequence[JsCandidate], hangs: Mapping[tuple[str, int], int]) -> Iterator[JsCandidate]:
    """The candidates in their order, but last those of lines that ``hangs`` says tries of had no end."""
    later = []
    for candidate in candidates:
        if hangs.get((candidate.path, candidate.line), 0) >= HANGS:
            later.append(candidate)
        else:
            yield candidate
    yield from later


def limit(seconds: float) -> float:
    """How long a run may take that took ``seconds`` before."""
    return PATIENCE + 5.0 * seconds


def _turns(run: NodeRun, targets: Sequence[str], before: Mapping[str, str]) -> bool:
    """Whether all targets pass, and nothing fails that did not fail before."""
    if run.hung or (run.tests and not run.complete):
        return False
    outcomes = list_outcomes(run)
    if any(outcomes.get(name) != "passed" for name in targets):
        return False
    return all(was != "failed" or before.get(name) == "failed" for name, was in outcomes.items())


@contextmanager
def change_file(root: Path, candidate: JsCandidate) -> Iterator[None]:
    """The candidate's file is changed within, and as it was afterwards."""
    path = root / candidate.path
    data = path.read_bytes()
    path.write_bytes(candidate.apply(data))
    try:
        yield
    finally:
        path.write_bytes(data)
