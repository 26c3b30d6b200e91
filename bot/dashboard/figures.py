"""Figures: how many tasks, pull requests and proofs, what they cost and how long they took; as CSV, too."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from sqlalchemy import ColumnElement, Float, Select, Text, case, cast, distinct, func, literal_column, select

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.page_reader import PageReader, Row
from bot.domain import TaskState
from bot.domain.proof import ProofState
from bot.tasks.database.tables import runs, tasks

blueprint = Blueprint("figures", __name__)

PERIODS: Mapping[str, timedelta] = {
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
    "year": timedelta(days=365),
}
MOST_ROWS = 200
NOT_SET = literal_column("'not set'", Text)  # a parameter would not be the same twice in GROUP BY
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GROUPS: Mapping[str, ColumnElement[Any]] = {
    "week": func.to_char(func.timezone("UTC", tasks.c.created_at), 'IYYY-"W"IW'),
    "repository": tasks.c.repo_full_name,
    "person": func.jsonb_extract_path_text(tasks.c.requester, "login"),
    "kind": tasks.c.kind,
}
# What flags said to a task; all of its runs were told the same.
_FLAGS: Mapping[str, str] = {"model-flag": "model", "prompt-flag": "prompt"}
GROUPS = (*_GROUPS, *_FLAGS)
COLUMNS = ("tasks", "done", "failed", "pulls", "proved", "usd", "usd_per_pull", "minutes")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChoice:
    """What is counted: by what, and how far back."""

    by: str
    period: str


def read_choice(arguments: Mapping[str, str]) -> FigureChoice:
    """The choice in a URL; by week and of the last quarter where it is none."""
    by, period = arguments.get("by", ""), arguments.get("period", "")
    return FigureChoice(by=by if by in GROUPS else "week", period=period if period in PERIODS else "quarter")


def build_figures_query(choice: FigureChoice, seen: Sequence[int] | None) -> Select[Any]:
    """One row for each group of tasks that began in the period, of the repositories ``seen`` (None: all)."""
    since = func.now() - PERIODS[choice.period]
    used = (
        select(
            runs.c.task,
            func.sum(cast(runs.c.usage["usd"].astext, Float)).label("usd"),
            func.max(runs.c.ended_at).label("ended"),
            func.min(runs.c.flags[_FLAGS.get(choice.by, "model")]["value"].astext).label("flag"),
        )
        .where(runs.c.started_at >= since)
        .group_by(runs.c.task)
        .subquery("used")
    )
    group = (_GROUPS[choice.by] if choice.by in _GROUPS else func.coalesce(used.c.flag, NOT_SET)).label(
        "name"
    )
    state, pull = tasks.c.state, func.concat(tasks.c.repo_id, "#", tasks.c.pull)
    pulls = func.count(distinct(case((tasks.c.pull > 0, pull))))
    usd = func.coalesce(func.sum(used.c.usd), 0.0)
    took = func.extract("epoch", used.c.ended - tasks.c.created_at) / 60
    query = select(
        group,
        func.count().label("tasks"),
        func.count().filter(state == TaskState.DONE).label("done"),
        func.count().filter(state == TaskState.FAILED).label("failed"),
        pulls.label("pulls"),
        func.count().filter(tasks.c.verdict == ProofState.PROVED).label("proved"),
        usd.label("usd"),
        (usd / func.nullif(pulls, 0)).label("usd_per_pull"),
        func.percentile_cont(0.5).within_group(took).filter(state == TaskState.DONE).label("minutes"),
    ).select_from(tasks.outerjoin(used, used.c.task == tasks.c.id))
    query = query.where(tasks.c.created_at >= since)
    if seen is not None:
        query = query.where(tasks.c.repo_id.in_(seen))
    order = group.desc() if choice.by == "week" else func.count().desc()
    return query.group_by(group).order_by(order, group).limit(MOST_ROWS)


@blueprint.get("/figures")
def show() -> str:
    """The table, for people."""
    choice = read_choice(request.args)
    rows = count_groups(choice)
    most = max((row["tasks"] for row in rows), default=1)
    groups = list(GROUPS)
    return render_template(
        "figures.html", rows=rows, most=most, choice=choice, groups=groups, periods=list(PERIODS)
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
    """The figures of what the viewer may see."""
    reader: PageReader = current_app.extensions["reader"]
    return reader.select(build_figures_query(choice, find_viewer().repos))


def _render_cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{float(value):.4f}".rstrip("0").rstrip(".") if not isinstance(value, int) else str(value)


def _defuse_formula(name: str) -> str:
    """A name that a spreadsheet takes for no formula: https://owasp.org/www-community/attacks/CSV_Injection"""
    return f"'{name}" if name.startswith(_FORMULA) else name
