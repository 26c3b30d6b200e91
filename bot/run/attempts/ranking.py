"""Which of several attempts is the best: a pure function over their results. The proof decides, never words.

In this order, the first difference counting:

1. the proof passed
2. it broke fewer tests (a check that no longer runs to its end broke all of them)
3. it changed something, or else answered; nothing at all comes last
4. it mended more tests
5. it left the tests that are its judge as they were (new ones are welcome)
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
from bot.git.diff import diffstat
from bot.run.messages.report import is_judge

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
        """What it used, whatever came of it."""
        return self.result.outcome.usage if self.result else self.usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All attempts in their order, and the one that the judge prefers."""

    chosen: FinishedAttempt
    tried: tuple[FinishedAttempt, ...]

    @property
    def result(self) -> Result:
        """What the chosen attempt hands over."""
        if self.chosen.result is None:
            raise ValueError("an attempt without a result was chosen")
        return self.chosen.result

    @property
    def spent(self) -> Usage:
        """What all of them used; the seconds are those of thinking, also where they were the same ones."""
        return reduce(add_usage, (each.used for each in self.tried), Usage())

    @property
    def why(self) -> str:
        """What the chosen one has over the next best, in a few words; empty when there was only one."""
        others = [each for each in self.tried if each.ordinal != self.chosen.ordinal]
        if not others:
            return ""
        mine, next_best = rank(self.chosen), min(map(rank, others))
        return next(
            (_REASONS[at] for at, (a, b) in enumerate(zip(mine, next_best, strict=True)) if a != b), ""
        )


def pick_best(tried: Sequence[FinishedAttempt]) -> Selection:
    """The best of at least one attempt. Raises ValueError when none of them has a result."""
    ordered = tuple(sorted(tried, key=lambda each: each.ordinal))
    best = min(ordered, key=rank, default=None)
    if best is None or best.result is None:
        raise ValueError("no attempt has a result")
    return Selection(chosen=best, tried=ordered)


def rank(tried: FinishedAttempt) -> tuple[int, ...]:
    """The key to sort by, the best attempt first; see the module's text."""
    result = tried.result
    if result is None:
        return (1, 2 * EVERYTHING, 3, 0, 0, 1, 0, 0, tried.ordinal)
    stat = diffstat(result.diff)
    return (
        0 if result.changes and result.proof.passed else 1,
        broken(result.proof),
        _comes_to(result),
        -sum(len(check.mended) for check in result.proof.checks),
        int(_alters_its_judge(result)),
        int(result.outcome.kind is OutcomeKind.LIMIT),
        stat.added + stat.removed,
        len(result.changes.files),
        tried.ordinal,
    )


def broken(proof: Proof) -> int:
    """How many tests fail only with the change."""
    return sum(EVERYTHING if _gone(check) else len(check.broken) for check in proof.checks)


def proof_failed(proof: Proof) -> bool:
    """Whether a check says that another attempt may do better.

    Not one that cannot run at all in this sandbox, and not a style check that failed before: a change is not
    asked to mend those.
    """
    return any(_gone(check) or _red(check) for check in proof.checks)


def _red(check: Check) -> bool:
    if check.head.verdict not in (Verdict.FAILED, Verdict.TIMED_OUT):
        return False
    return check.name == "test" or check.base.verdict is Verdict.PASSED


def _gone(check: Check) -> bool:
    """A check that ran on base and does not run to its end any more."""
    ran = (Verdict.PASSED, Verdict.FAILED)
    return check.base.verdict in ran and check.head.verdict not in ran


def _comes_to(result: Result) -> int:
    if result.changes:
        return 0
    return 1 if result.outcome.kind in (OutcomeKind.ANSWERED, OutcomeKind.NOTHING) else 2


def _alters_its_judge(result: Result) -> bool:
    return any(
        change.kind is not ChangeKind.ADDED and is_judge(change.path) for change in result.changes.files
    )
