"""Which of several attempts is the best: a pure function of their results. The proof decides, not the text.

In this order, the first difference counting:

1. the proof passed
2. it broke fewer tests (a check that no longer runs to its end broke all of them)
3. it changed something, or else answered; nothing at all comes last
4. it mended more tests
5. its proof has fewer warnings: existing tests stay as they were, nothing is skipped
6. it brings tests that fail without it
7. it came to an end by itself instead of at a limit
8. fewer changed lines, then fewer changed files, of what is neither a test nor a text for people
9. the lower ordinal: it was there first

Tests and texts do not count: an attempt with a test for its fix did more, not too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from bot.agent.limits import add_usage
from bot.domain import Check, OutcomeKind, Proof, ProofState, Result, Usage
from bot.domain.proof import RAN
from bot.run.prove.judge_files import is_test
from bot.text.diffs import diffstat, split_by_file

EVERYTHING = 1_000_000  # what a check that no longer runs counts as broken

# In the order of the key below.
_REASONS = (
    "its proof passes",
    "it breaks fewer tests",
    "it comes to a result",
    "it mends more tests",
    "its proof has fewer warnings",
    "it brings tests that fail without it",
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
    remark: str = ""  # why there are fewer attempts than a person asked for, as a sentence

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
        return (1, 2 * EVERYTHING, 3, 0, 0, 1, 1, 0, 0, attempt.ordinal)
    proof = result.proof
    source = [change.path for change in result.changes.files if not _is_no_size(change.path)]
    return (
        0 if result.changes and proof.passed else 1,
        count_broken_tests(proof),
        _rank_outcome(result),
        -sum(len(check.mended) for check in proof.checks),
        len(proof.warnings),
        int(not any(check.added for check in proof.checks)),
        int(result.outcome.kind is OutcomeKind.LIMIT),
        _count_lines(result.diff),
        len(source),
        attempt.ordinal,
    )


def count_broken_tests(proof: Proof) -> int:
    """How many tests fail only with the change."""
    return sum(EVERYTHING if _no_longer_runs(check) else len(check.broken) for check in proof.checks)


def proof_failed(proof: Proof) -> bool:
    """Whether another attempt may do better: head is worse than base, or what was asked for still fails.

    Not for what failed before and the request is not about, and not for a check that cannot run here at all.
    """
    return proof.state is ProofState.FAILS


def find_identical(attempts: Sequence[FinishedAttempt]) -> tuple[tuple[int, ...], ...]:
    """The ordinals of attempts that made the very same change, in groups of at least two."""
    groups: dict[str, list[int]] = {}
    for each in attempts:
        if each.result is not None and each.result.diff:
            groups.setdefault(each.result.diff, []).append(each.ordinal)
    return tuple(tuple(ordinals) for ordinals in groups.values() if len(ordinals) > 1)


def _no_longer_runs(check: Check) -> bool:
    """A check that ran on base and does not run to its end any more."""
    return check.base.verdict in RAN and check.head.verdict not in RAN


def _rank_outcome(result: Result) -> int:
    if result.changes:
        return 0
    return 1 if result.outcome.kind in (OutcomeKind.ANSWERED, OutcomeKind.NOTHING) else 2


def _is_no_size(path: str) -> bool:
    """Tests, changelogs and other texts for people."""
    return is_test(path) or path.lower().endswith((".md", ".rst", ".txt", ".adoc"))


def _count_lines(diff: str) -> int:
    """Changed lines of what is neither a test nor a text for people."""
    stats = [diffstat(part) for path, part in split_by_file(diff) if not _is_no_size(path)]
    return sum(stat.added + stat.removed for stat in stats)
