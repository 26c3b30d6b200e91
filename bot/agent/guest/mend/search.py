"""Tries candidates until one makes the failing tests pass and breaks none."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from .baseline import Baseline
from .candidates import Candidate, patches
from .lab import BenchRefused, Lab, Trial
from .localise import Findings
from .source import Edit, apply

BATCH = 16  # candidates that are tried in one child before it is replaced
PILOTS = 3  # failing tests that every candidate is tried on first
SAMPLE = 12  # further failing tests that run before the rest of them
COVERING_SECONDS = 4.0  # of passing tests that run on each candidate that passes the pilots
GRACE = 0.5  # seconds spent on looking for other answers after the first
COLD_SHARE = 0.3  # of the time, for candidates that need a fresh import


@dataclass(slots=True, kw_only=True)
class Answer:
    """A change that was tried: which failing tests it turned, and whether that is all of them."""

    parts: tuple[Candidate, ...]
    turned: set[str]
    full: bool
    score: float
    cold: bool = False  # shown by fresh imports only


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a search did."""

    tried: int = 0
    hung: int = 0
    unfit: int = 0
    cold: int = 0
    answers: list[Answer] = field(default_factory=list)
    partial: list[Answer] = field(default_factory=list)
    exhausted: bool = False


class Search:
    """One search over candidates, the likeliest first, until ``deadline``; ``end`` is for verifying."""

    def __init__(
        self,
        *,
        root: Path,
        lab: Lab,
        cold_lab: Callable[[], Lab],
        base: Baseline,
        findings: Findings,
        deadline: float,
        end: float,
    ) -> None:
        self.root = root
        self.lab = lab
        self.base = base
        self.findings = findings
        self.deadline = deadline
        self.end = end
        self.tally = Tally()
        self._cold_lab = cold_lab
        self._cold: Lab | None = None
        self.failing = [run.id for run in base.failing]
        rest = [name for name in base.failed_ids if name not in self.failing]
        self.failing += rest
        self._order = {name: number for number, name in enumerate(base.where)}
        self._steady: dict[tuple[str, ...], list[str]] = {}
        seconds = [run.seconds for run in base.failing if run.outcome != "hung"] or [0.1]
        self.pilots = self._choose_pilots()
        self.each = max(0.8, 6 * max(seconds) + 0.3)
        self._seen: set[int] = set()

    def _choose_pilots(self) -> list[str]:
        """The first failing tests (they differ in kind) as long as running them all is quick."""
        chosen: list[str] = []
        spent = 0.0
        for run in self.base.failing:
            if not chosen or (len(chosen) < PILOTS and spent + run.seconds < 0.1):
                chosen.append(run.id)
                spent += run.seconds
        return chosen

    def another_pilot(self) -> bool:
        """Try on another failing test from now on; False when there is none left."""
        used = self.pilots[0]
        names = [run.id for run in self.base.failing]
        index = names.index(used) + 1 if used in names else len(names)
        if index >= min(len(names), 3) or time.monotonic() >= self.deadline:
            return False
        self.pilots = [names[index]]
        self._seen.clear()
        self.tally.exhausted = False
        return True

    def run(
        self, candidates: Sequence[Candidate], *, under: Answer | None = None, until: float | None = None
    ) -> None:
        """Try candidates, on top of ``under`` if given, until answers are found or time is up."""
        end = min(until or self.deadline, self.deadline)
        warm = deque(each for each in candidates if not each.cold)
        order = count()
        cold = [(-each.score, next(order), each) for each in candidates if each.cold]
        heapq.heapify(cold)
        began = time.monotonic()
        cold_seconds = 0.0
        stop = 0.0
        while warm or cold:
            now = time.monotonic()
            if now >= end or (stop and now >= stop):
                return
            affordable = cold_seconds <= COLD_SHARE * (now - began) and now - began > 1.0
            if cold and (not warm or affordable):
                self._try_cold(heapq.heappop(cold)[2], under)
                cold_seconds += time.monotonic() - now
            else:
                for unfit in self._try_batch(warm, under):
                    heapq.heappush(cold, (-unfit.score, next(order), unfit))
            if self.tally.answers and not stop:
                stop = time.monotonic() + GRACE
        self.tally.exhausted = True

    def close(self) -> None:
        """End the cold bench, if there is one."""
        if self._cold is not None:
            self._cold.close()
            self._cold = None

    def _fresh(
        self, candidate: Candidate, under: Answer | None, *, cold: bool
    ) -> tuple[Candidate, ...] | None:
        """The parts to try together; None when they overlap or the same text was tried before."""
        parts = (*(under.parts if under else ()), candidate)
        texts = self.texts(parts)
        if texts is None:
            return None
        key = hash((cold, tuple(sorted(texts.items()))))
        if key in self._seen:
            return None
        self._seen.add(key)
        return parts

    def _try_batch(self, warm: deque[Candidate], under: Answer | None) -> list[Candidate]:
        """Try the next candidates in one child; returns those that only a fresh import can show."""
        tries: list[tuple[Candidate, ...]] = []
        patched: list[list[dict[str, object]]] = []
        unfit: list[Candidate] = []
        while warm and len(tries) < BATCH:
            candidate = warm.popleft()
            parts = self._fresh(candidate, under, cold=False)
            patch = self._patch(parts) if parts else None
            if parts and patch is None:
                unfit.append(candidate)
            elif parts and patch is not None:
                tries.append(parts)
                patched.append(patch)
        if not tries:
            return unfit
        total = max(1.0, self.deadline - time.monotonic())
        trials = self.lab.run_batch(self.pilots, patched, each=self.each, total=total)
        for number, (parts, trial) in enumerate(zip(tries, trials, strict=False)):
            self.tally.tried += not trial.unfit
            self.tally.hung += trial.hung
            if trial.unfit and "SyntaxError" not in trial.unfit:
                unfit.append(parts[-1])
            elif self._promising(trial, under) and time.monotonic() < self.deadline:
                again = self.trial(parts, self.pilots, cold=False, quick=True)
                if self._promising(again, under):
                    self._judge(parts, _turned(again), parts[-1].score, cold=False)
            if number == len(trials) - 1:
                for left in reversed(tries[number + 1 :]):
                    self._seen.discard(hash((False, tuple(sorted((self.texts(left) or {}).items())))))
                    warm.appendleft(left[-1])
        return unfit

    def _try_cold(self, candidate: Candidate, under: Answer | None) -> None:
        parts = self._fresh(candidate, under, cold=True)
        if parts is None:
            return
        self.tally.tried += 1
        self.tally.cold += 1
        try:
            trial = self.trial(parts, self.pilots, cold=True, quick=True)
        except (BenchRefused, TimeoutError):
            self.close()
            return
        if self._promising(trial, under):
            self._judge(parts, _turned(trial), candidate.score, cold=True)

    def _promising(self, trial: Trial, under: Answer | None) -> bool:
        turned = _turned(trial)
        return bool(turned) and not trial.hung and not (under and turned <= under.turned)

    def _patch(self, parts: Sequence[Candidate]) -> list[dict[str, object]] | None:
        """What the warm bench needs for these parts; None when it has to import afresh."""
        made: list[dict[str, object]] = []
        for path in {part.path for part in parts}:
            edits = tuple(edit for part in parts if part.path == path for edit in part.edits)
            patch = patches(self.findings.sources[path], edits, str(self.root))
            if patch is None:
                return None
            made += patch
        return made

    def _judge(self, parts: tuple[Candidate, ...], turned: set[str], score: float, *, cold: bool) -> None:
        """The other failing tests, then the passing ones that enter the changed files."""
        rest = sorted(
            (name for name in self.failing if name not in turned), key=lambda name: self._order.get(name, 0)
        )
        if set(self.pilots) <= turned:
            for some in (rest[:SAMPLE], rest[SAMPLE:]):
                now = _turned(self.trial(parts, some, cold=cold, quick=True))
                turned |= now
                if len(now) < 0.8 * len(some):
                    break
        missing = [name for name in self.failing if name not in turned]
        if missing and len(missing) <= max(2, len(self.failing) // 5):
            turned |= self._in_company(parts, missing, cold=cold)
            missing = [name for name in missing if name not in turned]
            if missing and not cold:  # values made on import are still the old ones
                cold = True
                turned |= _turned(self.trial(parts, missing, cold=True))
        answer = Answer(parts=parts, turned=turned, full=set(self.failing) <= turned, score=score, cold=cold)
        if not answer.full:
            self.tally.partial.append(answer)
        elif not self._breaks_near(answer, cold=cold):
            self.tally.answers.append(answer)

    def _in_company(self, parts: tuple[Candidate, ...], missing: list[str], *, cold: bool) -> set[str]:
        """The missing tests run after everything that comes before them: some lean on their neighbours."""
        known = {*self.base.passed_ids, *self.failing}
        trial = self.trial(parts, [name for name in self.base.where if name in known], cold=cold)
        return _turned(trial) & set(missing)

    def _breaks_near(self, answer: Answer, *, cold: bool) -> bool:
        trial = self.trial(answer.parts, self._covering(answer.parts), cold=cold, fail_fast=True, quick=True)
        return bool(trial.failed() or trial.hung or trial.crashed)

    def _covering(self, parts: Iterable[Candidate]) -> list[str]:
        """Quick passing tests that enter the changed files and pass in this company without a change, too."""
        paths = tuple(sorted({each.path for each in parts}))
        if paths not in self._steady:
            names = dict.fromkeys(name for path in paths for name in self.findings.covering.get(path, ()))
            chosen: list[str] = []
            spent = 0.0
            for name in sorted(names, key=lambda each: self.base.runs[each].seconds):
                spent += self.base.runs[name].seconds
                if spent > COVERING_SECONDS:
                    break
                chosen.append(name)
            chosen.sort(key=lambda name: self._order.get(name, 0))
            trial = (
                self.lab.run(chosen, each=10.0, total=2 * COVERING_SECONDS, quick=True) if chosen else Trial()
            )
            self._steady[paths] = [run.id for run in trial.runs.values() if run.outcome == "passed"]
        return self._steady[paths]

    def texts(self, parts: Iterable[Candidate]) -> dict[str, str] | None:
        """The changed files' whole texts, None when two changes touch the same characters."""
        edits: dict[str, list[Edit]] = {}
        for part in parts:
            edits.setdefault(part.path, []).extend(part.edits)
        try:
            return {path: apply(self.findings.sources[path].text, group) for path, group in edits.items()}
        except ValueError:
            return None

    def trial(
        self,
        parts: Sequence[Candidate],
        tests: Sequence[str],
        *,
        cold: bool,
        quick: bool = False,
        fail_fast: bool = False,
    ) -> Trial:
        """Run tests with the parts applied, in living functions or by fresh imports."""
        slowest = max((self.base.runs[name].seconds for name in tests if name in self.base.runs), default=0.1)
        each = max(self.each, 5 * slowest + 0.5) if not quick else self.each
        total = max(1.0, self.end - time.monotonic())
        if not tests:
            return Trial()
        if cold and tests:
            texts = {f"{self.root}/{path}": text for path, text in (self.texts(parts) or {}).items()}
            if self._cold is None:
                self._cold = self._cold_lab()
            return self._cold.run(tests, each=each + 5.0, total=total, overlay=texts, fail_fast=fail_fast)
        made = self._patch(parts)
        if made is None:
            return Trial(unfit="outside a function")
        return self.lab.run(tests, each=each, total=total, patch=made, quick=quick, fail_fast=fail_fast)


def _turned(trial: Trial) -> set[str]:
    return {name for name, run in trial.runs.items() if run.outcome in ("passed", "skipped")}
