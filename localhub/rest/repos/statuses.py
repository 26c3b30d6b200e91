"""Commit statuses: the older sibling of check runs."""

from __future__ import annotations

from aiohttp import web

from localhub.errors import ApiError
from localhub.objects.check import render_short_status, render_status
from localhub.objects.repository import render_repository, repo_url
from localhub.rest.api import Call, Routes, answer, answer_page
from localhub.state import Row

routes = Routes()

REPO = "/repos/{owner}/{repo}"
STATES = ("error", "failure", "pending", "success")


@routes.post(REPO + "/statuses/{sha:[0-9a-f]{40}}", app="statuses:write", user="write")
async def create(call: Call) -> web.Response:
    """POST statuses/{sha}."""
    state, body, sha = call.hub.state, call.body, call.path("sha")
    if call.hub.git.resolve(call.repo["id"], sha) is None:
        raise ApiError(422, f"No commit found for SHA: {sha}")
    row_id = state.insert(
        "statuses", repo_id=call.repo["id"], sha=sha, state=body.choice("state", STATES),
        context=body.maybe("context") or "default", description=body.maybe("description"),
        target_url=body.maybe("target_url"), user_id=call.actor.account_id, created_at=state.now(),
    )  # fmt: skip
    return answer(
        render_status(call.hub, call.repo, state.one("SELECT * FROM statuses WHERE id = ?", row_id)), 201
    )


def _list_newest(call: Call) -> tuple[str, list[Row]]:
    sha = call.hub.git.resolve(call.repo["id"], call.path("ref"))
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.path('ref')}")
    sql = "SELECT * FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id DESC"
    return sha, call.hub.state.all(sql, call.repo["id"], sha)


@routes.get(REPO + "/commits/{ref:.+}/statuses", app="statuses:read")
async def list_for_ref(call: Call) -> web.Response:
    """GET commits/{ref}/statuses, newest first."""
    return answer_page(call, _list_newest(call)[1], lambda row: render_status(call.hub, call.repo, row))


@routes.get(REPO + "/commits/{ref:.+}/status", app="statuses:read")
async def get_combined(call: Call) -> web.Response:
    """GET commits/{ref}/status: the newest status of each context, and their combined state."""
    sha, rows = _list_newest(call)
    newest: dict[str, Row] = {}
    for row in rows:
        newest.setdefault(row["context"], row)
    states = {row["state"] for row in newest.values()}
    whole = "success" if states == {"success"} else "pending"
    if states & {"error", "failure"}:
        whole = "failure"
    url = f"{repo_url(call.hub, call.repo)}/commits/{sha}"
    return answer(
        {
            "state": whole,
            "statuses": [render_short_status(call.hub, call.repo, row) for row in newest.values()],
            "sha": sha,
            "total_count": len(newest),
            "repository": render_repository(call.hub, call.repo),
            "commit_url": url,
            "url": f"{url}/status",
        }
    )
