"""Issues below an issue."""

from __future__ import annotations

from aiohttp import web

from localhub.errors import ApiError, not_found
from localhub.objects.issue import render_issue, render_whole_issue
from localhub.rest.api import Call, Routes, answer, answer_page
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/issues/{number:\\d+}/sub_issues"


def _find_parent(call: Call) -> Row:
    row = call.issue()
    if row["is_pull"]:
        raise not_found()
    return row


@routes.get(BASE, app="issues:read")
async def list_all(call: Call) -> web.Response:
    """GET issues/{number}/sub_issues, in the order in which they were added."""
    rows = call.hub.state.all(
        "SELECT issues.* FROM issues JOIN sub_issues ON issue_id = issues.id WHERE parent_id = ?"
        " ORDER BY sub_issues.id",
        _find_parent(call)["id"],
    )
    return answer_page(
        call, rows, lambda row: render_issue(call.hub, call.hub.state.repo(row["repo_id"]), row)
    )


@routes.post(BASE, app="issues:write", user="triage")
async def add(call: Call) -> web.Response:
    """POST issues/{number}/sub_issues: put an issue below this one, with ``replace_parent`` from another."""
    state, parent = call.hub.state, _find_parent(call)
    sql = "SELECT * FROM issues WHERE id = ? AND NOT is_pull"
    child = state.maybe(sql, call.body.number("sub_issue_id") or 0)
    if child is None:
        raise ApiError(404, "The provided sub-issue does not exist")
    if child["id"] == parent["id"]:
        raise ApiError(422, "An issue cannot be its own sub-issue")
    present = state.maybe("SELECT * FROM sub_issues WHERE issue_id = ?", child["id"])
    if present is not None and not call.body.flag("replace_parent"):
        raise ApiError(
            422, "Issue may not contain duplicate sub-issues and Sub issue may only have one parent"
        )
    state.run("DELETE FROM sub_issues WHERE issue_id = ?", child["id"])
    state.insert("sub_issues", issue_id=child["id"], parent_id=parent["id"])
    return answer(render_whole_issue(call.hub, call.repo, parent), 201)
