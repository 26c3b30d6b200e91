"""The guard of a release: is what it turned on worse than the rest, by tasks that ended meanwhile?

It is looked at every minute, so an ordinary test would call chance a fault sooner or later. The test here
may be looked at at any time: the mixture sequential probability ratio test with a normal mixture, in its form
as an always valid confidence interval (Johari, Koomen, Pekelis and Walsh, "Peeking at A/B Tests: Why it
matters, and what to do about it", KDD 2017, https://doi.org/10.1145/3097983.3097992; the boundary is
Robbins', 1970). Steps are combined with the weights of Mantel and Haenszel. Variances are estimated from the
data, shares with one success and one failure added to each side (Agresti and Caffo, 2000), so few tasks say
little. Where whole units such as repositories are on a side, these are compared (``bot.flags.by_unit``).
`make guard-check` measures how often it errs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.flags.by_unit import UnitTally, compare_units

ALPHA = 0.05  # the chance, over all looks at a release together, of stepping back from one that is not worse
RESPECTS = 4  # that are compared: failures, proofs, thumbs, costs
LEAST = 10  # ended tasks of each side, before a comparison says anything
LEAST_PRICED = 5  # of each side at one step, before their costs say anything
COST_MARGIN = 0.5  # how much dearer a task may be at most, as a share of what the rest costs


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """What is known of the ended tasks of one side.

    ``changes`` are those that were to change code, ``proved`` of them ended with a proof. ``usd`` is the mean
    cost of a task in US dollars, ``usd_variance`` its sample variance. ``rated`` are those on whose threads
    somebody left a thumb, ``disliked`` of them got more down than up.
    """

    tasks: int = 0
    failed: int = 0
    changes: int = 0
    proved: int = 0
    usd: float = 0.0
    usd_variance: float = 0.0
    rated: int = 0
    disliked: int = 0


def add_figures(parts: Sequence[ArmFigures]) -> ArmFigures:
    """The figures of all parts together."""
    tasks = sum(each.tasks for each in parts)
    usd = sum(each.tasks * each.usd for each in parts) / tasks if tasks else 0.0
    squares = sum(
        (each.tasks - 1) * each.usd_variance + each.tasks * (each.usd - usd) ** 2
        for each in parts
        if each.tasks
    )
    names = ("failed", "changes", "proved", "rated", "disliked")
    return ArmFigures(
        tasks=tasks,
        usd=usd,
        usd_variance=squares / (tasks - 1) if tasks > 1 else 0.0,
        **{name: sum(getattr(each, name) for each in parts) for name in names},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFigures:
    """What is known of one unit's ended tasks on one side."""

    unit: str
    is_new: bool
    figures: ArmFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Both sides at one step of a release.

    They are compared step by step, since the share of the release, and with it of the times at which its
    tasks came, differs between steps. ``units`` are those that are on a side whole, none where each task is
    on one by itself.
    """

    new: ArmFigures
    rest: ArmFigures
    units: Sequence[UnitFigures] = ()

    def count_failed(self) -> Shares:
        """The failed tasks of all."""
        new, rest = self.new, self.rest
        return Shares(new=new.failed, of_new=new.tasks, rest=rest.failed, of_rest=rest.tasks)

    def count_proved(self) -> Shares:
        """The proved changes of all."""
        new, rest = self.new, self.rest
        return Shares(new=new.proved, of_new=new.changes, rest=rest.proved, of_rest=rest.changes)

    def count_disliked(self) -> Shares:
        """The disliked tasks of those with a thumb."""
        new, rest = self.new, self.rest
        return Shares(new=new.disliked, of_new=new.rated, rest=rest.disliked, of_rest=rest.rated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """So many of so many, on both sides."""

    new: int
    of_new: int
    rest: int
    of_rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardComparison:
    """How much worse the release is in one respect: at least ``low``, at most ``high``, at any time.

    ``margin`` is how much worse it may be; ``said`` is the figures as a sentence, without the interval. The
    step to everybody waits until a respect that ``is_waited_for`` is sure, for others while they look worse.
    """

    name: str
    low: float
    high: float
    margin: float
    said: str
    variance: float = 0.0  # of the difference, with as many tasks as there are
    is_waited_for: bool = True
    looks_worse: bool = False  # by its tasks, though its units do not tell

    @property
    def is_worse(self) -> bool:
        """Whether chance does not explain that the release is worse."""
        return self.low > 0

    @property
    def is_fine(self) -> bool:
        """Whether it is sure to be worse by less than the margin, if at all."""
        return self.high < self.margin

    @property
    def is_doubtful(self) -> bool:
        """Whether its tasks are worse, and nobody can tell that from what its units are like."""
        return self.looks_worse and not self.is_fine

    @property
    def holds(self) -> bool:
        """Whether the step to everybody waits for it."""
        looks_worse = (self.low + self.high) / 2 > self.margin
        return not self.is_fine if self.is_waited_for else looks_worse


class Move(StrEnum):
    """What becomes of a release at a look."""

    WAIT = "wait"
    NEXT = "next"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardDecision:
    """A move, and why in a sentence without full stop."""

    move: Move
    why: str


def compare(strata: Sequence[Stratum], *, margin: float) -> list[GuardComparison]:
    """Every respect in which both sides can be compared. ``margin`` is that of shares, from 0 to 1."""
    disliked = compare_shares("thumbs down", [each.count_disliked() for each in strata], margin, worse=1)
    found = [
        compare_shares("failed", [each.count_failed() for each in strata], margin, worse=1),
        compare_shares("proved", [each.count_proved() for each in strata], margin, worse=-1),
        replace(disliked, is_waited_for=False) if disliked else None,
        compare_costs(strata),
    ]
    known = [each for each in found if each is not None]
    return [_go_by_units(each, strata) for each in known] if any(each.units for each in strata) else known


# What is compared of a unit's figures: of how many tasks, and the mean.
_OF_UNIT: Mapping[str, Callable[[ArmFigures], tuple[int, float]]] = {
    "failed": lambda each: (each.tasks, each.failed / max(1, each.tasks)),
    "proved": lambda each: (each.changes, -each.proved / max(1, each.changes)),
    "thumbs down": lambda each: (each.rated, each.disliked / max(1, each.rated)),
    "cost": lambda each: (each.tasks, each.usd),
}


def _go_by_units(by_tasks: GuardComparison, strata: Sequence[Stratum]) -> GuardComparison:
    """The comparison of units in place of that of tasks; one that says nothing where they are too few."""
    read, is_cost = _OF_UNIT[by_tasks.name], by_tasks.name == "cost"
    steps = [
        [
            UnitTally(unit=each.unit, is_new=each.is_new, tasks=tasks, mean=mean)
            for each in stratum.units
            for tasks, mean in [read(each.figures)]
        ]
        for stratum in strata
    ]
    whole = add_figures([side for each in strata for side in (each.new, each.rest)])
    if is_cost:
        spread = _estimate_relative_variance(whole) * whole.tasks
    else:
        of, mean = read(whole)
        spread = _estimate_variance(round(abs(mean) * of), of) * of
    found = compare_units(steps, spread=spread, as_ratio=is_cost)
    if found is None:
        said = f"{by_tasks.said}, of too few units to tell"
        low, high = -math.inf, math.inf
        return replace(by_tasks, said=said, low=low, high=high, looks_worse=by_tasks.is_worse)
    width = compute_half_width(found.variance, by_tasks.margin, ALPHA / RESPECTS)
    return replace(
        by_tasks,
        said=f"{by_tasks.said}, of {found.new} units and {found.rest}",
        low=found.difference - width,
        high=found.difference + width,
        variance=found.variance,
        looks_worse=by_tasks.is_worse,
    )


def judge(comparisons: Sequence[GuardComparison], *, is_due: bool, to_everybody: bool) -> GuardDecision:
    """What becomes of a release: back where it is worse, on where its time ``is_due``.

    Where whole units are on a side and its tasks are worse, but its units do not tell, it goes nowhere.

    A step ``to_everybody`` leaves no rest to compare with, so it wants to be sure in every respect but that
    of thumbs: few people leave one, so it waits only while they look worse by more than the margin.
    """
    worse = [each for each in comparisons if each.is_worse]
    if worse:
        return GuardDecision(move=Move.BACK, why="; ".join(map(_render, worse)))
    if not is_due:
        return GuardDecision(move=Move.WAIT, why="its time at this step is not over")
    if doubtful := [each for each in comparisons if each.is_doubtful]:
        why = f"its tasks are worse, and its units may be: {'; '.join(map(_render, doubtful))}"
        return GuardDecision(move=Move.WAIT, why=why)
    unsure = [each for each in comparisons if each.holds]
    if to_everybody and not any(each.is_waited_for for each in comparisons):
        return GuardDecision(move=Move.WAIT, why=f"fewer than {LEAST} tasks of one side have ended")
    if to_everybody and unsure:
        why = f"it is not sure yet that it is not worse: {'; '.join(map(_render, unsure))}"
        return GuardDecision(move=Move.WAIT, why=why)
    return GuardDecision(
        move=Move.NEXT, why="; ".join(map(_render, comparisons)) or "nothing speaks against it"
    )


def compute_half_width(variance: float, scale: float, alpha: float) -> float:
    """Half the width of the interval that holds at all looks together but for a chance of ``alpha``.

    ``variance`` is of the estimated difference now, ``scale`` the size of differences that matter.
    """
    mixture = scale * scale
    inside = math.log((variance + mixture) / variance) + 2 * math.log(1 / alpha)
    return math.sqrt(variance * (variance + mixture) / mixture * inside)


def compare_shares(
    name: str, tables: Sequence[Shares], margin: float, *, worse: int, alpha: float = ALPHA / RESPECTS
) -> GuardComparison | None:
    """Two shares; ``worse`` is 1 where a higher one is worse, else -1. None where too few tasks ended.

    ``alpha`` is the chance of an error over all looks at this one comparison.
    """
    tables = [each for each in tables if each.of_new and each.of_rest]
    new, of_new = sum(each.new for each in tables), sum(each.of_new for each in tables)
    rest, of_rest = sum(each.rest for each in tables), sum(each.of_rest for each in tables)
    if min(of_new, of_rest) < LEAST:
        return None
    weighed = [
        (
            each.of_new * each.of_rest / (each.of_new + each.of_rest),
            worse * (each.new / each.of_new - each.rest / each.of_rest),
            _estimate_variance(each.new, each.of_new) + _estimate_variance(each.rest, each.of_rest),
        )
        for each in tables
    ]
    difference, variance = _combine(weighed)
    width = compute_half_width(variance, margin, alpha)
    said = f"{name}: {new / of_new:.0%} of {of_new} tasks, {rest / of_rest:.0%} of {of_rest} of the rest"
    return GuardComparison(
        name=name,
        low=difference - width,
        high=difference + width,
        margin=margin,
        said=said,
        variance=variance,
    )


def _estimate_variance(hits: int, of: int) -> float:
    share = (hits + 1) / (of + 2)
    return share * (1 - share) / of


def compare_costs(strata: Sequence[Stratum], *, alpha: float = ALPHA / RESPECTS) -> GuardComparison | None:
    """The ratio of mean costs, by its logarithm; None where something costs nothing."""
    strata = [each for each in strata if min(each.new.tasks, each.rest.tasks) >= LEAST_PRICED]
    of_new, of_rest = sum(each.new.tasks for each in strata), sum(each.rest.tasks for each in strata)
    if min(of_new, of_rest) < LEAST or min(min(each.new.usd, each.rest.usd) for each in strata) <= 0:
        return None
    weighed = [
        (
            each.new.tasks * each.rest.tasks / (each.new.tasks + each.rest.tasks),
            math.log(each.new.usd / each.rest.usd),
            _estimate_relative_variance(each.new) + _estimate_relative_variance(each.rest),
        )
        for each in strata
    ]
    margin = math.log1p(COST_MARGIN)
    difference, variance = _combine(weighed)
    width = compute_half_width(variance, margin, alpha)
    new = sum(each.new.tasks * each.new.usd for each in strata) / of_new
    rest = sum(each.rest.tasks * each.rest.usd for each in strata) / of_rest
    said = f"cost: ${new:.2f} a task, ${rest:.2f} of the rest"
    return GuardComparison(
        name="cost",
        low=difference - width,
        high=difference + width,
        margin=margin,
        said=said,
        variance=variance,
    )


def _estimate_relative_variance(side: ArmFigures) -> float:
    """Of the mean's logarithm. A few tasks may cost the same by chance: no less than a tenth is taken."""
    return max(side.usd_variance / side.usd**2, 0.01) / side.tasks


def _combine(weighed: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The weighed mean of differences, and its variance, of rows (weight, difference, variance)."""
    total = sum(weight for weight, _, _ in weighed)
    difference = sum(weight * each for weight, each, _ in weighed) / total
    variance = sum(weight**2 * each for weight, _, each in weighed) / total**2
    return difference, variance


def _render(each: GuardComparison) -> str:
    if math.isinf(each.high):
        return each.said
    if each.name == "cost":
        low, high = math.expm1(each.low), math.expm1(each.high)
        between = f"{low:+.0%} to {high:+.0%}"
    else:
        between = f"{100 * each.low:+.0f} to {100 * each.high:+.0f} points worse"
    return f"{each.said} ({between}, at any time {1 - ALPHA:.0%} sure)"
