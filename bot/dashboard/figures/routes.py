"""Figures: tasks and pull requests, what became of them, their cost and how long they took; also as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.background_counts import CountKey, find_counts
from bot.dashboard.figures.query import (
    COLUMNS,
    GROUPS,
    PERIODS,
    FigureChoice,
    build_figures_query,
    read_choice,
)
from bot.dashboard.page_reader import PageReader, Row

blueprint = Blueprint("figures", __name__)

MOST_BARS = 26  # groups in the picture: a quarter has 14 weeks
CODEX_A_DAY = 11_887  # pull requests, by the count of Codex's team for its first 53 days: docs/capacity.md
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@blueprint.get("/figures")
def show() -> str:
    """The table, for people, as it was counted last."""
    choice = read_choice(request.args)
    counted = find_counts().look(*_say_what_counts(choice))
    rows = counted.value if counted else []
    with_pulls = [row for row in rows if row["pulls"]]
    pulls = sum(row["pulls"] for row in with_pulls)
    return render_template(
        "figures.html",
        counted=counted,
        rows=rows,
        most=max((row["tasks"] for row in rows), default=1),
        bars=with_pulls[:MOST_BARS],
        pulls_a_day=pulls / PERIODS[choice.period].days,
        codex_a_day=CODEX_A_DAY,
        choice=choice,
        groups=list(GROUPS),
        periods=list(PERIODS),
    )


@blueprint.get("/figures.csv")
def download() -> Response:
    """The table as CSV, for programs."""
    choice = read_choice(request.args)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([choice.by, *COLUMNS])
    for row in count_groups(choice):
        writer.writerow([_defuse_formula(str(row["name"])), *(_render_cell(row[name]) for name in COLUMNS)])
    response = Response(text.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="hob-{choice.by}-{choice.period}.csv"'
    return response


def count_groups(choice: FigureChoice) -> list[Row]:
    """The figures of what the viewer may see, at most a minute old, however long they take to count."""
    return find_counts().wait(*_say_what_counts(choice))


def _say_what_counts(choice: FigureChoice) -> tuple[CountKey, Callable[[], list[Row]]]:
    """The key of a count for this viewer, and what counts it."""
    reader: PageReader = current_app.extensions["reader"]
    seen = find_viewer().repos
    key = ("figures", choice, None if seen is None else frozenset(seen))
    return key, partial(reader.select, build_figures_query(choice, seen))


def _render_cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{float(value):.4f}".rstrip("0").rstrip(".") if not isinstance(value, int) else str(value)


def _defuse_formula(name: str) -> str:
    """A name that a spreadsheet takes for no formula: https://owasp.org/www-community/attacks/CSV_Injection"""
    return f"'{name}" if name.startswith(_FORMULA) else name
