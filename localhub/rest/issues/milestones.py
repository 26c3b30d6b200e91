"""Milestones of a repository, and putting issues and pull requests into them."""

from __future__ import annotations

import sqlite3
from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import Actor
from localhub.errors import invalid, malformed, not_found
from localhub.hub import Hub
from localhub.objects.milestone import milestone_of, render_milestone
from localhub.rest.api import Body, Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/milestones"
ONE = BASE + "/{number:\\d+}"
READ, WRITE = "issues:read|pull_requests:read", "issues:write|pull_requests:write"


def list_milestones(hub: Hub, repo: Row, state: str = "all") -> list[Row]:
    """A repository's milestones by number: ``open``, ``closed`` or ``all``."""
    rows = hub.state.all("SELECT * FROM milestones WHERE repo_id = ? ORDER BY number", repo["id"])
    return [row for row in rows if state in ("all", row["state"])]


def read_milestone(hub: Hub, repo: Row, body: Body) -> Row | None:
    """The milestone whose number a request names, None for null; 422 for one that there is not."""
    value = body.values["milestone"]
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not str(value).isdigit():
        raise malformed("For 'properties/milestone', a number is wanted.")
    sql = "SELECT * FROM milestones WHERE repo_id = ? AND number = ?"
    row = hub.state.maybe(sql, repo["id"], int(value))
    if row is None:
        raise invalid("Issue", "milestone", value=value)
    return row


def set_milestone(hub: Hub, actor: Actor, repo: Row, issue: Row, milestone: Row | None) -> None:
    """Put an issue or pull request into a milestone, or out of its own; with events."""
    present = milestone_of(hub, issue)
    if (present or {}).get("id") == (milestone or {}).get("id"):
        return
    hub.state.run("DELETE FROM issue_milestones WHERE issue_id = ?", issue["id"])
    if present is not None:
        shown = render_milestone(hub, repo, present)
        events.send_issue_or_pull(hub, actor, repo, "demilestoned", issue, milestone=shown)
    if milestone is not None:
        hub.state.run("INSERT INTO issue_milestones VALUES (?, ?)", issue["id"], milestone["id"])
        shown = render_milestone(hub, repo, milestone)
        events.send_issue_or_pull(hub, actor, repo, "milestoned", issue, milestone=shown)


def _find(call: Call) -> Row:
    sql = "SELECT * FROM milestones WHERE repo_id = ? AND number = ?"
    row = call.hub.state.maybe(sql, call.repo["id"], call.number())
    if row is None:
        raise not_found()
    return row


def _read(call: Call) -> dict[str, Any]:
    body, columns = call.body, {}
    for name in ("title", "description", "due_on"):
        if name in body:
            columns[name] = body.maybe(name)
    if "state" in body:
        columns["state"] = body.choice("state", ("open", "closed"))
        columns["closed_at"] = call.hub.state.now() if columns["state"] == "closed" else None
    if "title" in columns and not (columns["title"] or "").strip():
        raise invalid("Milestone", "title", "missing_field")
    return columns


@routes.get(BASE, app=READ)
async def list_all(call: Call) -> web.Response:
    """GET milestones with state and direction, by the day on which they are due."""
    rows = list_milestones(call.hub, call.repo, call.query("state", "open"))
    rows.sort(
        key=lambda row: (row["due_on"] or "9999", row["number"]),
        reverse=call.query("direction", "asc") == "desc",
    )
    return answer_page(call, rows, lambda row: render_milestone(call.hub, call.repo, row))


@routes.post(BASE, app=WRITE, user="write")
async def create(call: Call) -> web.Response:
    """POST milestones."""
    state, repo, now = call.hub.state, call.repo, call.hub.state.now()
    call.body.text("title")
    columns = _read(call)
    sql = "SELECT coalesce(max(number), 0) + 1 FROM milestones WHERE repo_id = ?"
    try:
        row_id = state.insert(
            "milestones", repo_id=repo["id"], number=state.count(sql, repo["id"]),
            creator_id=call.actor.account_id, created_at=now, updated_at=now, **columns,
        )  # fmt: skip
    except sqlite3.IntegrityError:
        raise invalid("Milestone", "title", "already_exists") from None
    row = state.one("SELECT * FROM milestones WHERE id = ?", row_id)
    shown = render_milestone(call.hub, repo, row)
    return answer(shown, 201, {"Location": shown["url"]})


@routes.get(ONE, app=READ)
async def get(call: Call) -> web.Response:
    """GET milestones/{number}."""
    return answer(render_milestone(call.hub, call.repo, _find(call)))


@routes.patch(ONE, app=WRITE, user="write")
async def change(call: Call) -> web.Response:
    """PATCH milestones/{number}."""
    row = _find(call)
    try:
        call.hub.state.update("milestones", row["id"], **_read(call), updated_at=call.hub.state.now())
    except sqlite3.IntegrityError:
        raise invalid("Milestone", "title", "already_exists") from None
    return answer(render_milestone(call.hub, call.repo, _find(call)))


@routes.delete(ONE, app=WRITE, user="write")
async def delete(call: Call) -> web.Response:
    """DELETE milestones/{number}."""
    call.hub.state.run("DELETE FROM milestones WHERE id = ?", _find(call)["id"])
    return answer_nothing()
