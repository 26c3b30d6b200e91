"""Tries candidates until one makes the failing tests pass and breaks none."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from . import clock
from .baseline import Baseline
from .candidates import Candidate, FoundChange
from .choice.compare import Comparison
from .choice.structure import judge_text
from .choice.verdict import find_objection
from .forkserver.candidate_runner import CandidateRunner
from .forkserver.client import RunReport, ServerRefused

BATCH = 16  # candidates that are tried in one child before it is replaced
PILOTS = 3  # failing tests that every candidate is tried on first
SAMPLE = 12  # further failing tests that run before the rest of them
GRACE = 1.5  # seconds spent on looking for other answers after the first that can be claimed
RIVALS = 0.1  # of its chance: what is less likely than that cannot win against it any more
PATIENCE = 15.0  # seconds after the first that passes and cannot be claimed
FRESH_AHEAD = 1.0  # seconds they may take before others have had their share
FRESH_SHARE = 0.3  # of the time, for candidates that need a fresh import
UNSHOWN = 0.01  # of its chance, for one whose new value was put into living code and made no test pass


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a search did."""

    tried: int = 0
    hung: int = 0
    unfit: int = 0
    fresh: int = 0
    answers: list[FoundChange] = field(default_factory=list)
    partial: list[FoundChange] = field(default_factory=list)
    exhausted: bool = False
    tried_first: int | None = None  # candidates until the first that was an answer
    claimable: list[FoundChange] = field(default_factory=list)  # answers that nothing speaks against


class CandidateSearch:
    """One search over candidates, the likeliest first, until ``deadline``."""

    def __init__(self, runner: CandidateRunner, base: Baseline, deadline: float) -> None:
        self.runner = runner
        self.base = base
        self.deadline = deadline
        self.tally = Tally()
        self.failing = [run.id for run in base.failing]
        self.failing += [name for name in base.failed_ids if name not in self.failing]
        self.pilots = self._choose_pilots()
        self._seen: set[int] = set()
        self._patient_until = 0.0
        self._chances: dict[int, float] = {}  # of the answers that can be claimed, by their identity
        self.compared = Comparison(ranked=())

    def drop(self, answer: FoundChange) -> None:
        """Count an answer no longer: it breaks something. Without another one the search may go on."""
        self.tally.answers = [each for each in self.tally.answers if each is not answer]
        self.tally.claimable = [each for each in self.tally.claimable if each is not answer]
        if not self.tally.answers:
            self._patient_until = 0.0

    def _find_best(self) -> float:
        """The chance of the likeliest answer that can be claimed."""
        return max((self._chances[id(each)] for each in self.tally.claimable), default=0.0)

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
        if index >= min(len(names), 3) or clock.read_seconds() >= self.deadline:
            return False
        self.pilots = [names[index]]
        self._seen.clear()
        self.tally.exhausted = False
        return True

    def run(
        self,
        candidates: Sequence[Candidate],
        *,
        under: FoundChange | None = None,
        until: float | None = None,
        most: int | None = None,
    ) -> None:
        """Try candidates, on top of the change ``under`` if given, until one is found or time is up.

        After ``most`` tries without an answer it stops.
        """
        before = self.tally.tried
        end = min(until or self.deadline, self.deadline)
        at_once = self.base.only_fresh_imports
        swappable = deque(each for each in candidates if not (each.fresh and at_once))
        order = count()
        fresh = [(-each.score, next(order), each) for each in candidates if each.fresh and at_once]
        heapq.heapify(fresh)
        began = clock.read_seconds()
        fresh_seconds = 0.0
        stop = 0.0
        while swappable or fresh:
            now = clock.read_seconds()
            if now >= end or (stop and now >= stop):
                return
            likeliest = max(swappable[0].score if swappable else 0.0, -fresh[0][0] if fresh else 0.0)
            if stop and likeliest < RIVALS * self._find_best():
                return
            if self.tally.answers and not self.tally.claimable and 0.0 < self._patient_until <= now:
                return
            if most is not None and not stop and self.tally.tried - before >= most:
                return
            affordable = fresh_seconds <= FRESH_SHARE * (now - began) + FRESH_AHEAD
            early = self.tally.tried < 3 * BATCH  # the server for fresh imports costs a second to start
            due = bool(fresh) and (
                not swappable or (affordable and not early and -fresh[0][0] >= 0.8 * swappable[0].score)
            )
            if due:
                fresh_seconds += self._try_fresh(heapq.heappop(fresh)[2], under)
            else:
                for unfit in self._try_batch(swappable, under):
                    heapq.heappush(fresh, (-unfit.score, next(order), unfit))
            if self.tally.claimable and not stop:
                stop = clock.read_seconds() + GRACE
            elif self.tally.answers and not self._patient_until:
                self._patient_until = clock.read_seconds() + PATIENCE
        self.tally.exhausted = True

    def _combine(
        self, candidate: Candidate, under: FoundChange | None, *, fresh: bool
    ) -> tuple[Candidate, ...] | None:
        """The parts to try together; None when they overlap or the same text was tried before."""
        parts = (*(under.parts if under else ()), candidate)
        texts = self.runner.texts(parts)
        if texts is None:
            return None
        key = hash((fresh, tuple(sorted(texts.items()))))
        if key in self._seen:
            return None
        self._seen.add(key)
        return parts

    def _try_batch(self, swappable: deque[Candidate], under: FoundChange | None) -> list[Candidate]:
        """Try the next candidates in one child; returns those that only a fresh import can show.

        Among them, far less likely then, are those whose new value was put in and made no test pass.
        """
        tries: list[tuple[Candidate, ...]] = []
        patched: list[list[dict[str, object]]] = []
        unfit: list[Candidate] = []
        while swappable and len(tries) < BATCH:
            candidate = swappable.popleft()
            parts = self._combine(candidate, under, fresh=False)
            patch = self.runner.patch(parts) if parts else None
            if parts and patch is None:
                unfit.append(candidate)
            elif parts and patch is not None:
                tries.append(parts)
                patched.append(patch)
        if not tries:
            return unfit
        total = max(1.0, self.deadline - clock.read_seconds())
        reports = self.runner.server.run_batch(self.pilots, patched, each=self.runner.each, total=total)
        for number, (parts, run_report) in enumerate(zip(tries, reports, strict=False)):
            self.tally.tried += not run_report.unfit
            self.tally.hung += run_report.hung
            if run_report.unfit and "SyntaxError" not in run_report.unfit:
                unfit.append(parts[-1])
            elif any(part.fresh for part in parts) and not run_report.unfit:
                better = self._is_promising(run_report, under)
                unfit.append(parts[-1] if better else replace(parts[-1], score=UNSHOWN * parts[-1].score))
                if better and clock.read_seconds() < self.deadline:
                    self._try_fresh(unfit.pop(), under)
            elif self._is_promising(run_report, under) and clock.read_seconds() < self.deadline:
                again = self.runner.run(parts, self.pilots, fresh=False, quick=True)
                if self._is_promising(again, under):
                    self._confirm(parts, _find_passing(again), parts[-1].score, fresh=False)
            if number == len(reports) - 1:
                for left in reversed(tries[number + 1 :]):
                    self._seen.discard(hash((False, tuple(sorted((self.runner.texts(left) or {}).items())))))
                    swappable.appendleft(left[-1])
        return unfit

    def _try_fresh(self, candidate: Candidate, under: FoundChange | None) -> float:
        """Try a candidate by fresh imports; returns the seconds it took, the start of its server left out."""
        parts = self._combine(candidate, under, fresh=True)
        if parts is None:
            return 0.0
        self.tally.tried += 1
        self.tally.fresh += 1
        began = clock.read_seconds()
        try:
            self.runner.start_fresh_server()
            began = clock.read_seconds()
            run_report = self.runner.run(parts, self.pilots, fresh=True, quick=True)
        except (ServerRefused, TimeoutError):
            self.runner.close()
            return clock.read_seconds() - began
        if self._is_promising(run_report, under):
            self._confirm(parts, _find_passing(run_report), candidate.score, fresh=True)
        return clock.read_seconds() - began

    def _is_promising(self, run_report: RunReport, under: FoundChange | None) -> bool:
        turned = _find_passing(run_report)
        return bool(turned) and not run_report.hung and not (under and turned <= under.turned)

    def _confirm(self, parts: tuple[Candidate, ...], turned: set[str], score: float, *, fresh: bool) -> None:
        """Run the other failing tests, then the passing ones of the changed files; count the change."""
        rest = sorted(
            (name for name in self.failing if name not in turned),
            key=lambda name: self.runner.order.get(name, 0),
        )
        if set(self.pilots) <= turned:
            for some in (rest[:SAMPLE], rest[SAMPLE:]):
                now = _find_passing(self.runner.run(parts, some, fresh=fresh, quick=True))
                turned |= now
                if len(now) < 0.8 * len(some):
                    break
        missing = [name for name in self.failing if name not in turned]
        if missing and len(missing) <= max(2, len(self.failing) // 5):
            turned |= self._run_in_order(parts, missing, fresh=fresh)
            missing = [name for name in missing if name not in turned]
            if missing and not fresh:  # values made on import are still the old ones
                fresh = True
                turned |= _find_passing(self.runner.run(parts, missing, fresh=True))
        answer = FoundChange(
            parts=parts, turned=turned, full=set(self.failing) <= turned, score=score, fresh=fresh
        )
        if not answer.full:
            self.tally.partial.append(answer)
        elif not self._breaks_covering_tests(answer, fresh=fresh):
            self.tally.answers.append(answer)
            if not find_objection(self.runner, answer):
                self.tally.claimable.append(answer)
                self._chances[id(answer)] = answer.score * judge_text(self.runner, answer)
            self.tally.tried_first = self.tally.tried_first or self.tally.tried

    def _run_in_order(self, parts: tuple[Candidate, ...], missing: list[str], *, fresh: bool) -> set[str]:
        """Run the missing tests after all that come before them in the suite: some depend on those."""
        known = {*self.base.passed_ids, *self.failing}
        run_report = self.runner.run(parts, [name for name in self.base.where if name in known], fresh=fresh)
        return _find_passing(run_report) & set(missing)

    def _breaks_covering_tests(self, answer: FoundChange, *, fresh: bool) -> bool:
        run_report = self.runner.run(
            answer.parts, self.runner.choose_covering(answer.parts), fresh=fresh, fail_fast=True, quick=True
        )
        return bool(run_report.list_failed() or run_report.hung or run_report.crashed)


def _find_passing(run_report: RunReport) -> set[str]:
    return {name for name, run in run_report.runs.items() if run.outcome in ("passed", "skipped")}
