"""The page on which a person installs an App on all repositories of their account.

https://docs.github.com/en/apps/using-github-apps/installing-a-github-app-from-a-third-party
"""

from __future__ import annotations

from aiohttp import web

from localhub.pages.forms import read_form
from localhub.pages.site import Pages
from localhub.rest.accounts.apps import install
from localhub.state import Row


def _find_app(pages: Pages, request: web.Request) -> Row:
    """The App in the path; LookupError when there is none."""
    found = pages.hub.state.maybe("SELECT * FROM apps WHERE slug = ?", request.match_info["slug"])
    if found is None:
        raise LookupError("app")
    return found


async def show_install(pages: Pages, request: web.Request) -> web.Response:
    """GET /apps/{slug}/installations/new: on whose account."""
    app = _find_app(pages, request)
    return pages.show(request, "install.html", {"app": app, "heading": f"Install {app['name']}"})


async def give_install(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST of the same: install it, and go to the App's page."""
    app = _find_app(pages, request)
    _, actor = await read_form(pages, request)
    sql = "SELECT 1 FROM installations WHERE app_id = ? AND account_id = ?"
    if not pages.hub.state.maybe(sql, app["id"], actor.writer["id"]):
        install(pages.hub, actor, app, actor.writer)
    raise web.HTTPFound(f"/apps/{app['slug']}")
