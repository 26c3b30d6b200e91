"""Figures: tasks and pull requests, what became of them, their cost and how long they took; also as CSV."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.figures_query import (
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
KEPT_SECONDS = 60.0
MOST_KEPT = 200  # choices, each of who sees other repositories
CODEX_A_DAY = 11_887  # pull requests, by the count of Codex's team for its first 53 days: docs/capacity.md
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@blueprint.get("/figures")
def show() -> str:
    """The table, for people."""
    choice = read_choice(request.args)
    rows = count_groups(choice)
    with_pulls = [row for row in rows if row["pulls"]]
    pulls = sum(row["pulls"] for row in with_pulls)
    return render_template(
        "figures.html",
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
    """The figures of what the viewer may see, at most ``KEPT_SECONDS`` old: a million tasks take seconds."""
    reader: PageReader = current_app.extensions["reader"]
    kept: dict[object, tuple[float, list[Row]]] = current_app.extensions.setdefault("figures", {})
    seen = find_viewer().repos
    asked = (choice, None if seen is None else frozenset(seen))
    at, rows = kept.get(asked, (-KEPT_SECONDS, []))
    if time.monotonic() - at >= KEPT_SECONDS:
        rows = reader.select(build_figures_query(choice, seen))
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[asked] = time.monotonic(), rows
    return rows


def _render_cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{float(value):.4f}".rstrip("0").rstrip(".") if not isinstance(value, int) else str(value)


def _defuse_formula(name: str) -> str:
    """A name that a spreadsheet takes for no formula: https://owasp.org/www-community/attacks/CSV_Injection"""
    return f"'{name}" if name.startswith(_FORMULA) else name
