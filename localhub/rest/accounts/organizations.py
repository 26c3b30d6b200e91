"""Organizations, and who belongs to them."""

from __future__ import annotations

from aiohttp import web

from localhub.errors import not_found
from localhub.objects.people import render_organization
from localhub.objects.repository import render_repository
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()


def _find(call: Call) -> Row:
    row = call.hub.state.account_by_login(call.path("org"))
    if row is None or row["type"] != "Organization":
        raise not_found()
    return row


def list_organizations(call: Call, account_id: int) -> list[Row]:
    """The organizations of a person: those that they own."""
    return call.hub.state.all("SELECT * FROM accounts WHERE owner_id = ? ORDER BY id", account_id)


@routes.get("/orgs/{org}")
async def get(call: Call) -> web.Response:
    """GET /orgs/{org}."""
    row = _find(call)
    repos = call.hub.state.count("SELECT count(*) FROM repos WHERE owner_id = ? AND NOT private", row["id"])
    shown = render_organization(call.hub, row) | {
        "name": row["name"], "type": "Organization", "html_url": f"{call.hub.web_url}/{row['login']}",
        "has_organization_projects": True, "has_repository_projects": True, "public_repos": repos,
        "public_gists": 0, "followers": 0, "following": 0, "archived_at": None,
        "created_at": row["created_at"], "updated_at": row["created_at"],
    }  # fmt: skip
    return answer(shown)


@routes.get("/orgs/{org}/repos")
async def list_repos(call: Call) -> web.Response:
    """GET /orgs/{org}/repos: the public ones, all for its owner."""
    row, state = _find(call), call.hub.state
    mine = call.actor.account is not None and row["owner_id"] == call.actor.account["id"]
    rows = state.all(
        "SELECT id FROM repos WHERE owner_id = ? AND (? OR NOT private) ORDER BY id", row["id"], mine
    )
    return answer_page(call, rows, lambda one: render_repository(call.hub, state.repo(one["id"])))


@routes.get("/orgs/{org}/members/{login}")
async def check_member(call: Call) -> web.Response:
    """GET /orgs/{org}/members/{login}: 204 for a member, 404 otherwise."""
    row, person = _find(call), call.hub.state.account_by_login(call.path("login"))
    if person is None or person["id"] != row["owner_id"]:
        raise not_found()
    return answer_nothing()


@routes.get("/user/orgs", app="user")
async def list_own(call: Call) -> web.Response:
    """GET /user/orgs."""
    rows = list_organizations(call, call.actor.account_id)
    return answer_page(call, rows, lambda row: render_organization(call.hub, row))


@routes.get("/users/{login}/orgs")
async def list_of_user(call: Call) -> web.Response:
    """GET /users/{login}/orgs."""
    person = call.hub.state.account_by_login(call.path("login"))
    if person is None:
        raise not_found()
    return answer_page(
        call, list_organizations(call, person["id"]), lambda row: render_organization(call.hub, row)
    )
