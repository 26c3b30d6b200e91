"""A summary for a person at a terminal, or in a file: tables and sentences."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.eval.summary import Summary

SHOWN = 90  # characters of what shows that it is not solved; the rest is in the results


def print_summary(summary: Summary, console: Console) -> None:
    """Print it. What models and repositories say is shown as text, never as markup."""
    console.print(_make_scores_table(summary))
    console.print(_make_effort_table(summary))
    for comparison in summary.comparisons:
        console.print(Text(f"{comparison.split}: {comparison.text}"))
    console.print(_make_kinds_table(summary))
    if summary.unsolved:
        console.print(_make_unsolved_table(summary))
    for each in summary.unmeasured:
        console.print(
            Text(f"not measured: {each.task}, {each.model}, attempt {each.attempt}: {each.why}", style="red")
        )


def _make_scores_table(summary: Summary) -> Table:
    table = _make_table("Solved", "model", "split", "solved", "share", "95 % interval", "wrongly claimed")
    if summary.attempts > 1:
        table.add_column("pass@1", justify="right")
        table.add_column(f"pass@{summary.attempts}", justify="right")
    for score in summary.scores:
        several = [f"{score.pass_1:.1%}", f"{score.pass_n:.1%}"] if summary.attempts > 1 else []
        table.add_row(
            Text(score.model),
            Text(score.split),
            f"{score.solved}/{score.n}",
            f"{score.share:.1%}",
            f"{score.low:.1%} to {score.high:.1%}",
            str(score.claimed_wrongly),
            *several,
        )
    return table


def _make_effort_table(summary: Summary) -> Table:
    table = _make_table(
        "Effort", "model", "split", "median s", "p95 s", "search: median CPU s", "peak MiB",
        "turns", "tokens in/out", "cost",
    )  # fmt: skip
    for score in summary.scores:
        table.add_row(
            Text(score.model),
            Text(score.split),
            f"{score.median_seconds:.1f}",
            f"{score.p95_seconds:.1f}",
            f"{score.median_cpu_seconds:.1f}" if score.median_cpu_seconds else "",
            f"{score.peak_mib:.0f}" if score.peak_mib else "",
            f"{score.turns:.1f}",
            f"{score.input_tokens:,}/{score.output_tokens:,}",
            f"${score.usd:.2f}",
        )
    return table


def _make_table(title: str, *columns: str) -> Table:
    """The first two columns are text, the others numbers; long cells are folded, not cut."""
    table = Table(title=title, title_justify="left")
    for at, name in enumerate(columns):
        table.add_column(name, justify="left" if at < 2 else "right", overflow="fold")
    return table


def _make_kinds_table(summary: Summary) -> Table:
    models = list(dict.fromkeys(score.model for score in summary.scores))
    table = Table(title="By kind", title_justify="left")
    table.add_column("kind")
    for model in models:
        table.add_column(Text(model), justify="right", overflow="fold")
    for kind, by in summary.kinds.items():
        table.add_row(Text(kind), *(f"{solved}/{n}" for solved, n in (by[model] for model in models)))
    return table


def _make_unsolved_table(summary: Summary) -> Table:
    table = Table(title="Not solved", title_justify="left")
    for name in ("model", "task", "why"):
        table.add_column(name, overflow="fold")
    table.add_column("s", justify="right")
    table.add_column("what shows it", overflow="fold")
    for each in summary.unsolved:
        table.add_row(
            Text(each.model),
            Text(each.task),
            Text(each.why.value),
            f"{each.seconds:.0f}",
            Text(textwrap.shorten(each.detail, SHOWN, placeholder=" …")),
        )
    return table
