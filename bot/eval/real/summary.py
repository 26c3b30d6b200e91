"""The figures of measured cases: passes, right, wrong but claimed, honest refusals, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.eval.figures import mcnemar, quantile, wilson
from bot.eval.real.compare import Likeness
from bot.eval.real.measure import RealResult

SMALL = 5  # lines: what the goal for small fixes counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of ``n``, with Wilson's 95% interval."""

    name: str
    count: int
    n: int

    @property
    def text(self) -> str:
        """For a person."""
        low, high = wilson(self.count, self.n)
        return f"{self.count}/{self.n}, {self.count / self.n if self.n else 0:.0%} ({low:.0%} to {high:.0%})"


def list_shares(results: Sequence[RealResult]) -> list[Share]:
    """The shares of all cases, and of those with a small fix."""
    small = [each for each in results if each.lines <= SMALL]
    likeness = {kind: _count(results, _make_test(kind)) for kind in Likeness}
    rows: list[tuple[str, int, int]] = [
        ("passes the fix's tests", _count(results, lambda each: each.passed), len(results)),
        ("right", _count(results, lambda each: each.right), len(results)),
        (f"right, of fixes of 1 to {SMALL} lines", _count(small, lambda each: each.right), len(small)),
        ("  the same syntax tree", likeness[Likeness.SAME_TREE], len(results)),
        ("  the same outputs for generated inputs", likeness[Likeness.SAME_OUTPUTS], len(results)),
        ("claimed, not right", _count(results, lambda each: each.claimed and not each.right), len(results)),
        ("  an input or a test shows it", _count(results, is_shown_wrong), len(results)),
        ("  could not be compared", _count(results, is_unjudged), len(results)),
        ("refused, with nothing changed", _count(results, lambda each: not each.diff), len(results)),
    ]
    return [Share(name=name, count=count, n=n) for name, count, n in rows]


def is_shown_wrong(result: RealResult) -> bool:
    """A claim that an input, or a test of the fix's, contradicts."""
    return result.claimed and not result.right and not is_unjudged(result)


def is_unjudged(result: RealResult) -> bool:
    """A claim that passes and could not be compared with the fix."""
    return result.claimed and result.passed and result.likeness is Likeness.UNKNOWN


def _make_test(kind: Likeness) -> Callable[[RealResult], bool]:
    return lambda each: each.right and each.likeness is kind


def _count(results: Sequence[RealResult], test: Callable[[RealResult], bool]) -> int:
    return sum(map(test, results))


def print_real_summary(
    by_weights: Mapping[str, Sequence[RealResult]], left_out: Mapping[str, int], console: Console
) -> None:
    """One column for each set of weights, then what was left out. Texts of repositories are no markup."""
    table = Table(title="Cases from histories", title_justify="left")
    table.add_column("")
    for name in by_weights:
        table.add_column(Text(name), justify="right")
    columns = [list_shares(results) for results in by_weights.values()]
    for row in zip(*columns, strict=True):
        table.add_row(row[0].name, *(share.text for share in row))
    for title, read in _EFFORT:
        table.add_row(title, *(_render_quantiles(read(results)) for results in by_weights.values()))
    console.print(table)
    if len(by_weights) == 2:
        console.print(_compare(*by_weights.items()))
    total = sum(left_out.values())
    if total:
        reasons = "; ".join(f"{count} {why}" for why, count in Counter(left_out).most_common())
        console.print(Text(f"Left out: {total} ({reasons})"))


_EFFORT: tuple[tuple[str, Callable[[Sequence[RealResult]], list[float]]], ...] = (
    (
        "tries before the first answer: median, 90%",
        lambda results: [float(each.tried_first) for each in results if each.tried_first],
    ),
    ("processor seconds of the search: median, 90%", lambda results: [each.cpu_seconds for each in results]),
    ("seconds of the attempt: median, 90%", lambda results: [each.seconds for each in results]),
    ("peak MiB of its largest process: median, 90%", lambda results: [each.peak_mib for each in results]),
)


def _render_quantiles(values: Sequence[float]) -> str:
    return f"{quantile(values, 0.5):.1f}, {quantile(values, 0.9):.1f}" if values else "none"


def _compare(one: tuple[str, Sequence[RealResult]], other: tuple[str, Sequence[RealResult]]) -> Text:
    rows = [{each.case: each for each in results} for _, results in (one, other)]
    both = rows[0].keys() & rows[1].keys()
    told = []
    tests: tuple[tuple[str, Callable[[RealResult], bool]], ...] = (
        ("passes", lambda each: each.passed),
        ("right", lambda each: each.right),
    )
    for name, test in tests:
        only = [sum(test(a[c]) and not test(b[c]) for c in both) for a, b in (rows, rows[::-1])]
        told.append(f"{name}: only {one[0]} {only[0]}, only {other[0]} {only[1]}, p = {mcnemar(*only):.2g}")
    return Text(f"The same {len(both)} cases; " + "; ".join(told))
