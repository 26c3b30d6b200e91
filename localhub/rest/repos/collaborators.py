"""Who may do what in a repository."""

from __future__ import annotations

from aiohttp import web

from localhub.auth import role_of
from localhub.errors import ApiError, invalid, not_found
from localhub.node_ids import node_id
from localhub.objects.people import render_user
from localhub.objects.repository import page_url, render_repository, role_flags
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/collaborators"
# The names of permissions in requests, and the roles they give.
NAMES = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
# What ``permission`` says for a role; ``role_name`` says the role itself.
LEGACY = {"maintain": "write", "triage": "read"}


def _person(call: Call) -> Row:
    login = call.path("username")
    row = call.hub.state.account_by_login(login)
    if row is None or row["type"] != "User":
        raise ApiError(404, f"{login} is not a user")
    return row


def _render_collaborator(call: Call, account: Row) -> dict[str, object]:
    role = role_of(call.hub.state, call.repo, account["id"])
    return render_user(call.hub, account) | {"permissions": role_flags(role), "role_name": role}


@routes.get(BASE, app="metadata:read", user="write")
async def list_all(call: Call) -> web.Response:
    """GET collaborators: the owner and everybody who was added."""
    rows = call.hub.state.all("SELECT account_id FROM collaborators WHERE repo_id = ?", call.repo["id"])
    owner = call.hub.state.account(call.repo["owner_id"])
    first = owner["owner_id"] if owner["type"] == "Organization" else owner["id"]
    ids = [first, *(row["account_id"] for row in rows)]
    return answer_page(
        call, ids, lambda account_id: _render_collaborator(call, call.hub.state.account(account_id))
    )


@routes.get(BASE + "/{username}", app="metadata:read", user="write")
async def check(call: Call) -> web.Response:
    """GET collaborators/{username}: 204 for a collaborator."""
    person = _person(call)
    sql = "SELECT 1 FROM collaborators WHERE repo_id = ? AND account_id = ?"
    added = call.hub.state.maybe(sql, call.repo["id"], person["id"]) is not None
    if not added and role_of(call.hub.state, call.repo, person["id"]) != "admin":
        raise not_found()
    return answer_nothing()


@routes.get(BASE + "/{username}/permission", app="metadata:read")
async def permission(call: Call) -> web.Response:
    """GET collaborators/{username}/permission."""
    person = _person(call)
    role = role_of(call.hub.state, call.repo, person["id"])
    shown = _render_collaborator(call, person) if role != "none" else render_user(call.hub, person) | {
        "permissions": dict.fromkeys(role_flags("admin"), False), "role_name": "",
    }  # fmt: skip
    return answer(
        {"permission": LEGACY.get(role, role), "user": shown, "role_name": "" if role == "none" else role}
    )


@routes.put(BASE + "/{username}", app="administration:write", user="admin")
async def add(call: Call) -> web.Response:
    """PUT collaborators/{username}: 201 with an invitation for a new one, 204 for a change.

    The invitation is taken as accepted at once.
    """
    state, repo, person = call.hub.state, call.repo, _person(call)
    wanted = call.body.maybe("permission") or "push"
    role = NAMES.get(wanted) or (wanted if wanted in NAMES.values() else None)
    if role is None:
        raise invalid("Repository", "permission")
    known = state.maybe(
        "SELECT 1 FROM collaborators WHERE repo_id = ? AND account_id = ?", repo["id"], person["id"]
    )
    state.run("INSERT OR REPLACE INTO collaborators VALUES (?, ?, ?)", repo["id"], person["id"], role)
    if known:
        return answer_nothing()
    return answer(
        {
            "id": person["id"],
            "node_id": node_id("User", person["id"]),
            "repository": render_repository(call.hub, repo),
            "invitee": render_user(call.hub, person),
            "inviter": render_user(call.hub, call.actor.writer),
            "permissions": role,
            "created_at": state.now(),
            "expired": False,
            "url": f"{call.hub.api_url}/user/repository_invitations/{person['id']}",
            "html_url": f"{page_url(call.hub, repo)}/invitations",
        },
        201,
    )


@routes.delete(BASE + "/{username}", app="administration:write", user="admin")
async def remove(call: Call) -> web.Response:
    """DELETE collaborators/{username}."""
    sql = "DELETE FROM collaborators WHERE repo_id = ? AND account_id = ?"
    call.hub.state.run(sql, call.repo["id"], _person(call)["id"])
    return answer_nothing()
