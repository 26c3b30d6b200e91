"""Corrections where a repository agreed to learning, rules proposed from them, thumbs, what was exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, current_app, render_template
from sqlalchemy import Select, func, select

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.background_counts import find_counts
from bot.dashboard.boards.command_reports import select_reports
from bot.dashboard.page_reader import PageReader, Row
from bot.tasks.database.tables import attempts, corrections, proposed_rules, pull_ends, tasks
from bot.tasks.reports.records import ReportKind

blueprint = Blueprint("learning", __name__)

MOST = 100


def _count_corrections() -> Select[Any]:
    """By repository and kind, the most first."""
    row = corrections.c
    query = select(
        row.repo_full_name, row.kind, func.count().label("n"), func.count(row.pull.distinct()).label("pulls")
    )
    return (
        query.group_by(row.repo_full_name, row.kind)
        .order_by(func.count().desc(), row.repo_full_name)
        .limit(MOST)
    )


def _list_rules() -> Select[Any]:
    """The newest first."""
    row = proposed_rules.c
    query = select(row.repo_full_name, row.words, row.kind, row.state, row.pull, row.at)
    return query.order_by(row.at.desc(), row.key).limit(MOST)


def _count_thumbs() -> Select[Any]:
    """By repository, where somebody left one on a closed pull request of Hob's, the most down first."""
    row = pull_ends.c
    named = (
        select(tasks.c.repo_full_name)
        .where(tasks.c.repo_id == row.repo_id)
        .order_by(tasks.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    up, down = func.sum(row.thumbs_up), func.sum(row.thumbs_down)
    query = select(named.label("repo"), up.label("up"), down.label("down"), func.count().label("pulls"))
    return (
        query.where(row.thumbs_up + row.thumbs_down > 0)
        .group_by(row.repo_id)
        .order_by(down.desc())
        .limit(MOST)
    )


def _count_transcripts() -> Select[Any]:
    """Attempts by repository whose pull request was merged, and closed without that."""
    made, ends = tasks.c, pull_ends.c
    both = (ends.repo_id == made.repo_id) & (ends.pull == made.pull)
    merged = func.count().filter(ends.merged).label("merged")
    closed = func.count().filter(~ends.merged).label("closed")
    query = select(made.repo_full_name, merged, closed).select_from(
        attempts.join(tasks, made.id == attempts.c.task).join(pull_ends, both)
    )
    return query.where(made.pull > 0).group_by(made.repo_full_name).order_by(merged.desc()).limit(MOST)


_QUERIES: Mapping[str, Callable[[], Select[Any]]] = {
    "corrections": _count_corrections,
    "rules": _list_rules,
    "transcripts": _count_transcripts,
    "thumbs": _count_thumbs,
}


@blueprint.get("/learning")
def show() -> str:
    """Counts, rules and thumbs; 404 for anybody but operators."""
    if not find_viewer().sees_all:
        abort(HTTPStatus.NOT_FOUND)
    reader: PageReader = current_app.extensions["reader"]

    def count() -> dict[str, list[Row]]:
        return {name: reader.select(query()) for name, query in _QUERIES.items()}

    exports = reader.select(select_reports(ReportKind.EXPORT))
    return render_template("learning.html", counted=find_counts().look(("learning",), count), exports=exports)
