"""What was refused for safety's sake in a month, who is blocked, and which requests wait for a nod."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, abort, current_app, render_template
from sqlalchemy import Select, func, select, text

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.page_reader import PageReader
from bot.tasks.database.tables import blocks, refused_requests
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
    """Requests that wait for a maintainer's nod, the oldest first."""
    row = refused_requests.c
    query = select(row.repo_full_name, row.thread_number, row.login, row.at)
    waiting = query.where(row.reason == HELD, row.settled_at.is_(None), row.at >= _SINCE)
    return waiting.order_by(row.at).limit(MOST)


@blueprint.get("/safety")
def show() -> str:
    """Counts, blocks and held requests; 404 for anybody but operators."""
    if not find_viewer().sees_all:
        abort(HTTPStatus.NOT_FOUND)
    reader: PageReader = current_app.extensions["reader"]
    row = blocks.c
    listed: Sequence[object] = reader.select(
        select(row.scope, row.login, row.decided_by, row.reason, row.since)
        .order_by(row.since.desc())
        .limit(MOST)
    )
    return render_template(
        "safety.html",
        refusals=reader.select(_count_refusals()),
        held=reader.select(_list_held()),
        blocks=listed,
        days=DAYS,
    )
