"""Search of repositories and accounts by their names."""

from __future__ import annotations

from aiohttp import web

from localhub.auth import check_repo
from localhub.errors import ApiError
from localhub.objects.people import render_user
from localhub.objects.repository import render_repository
from localhub.rest.api import Call, Routes, answer_page
from localhub.rest.search.query import read_query
from localhub.state import Row

routes = Routes()


@routes.get("/search/repositories")
async def search_repositories(call: Call) -> web.Response:
    """GET search/repositories by words of the name or description, and ``user:``, ``org:``, ``repo:``."""
    query, state = read_query(call.query("q")), call.hub.state
    found = []
    for known in state.all("SELECT id FROM repos ORDER BY id DESC"):
        repo = state.repo(known["id"])
        text = f"{repo['name']} {repo['description'] or ''}".lower()
        owners = [*query.all("org"), *query.all("user")]
        fits = all(word in text for word in query.words) and owners in ([], [repo["owner"].lower()])
        fits = fits and query.all("repo") in ([], [f"{repo['owner']}/{repo['name']}".lower()])
        if fits and _may_see(call, repo):
            found.append(repo)

    def show(repo: Row) -> dict[str, object]:
        shown = render_repository(call.hub, repo)
        shown.pop("custom_properties")
        return shown | {"score": 1.0}

    return answer_page(call, found, show, key="items", incomplete_results=False)


def _may_see(call: Call, repo: Row) -> bool:
    try:
        check_repo(call.hub.state, call.actor, repo, app="metadata:read", user="read")
    except ApiError:
        return False
    return True


@routes.get("/search/users")
async def search_users(call: Call) -> web.Response:
    """GET search/users by words of login or name."""
    query, state = read_query(call.query("q")), call.hub.state
    rows = state.all("SELECT * FROM accounts WHERE type != 'Bot' ORDER BY id")
    wanted = {"user": "User", "org": "Organization"}
    found = [
        row
        for row in rows
        if all(word in f"{row['login']} {row['name']}".lower() for word in query.words)
        and all(wanted.get(one) == row["type"] for one in query.all("type"))
    ]
    return answer_page(
        call,
        found,
        lambda row: render_user(call.hub, row) | {"score": 1.0},
        key="items",
        incomplete_results=False,
    )
