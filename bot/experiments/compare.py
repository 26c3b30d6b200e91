"""Whether two variants differ, and how many tasks more it takes to know: the guard's own intervals.

They hold however often one looks (``bot.flags.guard``); the chance of an error is shared by all comparisons
of a report. The tasks that are missing are estimated as if the difference stayed as it is now.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.experiments.outcomes import NOT_SET, VariantOutcomes
from bot.flags.guard import (
    ALPHA,
    LEAST,
    GuardComparison,
    Shares,
    Stratum,
    compare_costs,
    compare_shares,
    compute_half_width,
)

MARGIN = 0.15  # a smaller difference of shares is taken for none
RESPECTS = ("failed", "proved", "merged", "reverted", "thumbs down", "cost")
_MOST_FACTOR = 10_000  # times the tasks that there are: more is not worth waiting for


class Finding(StrEnum):
    """What is known of a difference."""

    WORSE = "worse"
    BETTER = "better"
    ALIKE = "alike"
    OPEN = "not known yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantComparison:
    """A variant against another in one respect; ``more`` tasks of each until it is known, None: too many."""

    respect: str
    variant: str
    said: str
    low: float
    high: float
    finding: Finding
    more: int | None = 0


def compare_variants(
    variants: Sequence[VariantOutcomes], against: VariantOutcomes, *, margin: float = MARGIN
) -> list[VariantComparison]:
    """Each variant against ``against`` in every respect in which enough tasks of both ended."""
    others = [each for each in variants if each.name != against.name]
    if not others:
        return []
    alpha = ALPHA / (len(RESPECTS) * len(others))
    found = []
    for each in others:
        for comparison in _compare(each, against, margin, alpha):
            found.append(_judge(comparison, each, against, alpha))
    return found


def _compare(
    new: VariantOutcomes, rest: VariantOutcomes, margin: float, alpha: float
) -> list[GuardComparison]:
    shares = (
        ("failed", (new.failed, new.tasks, rest.failed, rest.tasks), 1),
        ("proved", (new.proved, new.changes, rest.proved, rest.changes), -1),
        ("merged", (new.merged, new.pulls, rest.merged, rest.pulls), -1),
        ("reverted", (new.reverted, new.merged, rest.reverted, rest.merged), 1),
        ("thumbs down", (new.down, new.up + new.down, rest.down, rest.up + rest.down), 1),
    )
    found = [
        compare_shares(name, [Shares(new=a, of_new=b, rest=c, of_rest=d)], margin, worse=worse, alpha=alpha)
        for name, (a, b, c, d), worse in shares
    ]
    found.append(compare_costs([Stratum(new=new.figures, rest=rest.figures)], alpha=alpha))
    return [each for each in found if each is not None]


def _judge(
    comparison: GuardComparison, new: VariantOutcomes, rest: VariantOutcomes, alpha: float
) -> VariantComparison:
    low, high, margin = comparison.low, comparison.high, comparison.margin
    finding, more = Finding.OPEN, None
    if low > 0:
        finding = Finding.WORSE
    elif high < 0:
        finding = Finding.BETTER
    elif -margin < low and high < margin:
        finding = Finding.ALIKE
    else:
        more = count_missing_tasks(comparison, min(new.tasks, rest.tasks), alpha)
    return VariantComparison(
        respect=comparison.name,
        variant=new.name,
        said=comparison.said,
        low=low,
        high=high,
        finding=finding,
        more=0 if finding is not Finding.OPEN else more,
    )


def count_missing_tasks(comparison: GuardComparison, tasks: int, alpha: float) -> int | None:
    """How many tasks more of each side until it is known, with ``tasks`` now; None: beyond all waiting."""
    difference = abs(comparison.low + comparison.high) / 2
    factor = 1.0
    while factor < _MOST_FACTOR:
        factor *= 1.05
        width = compute_half_width(comparison.variance / factor, comparison.margin, alpha)
        if difference > width or difference + width < comparison.margin:
            return math.ceil(tasks * (factor - 1))
    return None


def render_experiment(
    flag: str, variants: Sequence[VariantOutcomes], comparisons: Sequence[VariantComparison], against: str
) -> list[str]:
    """The report: a row for each variant, then what is known, a sentence a line."""
    if not variants:
        return [
            f"no task that ended was told of {flag}: flags are stored with each run, see `hob flags list`"
        ]
    head = (
        "variant",
        "tasks",
        "failed",
        "proved",
        "merged",
        "reverted",
        "rounds",
        "usd",
        "minutes",
        "thumbs",
    )
    rows = [head, *(_make_row(each) for each in variants)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if len(variants) == 1:
        return [*lines, "", "one variant alone: there is nothing to compare it with"]
    lines += ["", f"against {against or NOT_SET}, at any time {1 - ALPHA:.0%} sure of all lines together:"]
    lines += [_render_comparison(each) for each in comparisons]
    few = [each.name or NOT_SET for each in variants if each.tasks < LEAST]
    if few:
        lines.append(f"fewer than {LEAST} tasks ended of {', '.join(few)}: nothing is said of these")
    return lines


def _make_row(each: VariantOutcomes) -> tuple[str, ...]:
    return (
        each.name or NOT_SET,
        str(each.tasks),
        _render_share(each.failed, each.tasks),
        _render_share(each.proved, each.changes),
        _render_share(each.merged, each.pulls),
        _render_share(each.reverted, each.merged),
        f"{each.rounds:.1f}",
        f"{each.usd:.2f}",
        f"{each.minutes:.1f}",
        f"+{each.up} -{each.down}",
    )


def _render_share(hits: int, of: int) -> str:
    return f"{hits / of:.0%} of {of}" if of else "-"


def _render_comparison(each: VariantComparison) -> str:
    name = each.variant or NOT_SET
    if each.finding is not Finding.OPEN:
        return f"{name}: {each.finding.value} in {each.respect} ({each.said})"
    if each.more is None:
        return f"{name}: {each.finding.value} of {each.respect}, far more tasks are needed ({each.said})"
    more = f"about {each.more} tasks more of each would tell"
    return f"{name}: {each.finding.value} of {each.respect}, {more} ({each.said})"
