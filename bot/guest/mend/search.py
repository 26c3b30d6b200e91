"""Tries candidates until one makes the failing tests pass and breaks none."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from .baseline import Baseline
from .candidates import Candidate
from .forkserver.candidate_runner import CandidateRunner
from .forkserver.client import RunReport, ServerRefused

BATCH = 16  # candidates that are tried in one child before it is replaced
PILOTS = 3  # failing tests that every candidate is tried on first
SAMPLE = 12  # further failing tests that run before the rest of them
GRACE = 0.5  # seconds spent on looking for other answers after the first
COLD_AHEAD = 1.0  # seconds they may take before others have had their share
COLD_SHARE = 0.3  # of the time, for candidates that need a fresh import


@dataclass(slots=True, kw_only=True)
class FoundChange:
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
    answers: list[FoundChange] = field(default_factory=list)
    partial: list[FoundChange] = field(default_factory=list)
    exhausted: bool = False


class CandidateSearch:
    """One search over candidates, the likeliest first, until ``deadline``."""

    def __init__(self, trials: CandidateRunner, base: Baseline, deadline: float) -> None:
        self.trials = trials
        self.base = base
        self.deadline = deadline
        self.tally = Tally()
        self.failing = [run.id for run in base.failing]
        self.failing += [name for name in base.failed_ids if name not in self.failing]
        self.pilots = self._choose_pilots()
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
        self, candidates: Sequence[Candidate], *, under: FoundChange | None = None, until: float | None = None
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
            affordable = cold_seconds <= COLD_SHARE * (now - began) + COLD_AHEAD
            early = self.tally.tried < 3 * BATCH  # the bench for fresh imports costs a second to start
            due = bool(cold) and (
                not warm or (affordable and not early and -cold[0][0] >= 0.8 * warm[0].score)
            )
            if due:
                cold_seconds += self._try_cold(heapq.heappop(cold)[2], under)
            else:
                for unfit in self._try_batch(warm, under):
                    heapq.heappush(cold, (-unfit.score, next(order), unfit))
            if self.tally.answers and not stop:
                stop = time.monotonic() + GRACE
        self.tally.exhausted = True

    def _fresh(
        self, candidate: Candidate, under: FoundChange | None, *, cold: bool
    ) -> tuple[Candidate, ...] | None:
        """The parts to try together; None when they overlap or the same text was tried before."""
        parts = (*(under.parts if under else ()), candidate)
        texts = self.trials.texts(parts)
        if texts is None:
            return None
        key = hash((cold, tuple(sorted(texts.items()))))
        if key in self._seen:
            return None
        self._seen.add(key)
        return parts

    def _try_batch(self, warm: deque[Candidate], under: FoundChange | None) -> list[Candidate]:
        """Try the next candidates in one child; returns those that only a fresh import can show."""
        tries: list[tuple[Candidate, ...]] = []
        patched: list[list[dict[str, object]]] = []
        unfit: list[Candidate] = []
        while warm and len(tries) < BATCH:
            candidate = warm.popleft()
            parts = self._fresh(candidate, under, cold=False)
            patch = self.trials.patch(parts) if parts else None
            if parts and patch is None:
                unfit.append(candidate)
            elif parts and patch is not None:
                tries.append(parts)
                patched.append(patch)
        if not tries:
            return unfit
        total = max(1.0, self.deadline - time.monotonic())
        trials = self.trials.lab.run_batch(self.pilots, patched, each=self.trials.each, total=total)
        for number, (parts, trial) in enumerate(zip(tries, trials, strict=False)):
            self.tally.tried += not trial.unfit
            self.tally.hung += trial.hung
            if trial.unfit and "SyntaxError" not in trial.unfit:
                unfit.append(parts[-1])
            elif self._promising(trial, under) and time.monotonic() < self.deadline:
                again = self.trials.run(parts, self.pilots, cold=False, quick=True)
                if self._promising(again, under):
                    self._judge(parts, _find_passing(again), parts[-1].score, cold=False)
            if number == len(trials) - 1:
                for left in reversed(tries[number + 1 :]):
                    self._seen.discard(hash((False, tuple(sorted((self.trials.texts(left) or {}).items())))))
                    warm.appendleft(left[-1])
        return unfit

    def _try_cold(self, candidate: Candidate, under: FoundChange | None) -> float:
        """Try a candidate by fresh imports; returns the seconds it took, the start of the bench left out."""
        parts = self._fresh(candidate, under, cold=True)
        if parts is None:
            return 0.0
        self.tally.tried += 1
        self.tally.cold += 1
        began = time.monotonic()
        try:
            self.trials.cold()
            began = time.monotonic()
            trial = self.trials.run(parts, self.pilots, cold=True, quick=True)
        except (ServerRefused, TimeoutError):
            self.trials.close()
            return time.monotonic() - began
        if self._promising(trial, under):
            self._judge(parts, _find_passing(trial), candidate.score, cold=True)
        return time.monotonic() - began

    def _promising(self, trial: RunReport, under: FoundChange | None) -> bool:
        turned = _find_passing(trial)
        return bool(turned) and not trial.hung and not (under and turned <= under.turned)

    def _judge(self, parts: tuple[Candidate, ...], turned: set[str], score: float, *, cold: bool) -> None:
        """The other failing tests, then the passing ones that enter the changed files."""
        rest = sorted(
            (name for name in self.failing if name not in turned),
            key=lambda name: self.trials.order.get(name, 0),
        )
        if set(self.pilots) <= turned:
            for some in (rest[:SAMPLE], rest[SAMPLE:]):
                now = _find_passing(self.trials.run(parts, some, cold=cold, quick=True))
                turned |= now
                if len(now) < 0.8 * len(some):
                    break
        missing = [name for name in self.failing if name not in turned]
        if missing and len(missing) <= max(2, len(self.failing) // 5):
            turned |= self._in_company(parts, missing, cold=cold)
            missing = [name for name in missing if name not in turned]
            if missing and not cold:  # values made on import are still the old ones
                cold = True
                turned |= _find_passing(self.trials.run(parts, missing, cold=True))
        answer = FoundChange(
            parts=parts, turned=turned, full=set(self.failing) <= turned, score=score, cold=cold
        )
        if not answer.full:
            self.tally.partial.append(answer)
        elif not self._breaks_near(answer, cold=cold):
            self.tally.answers.append(answer)

    def _in_company(self, parts: tuple[Candidate, ...], missing: list[str], *, cold: bool) -> set[str]:
        """The missing tests run after everything that comes before them: some lean on their neighbours."""
        known = {*self.base.passed_ids, *self.failing}
        trial = self.trials.run(parts, [name for name in self.base.where if name in known], cold=cold)
        return _find_passing(trial) & set(missing)

    def _breaks_near(self, answer: FoundChange, *, cold: bool) -> bool:
        trial = self.trials.run(
            answer.parts, self.trials.covering(answer.parts), cold=cold, fail_fast=True, quick=True
        )
        return bool(trial.failed() or trial.hung or trial.crashed)


def _find_passing(trial: RunReport) -> set[str]:
    return {name for name, run in trial.runs.items() if run.outcome in ("passed", "skipped")}
