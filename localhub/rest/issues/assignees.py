"""Who may be assigned, and who is assigned to issues and pull requests."""

from __future__ import annotations

from aiohttp import web

from localhub import events
from localhub.auth import Actor, includes_level, role_of
from localhub.errors import not_found
from localhub.hub import Hub
from localhub.objects.issue import render_whole_issue
from localhub.objects.people import render_user
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()

REPO = "/repos/{owner}/{repo}"
ONE = REPO + "/issues/{number:\\d+}/assignees"
READ, WRITE = "issues:read|pull_requests:read", "issues:write|pull_requests:write"


def list_assignable(hub: Hub, repo: Row) -> list[Row]:
    """The people who may be assigned: those with push access. Apps' bots are not among them."""
    people = hub.state.all("SELECT * FROM accounts WHERE type = 'User' ORDER BY id")
    return [one for one in people if includes_level(role_of(hub.state, repo, one["id"]), "write")]


def list_assigned(hub: Hub, issue: Row) -> list[Row]:
    """The people who are assigned to an issue or pull request."""
    return hub.state.all(
        "SELECT accounts.* FROM accounts JOIN issue_assignees ON account_id = accounts.id"
        " WHERE issue_id = ? ORDER BY issue_assignees.rowid",
        issue["id"],
    )


def set_assignees(hub: Hub, actor: Actor, repo: Row, issue: Row, logins: list[str]) -> None:
    """Make these people the assignees, with events; who may not be assigned is left out, as on GitHub."""
    wanted = {login.lower() for login in logins}
    chosen = {one["id"]: one for one in list_assignable(hub, repo) if one["login"].lower() in wanted}
    present = {one["id"]: one for one in list_assigned(hub, issue)}
    for account_id in present.keys() - chosen.keys():
        sql = "DELETE FROM issue_assignees WHERE issue_id = ? AND account_id = ?"
        hub.state.run(sql, issue["id"], account_id)
        _send(hub, actor, repo, "unassigned", issue, present[account_id])
    for account_id in chosen.keys() - present.keys():
        hub.state.run("INSERT INTO issue_assignees VALUES (?, ?)", issue["id"], account_id)
        _send(hub, actor, repo, "assigned", issue, chosen[account_id])


def _send(hub: Hub, actor: Actor, repo: Row, action: str, issue: Row, account: Row) -> None:
    shown = render_user(hub, account)
    events.send_issue_or_pull(hub, actor, repo, action, issue, assignee=shown)


def _named(call: Call) -> list[str]:
    """The logins of a request: texts, or objects with one."""
    given = call.body.items("assignees") or []
    return [str(one.get("login") if isinstance(one, dict) else one) for one in given]


@routes.get(REPO + "/assignees", app=READ)
async def list_of_repo(call: Call) -> web.Response:
    """GET assignees: who may be assigned."""
    rows = list_assignable(call.hub, call.repo)
    return answer_page(call, rows, lambda row: render_user(call.hub, row))


@routes.get(REPO + "/assignees/{login}", app=READ)
async def check(call: Call) -> web.Response:
    """GET assignees/{login}: 204 for somebody who may be assigned, 404 otherwise."""
    logins = {one["login"].lower() for one in list_assignable(call.hub, call.repo)}
    if call.path("login").lower() not in logins:
        raise not_found()
    return answer_nothing()


@routes.post(ONE, app=WRITE, user="write")
async def add(call: Call) -> web.Response:
    """POST issues/{number}/assignees: add to those that are there."""
    row = call.issue()
    present = [one["login"] for one in list_assigned(call.hub, row)]
    set_assignees(call.hub, call.actor, call.repo, row, present + _named(call))
    return answer(render_whole_issue(call.hub, call.repo, call.issue()), 201)


@routes.delete(ONE, app=WRITE, user="write")
async def remove(call: Call) -> web.Response:
    """DELETE issues/{number}/assignees: take these away."""
    row, gone = call.issue(), {login.lower() for login in _named(call)}
    kept = [one["login"] for one in list_assigned(call.hub, row) if one["login"].lower() not in gone]
    set_assignees(call.hub, call.actor, call.repo, row, kept)
    return answer(render_whole_issue(call.hub, call.repo, call.issue()))
