"""Which of several attempts is the best: a pure function of their results. The proof decides, not the text.

In this order, the first difference counting:

1. the proof passed
2. it broke fewer tests (a check that no longer runs to its end broke all of them)
3. it changed something, or else answered; nothing at all comes last
4. it mended more tests
5. it left existing tests as they were (new ones are welcome)
6. it came to an end by itself instead of at a limit
7. fewer changed lines, then fewer changed files
8. the lower ordinal: it was there first
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from bot.agent.limits import add_usage
from bot.domain import ChangeKind, Check, OutcomeKind, Proof, Result, Usage, Verdict
from bot.domain.paths_of_tests import is_test_path
from bot.text.diffs import diffstat

EVERYTHING = 1_000_000  # what a check that no longer runs counts as broken

# In the order of the key below.
_REASONS = (
    "its proof passes",
    "it breaks fewer tests",
    "it comes to a result",
    "it mends more tests",
    "it leaves the tests that judge it alone",
    "it came to its end",
    "it is the smaller change",
    "it touches fewer files",
    "it was there first",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedAttempt:
    """One attempt that is over. Without ``result`` it failed, and ``error`` says why.

    ``usage`` is what one without a result had used.
    """

    ordinal: int
    model: str = ""
    result: Result | None = None
    error: str = ""
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)

    @property
    def used(self) -> Usage:
        """The usage of the attempt, whether it succeeded or not."""
        return self.result.outcome.usage if self.result else self.usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All attempts in their order, and the best one."""

    chosen: FinishedAttempt
    attempts: tuple[FinishedAttempt, ...]

    @property
    def result(self) -> Result:
        """The chosen attempt's result."""
        if self.chosen.result is None:
            raise ValueError("an attempt without a result was chosen")
        return self.chosen.result

    @property
    def spent(self) -> Usage:
        """What all of them used; the seconds are those of thinking, also where they were the same ones."""
        return reduce(add_usage, (each.used for each in self.attempts), Usage())

    @property
    def why(self) -> str:
        """What the chosen one has over the next best, as a short phrase; empty when there was only one."""
        others = [each for each in self.attempts if each.ordinal != self.chosen.ordinal]
        if not others:
            return ""
        mine, next_best = rank(self.chosen), min(map(rank, others))
        return next(
            (_REASONS[at] for at, (a, b) in enumerate(zip(mine, next_best, strict=True)) if a != b), ""
        )


def pick_best(attempts: Sequence[FinishedAttempt]) -> Selection:
    """The best of at least one attempt. Raises ValueError when none of them has a result."""
    ordered = tuple(sorted(attempts, key=lambda each: each.ordinal))
    best = min(ordered, key=rank, default=None)
    if best is None or best.result is None:
        raise ValueError("no attempt has a result")
    return Selection(chosen=best, attempts=ordered)


def rank(attempt: FinishedAttempt) -> tuple[int, ...]:
    """The key to sort by, the best attempt first; see the module's text."""
    result = attempt.result
    if result is None:
        return (1, 2 * EVERYTHING, 3, 0, 0, 1, 0, 0, attempt.ordinal)
    stat = diffstat(result.diff)
    return (
        0 if result.changes and result.proof.passed else 1,
        count_broken_tests(result.proof),
        _rank_outcome(result),
        -sum(len(check.mended) for check in result.proof.checks),
        int(_alters_tests(result)),
        int(result.outcome.kind is OutcomeKind.LIMIT),
        stat.added + stat.removed,
        len(result.changes.files),
        attempt.ordinal,
    )


def count_broken_tests(proof: Proof) -> int:
    """How many tests fail only with the change."""
    return sum(EVERYTHING if _no_longer_runs(check) else len(check.broken) for check in proof.checks)


def proof_failed(proof: Proof) -> bool:
    """Whether a check says that another attempt may do better.

    Not one that cannot run at all in this sandbox, and not a style check that failed before: a change is not
    asked to mend those.
    """
    return any(_no_longer_runs(check) or _fails(check) for check in proof.checks)


def _fails(check: Check) -> bool:
    if check.head.verdict not in (Verdict.FAILED, Verdict.TIMED_OUT):
        return False
    return check.name == "test" or check.base.verdict is Verdict.PASSED


def _no_longer_runs(check: Check) -> bool:
    """A check that ran on base and does not run to its end any more."""
    ran = (Verdict.PASSED, Verdict.FAILED)
    return check.base.verdict in ran and check.head.verdict not in ran


def _rank_outcome(result: Result) -> int:
    if result.changes:
        return 0
    return 1 if result.outcome.kind in (OutcomeKind.ANSWERED, OutcomeKind.NOTHING) else 2


def _alters_tests(result: Result) -> bool:
    return any(
        change.kind is not ChangeKind.ADDED and is_test_path(change.path) for change in result.changes.files
    )
