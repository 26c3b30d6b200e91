"""How much two sides differ whose tasks come in units that are on one side whole: repositories, people.

Tasks of a repository are alike, so a thousand of them say less than one each of a thousand repositories,
and one that is huge must not decide for its side. A unit with n tasks is weighed n / (1 + (n - 1) ``ALIKE``),
which has the least variance where tasks are as much alike as that (Kerry and Bland, "Unequal cluster sizes
for trials in English and Welsh general practice", Statistics in Medicine 20, 2001): no unit counts for more
than 1 / ``ALIKE`` tasks. The variance is the jackknife's over units (Bell and McCaffrey, "Bias reduction in
standard errors for linear regression with multi-stage samples", Survey Methodology 28, 2002), so it holds
however much they really are alike, and where a unit counts at several steps. A side of few units says little
of how they differ, so it is at least what the units of both sides together say (as Crawford and Howell
compare a single case, The Clinical Neuropsychologist 12, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ALIKE = 0.1  # how much alike tasks of one unit are taken to be, from 0 to 1
LEAST_UNITS = 10  # of both sides together, before a comparison says anything
FEW_UNITS = 5  # of one side: fewer do not say by themselves how they differ


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTally:
    """So many tasks of a unit at one step, and the mean of what is compared."""

    unit: str
    is_new: bool
    tasks: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDifference:
    """By how much the new side's mean is larger, its variance, and of how many units each side is."""

    difference: float
    variance: float
    new: int
    rest: int


@dataclass(frozen=True, slots=True)
class _Side:
    """One side at one step: its weight, its mean, and what leaving each unit out would change."""

    weight: float
    mean: float
    changes: dict[str, float]
    residues: float  # the units' squared distances from the mean, each by its weight
    freedom: float  # how much weight tells of such distances: none of a single unit
    of_units: float  # the mean's variance as a part of that of units
    of_tasks: float  # and as a part of that of tasks


def compare_units(
    steps: Sequence[Sequence[UnitTally]], *, spread: float, as_ratio: bool = False
) -> UnitDifference | None:
    """The difference over all steps, or the logarithm of the ratio; None where too few units tell.

    ``spread`` is the variance of single tasks (of the ratio's logarithm where it is one): chance alone makes
    the result vary as much as that says.
    """
    changes: dict[str, float] = {}
    total = difference = by_tasks = by_units = 0.0
    seen: dict[bool, set[str]] = {True: set(), False: set()}
    for step in steps:
        new, rest = (
            _weigh([each for each in step if each.is_new is side], as_ratio) for side in (True, False)
        )
        if new is None or rest is None or not new.freedom + rest.freedom:
            continue
        for each in step:
            seen[each.is_new].add(each.unit)
        weight = new.weight * rest.weight / (new.weight + rest.weight)
        total += weight
        difference += weight * (math.log(new.mean / rest.mean) if as_ratio else new.mean - rest.mean)
        by_tasks += weight**2 * spread * (new.of_tasks + rest.of_tasks)
        between = (new.residues + rest.residues) / (new.freedom + rest.freedom)
        # A unit may be at every step, so what it is like is the same chance at all of them.
        by_units += weight * math.sqrt(between * (new.of_units + rest.of_units))
        for side, sign in ((new, 1.0), (rest, -1.0)):
            for unit, change in side.changes.items():
                changes[unit] = changes.get(unit, 0.0) + weight * sign * change
    if not total or len(seen[True]) + len(seen[False]) < LEAST_UNITS:
        return None
    variance = max(sum(change**2 for change in changes.values()), by_tasks)
    if min(map(len, seen.values())) < FEW_UNITS:
        variance = max(variance, by_units**2)
    variance /= total**2
    return UnitDifference(
        difference=difference / total, variance=variance, new=len(seen[True]), rest=len(seen[False])
    )


def _weigh(tallies: Sequence[UnitTally], as_ratio: bool) -> _Side | None:
    """None where there is no task, or no ratio to a mean."""
    weighed = [(each, each.tasks / (1 + (each.tasks - 1) * ALIKE)) for each in tallies if each.tasks]
    whole = sum(weight for _, weight in weighed)
    mean = sum(weight * each.mean for each, weight in weighed) / whole if whole else 0.0
    if not whole or (as_ratio and mean <= 0):
        return None
    scale = mean if as_ratio else 1.0
    off = [(each, weight, (each.mean - mean) / scale) for each, weight in weighed]
    of_units = sum(weight**2 for _, weight, _ in off) / whole**2
    return _Side(
        weight=whole,
        mean=mean,
        changes={each.unit: weight * far / (whole - weight) for each, weight, far in off if len(off) > 1},
        residues=sum(weight * far**2 for _, weight, far in off),
        freedom=whole * (1 - of_units) if len(off) > 1 else 0.0,
        of_units=of_units,
        of_tasks=sum((weight / whole) ** 2 / each.tasks for each, weight, _ in off),
    )
