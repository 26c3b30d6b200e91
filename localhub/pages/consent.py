"""The page on which a person lets an App act for them: GitHub's /login/oauth/authorize.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from localhub.pages.forms import read_form
from localhub.pages.guard import POLICY
from localhub.pages.site import Pages
from localhub.rest.accounts.user_access import is_callback, make_code
from localhub.state import Row

FIELDS = ("client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method")


def _find_app(pages: Pages, asked: Mapping[str, str]) -> Row | None:
    """The App that asks; None where it does not exist, or would have people sent where it may not."""
    app = pages.hub.state.maybe("SELECT * FROM apps WHERE client_id = ?", asked["client_id"])
    return app if app and is_callback(pages.hub, app, asked["redirect_uri"]) else None


def _refuse(pages: Pages, request: web.Request) -> web.Response:
    text = "The redirect_uri is not associated with this application, or there is no such application."
    return pages.problem(request, 404, "Be careful", text)


async def show_consent(pages: Pages, request: web.Request) -> web.Response:
    """GET /login/oauth/authorize: who signs in."""
    asked = {name: request.query.get(name, "") for name in FIELDS}
    app = _find_app(pages, asked)
    if app is None:
        return _refuse(pages, request)
    view = {"app": app, "asked": asked, "heading": f"Authorize {app['name']}"}
    response = pages.show(request, "consent.html", view)
    target = urlsplit(asked["redirect_uri"])
    # Browsers hold the redirect that answers a form to form-action, too.
    policy = POLICY.replace("form-action 'self'", f"form-action 'self' {target.scheme}://{target.netloc}")
    response.headers["Content-Security-Policy"] = policy
    return response


async def give_consent(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST /login/oauth/authorize: back to the App with a code, or with the refusal."""
    form, actor = await read_form(pages, request)
    asked = {name: str(form.get(name, "")) for name in FIELDS}
    app = _find_app(pages, asked)
    if app is None:
        return _refuse(pages, request)
    answer = {"error": "access_denied", "error_description": "The user has denied your application access."}
    if form.get("answer") == "yes":
        challenge = asked["code_challenge"] if asked["code_challenge_method"] == "S256" else ""
        uri = asked["redirect_uri"]
        answer = {"code": make_code(pages.hub, app, actor.writer, redirect_uri=uri, challenge=challenge)}
    query = urlencode(answer | {"state": asked["state"]})
    raise web.HTTPFound(f"{asked['redirect_uri']}?{query}")
