"""An issue's or pull request's events, alone and between its comments."""

from __future__ import annotations

from aiohttp import web

from localhub.objects.issue import render_comment
from localhub.objects.issue_event import list_events, render_event
from localhub.rest.api import Call, Routes, answer_page

routes = Routes()

ONE = "/repos/{owner}/{repo}/issues/{number:\\d+}"
READ = "issues:read|pull_requests:read"


@routes.get(ONE + "/events", app=READ)
async def list_of_issue(call: Call) -> web.Response:
    """GET issues/{number}/events, oldest first."""
    rows = list_events(call.hub, call.issue())
    return answer_page(call, rows, lambda row: render_event(call.hub, call.repo, row))


@routes.get(ONE + "/timeline", app=READ)
async def show_timeline(call: Call) -> web.Response:
    """GET issues/{number}/timeline: events and comments, oldest first."""
    hub, repo, issue = call.hub, call.repo, call.issue()
    shown = [render_event(hub, repo, row) for row in list_events(hub, issue)]
    for row in hub.state.comments(issue["id"]):
        comment = render_comment(hub, repo, row)
        shown.append(comment | {"event": "commented", "actor": comment["user"]})
    shown.sort(key=lambda one: (one["created_at"], one["id"]))
    return answer_page(call, shown, lambda one: one)
