"""What was refused in a month, who is blocked, which requests wait for approval, which runs read injected
orders, red-team results.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, current_app, render_template
from sqlalchemy import Select, case, func, select, text

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.background_counts import find_counts
from bot.dashboard.boards.command_reports import select_reports
from bot.dashboard.page_reader import PageReader, Row
from bot.tasks.database.tables import attempts, blocks, refused_requests, tasks
from bot.tasks.reports.records import ReportKind
from bot.tasks.safety.records import HELD

blueprint = Blueprint("safety", __name__)

DAYS = 30
MOST = 100
_SINCE = func.now() - text(f"interval '{DAYS} days'")


def _count_refusals() -> Select[tuple[str, str, int, int]]:
    """By reason, and by its detail where it has one, such as a category of moderation."""
    row = refused_requests.c
    people = func.count(row.person.distinct())
    query = select(row.reason, row.detail, func.count().label("requests"), people.label("people"))
    return (
        query.where(row.at >= _SINCE)
        .group_by(row.reason, row.detail)
        .order_by(func.count().desc(), row.reason, row.detail)
        .limit(MOST)
    )


def _list_held() -> Select[tuple[str, int, str, object]]:
    """Requests that wait for a maintainer's approval, the oldest first."""
    row = refused_requests.c
    query = select(row.repo_full_name, row.thread_number, row.login, row.at)
    waiting = query.where(row.reason == HELD, row.settled_at.is_(None), row.at >= _SINCE)
    return waiting.order_by(row.at).limit(MOST)


def _list_suspicions() -> Select[Any]:
    """The attempts that read a suspicious text, with the signs of the first one, the newest first."""
    row, found = attempts.c, attempts.c.outcome["suspicions"]
    first = found[0]
    query = select(
        row.run, tasks.c.repo_full_name, tasks.c.thread_number, row.started_at,
        first["where"].astext.label("place"), first["signs"].label("signs"),
        func.jsonb_array_length(found).label("texts"),
    ).join(tasks, tasks.c.id == row.maker)  # fmt: skip
    is_listed = func.jsonb_typeof(found) == "array"
    some = case((is_listed, func.jsonb_array_length(found) > 0), else_=False)
    return query.where(row.started_at >= _SINCE, some).order_by(row.id.desc()).limit(MOST)


@blueprint.get("/safety")
def show() -> str:
    """Counts, blocks and held requests; 404 for anybody but operators."""
    if not find_viewer().sees_all:
        abort(HTTPStatus.NOT_FOUND)
    reader: PageReader = current_app.extensions["reader"]
    row = blocks.c
    listed: Sequence[object] = reader.select(
        select(row.scope, row.person, row.login, row.decided_by, row.reason, row.since)
        .order_by(row.since.desc())
        .limit(MOST)
    )

    def count() -> dict[str, list[Row]]:
        return {
            "refusals": reader.select(_count_refusals()),
            "suspicions": reader.select(_list_suspicions()),
        }

    return render_template(
        "safety.html",
        counted=find_counts().look(("safety",), count),
        held=reader.select(_list_held()),
        blocks=listed,
        redteams=reader.select(select_reports(ReportKind.REDTEAM)),
        days=DAYS,
    )
