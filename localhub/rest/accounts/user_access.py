"""A person acts through an App: consent, the code for a token, and what the token shows of installations.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from localhub.auth import role_of, token_digest
from localhub.errors import ApiError, not_found
from localhub.events import list_installed_repos
from localhub.hub import Hub
from localhub.objects.people import render_installation
from localhub.objects.repository import render_listed_repository
from localhub.rest.api import HUB, Call, Routes, answer_page
from localhub.state import Row

CODE_SECONDS = 600
TOKEN_SECONDS = 28_800

routes = Routes()


def is_callback(hub: Hub, app: Row, url: str) -> bool:
    """Whether an App lets people be sent to ``url``: a registered one, or a path below it."""
    wanted = urlsplit(url)
    for row in hub.state.all("SELECT url FROM callback_urls WHERE app_id = ?", app["id"]):
        known = urlsplit(row["url"])
        same = (known.scheme, known.netloc) == (wanted.scheme, wanted.netloc)
        below = wanted.path == known.path or wanted.path.startswith(known.path.rstrip("/") + "/")
        if same and below and ".." not in wanted.path:
            return True
    return False


def make_code(hub: Hub, app: Row, account: Row, *, redirect_uri: str, challenge: str) -> str:
    """A code that the App can change into a token once, within ten minutes."""
    code = secrets.token_hex(10)
    hub.state.insert(
        "user_codes", digest=token_digest(code), app_id=app["id"], account_id=account["id"],
        redirect_uri=redirect_uri, challenge=challenge, expires_at=hub.state.time() + CODE_SECONDS,
    )  # fmt: skip
    return code


async def exchange_code(request: web.Request) -> web.Response:
    """POST /login/oauth/access_token: a code for a token; errors have status 200.

    https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
    """
    hub, form = request.app[HUB], {name: str(value) for name, value in (await request.post()).items()}
    fields = _exchange(hub, form)
    if "json" in request.headers.get("Accept", ""):
        return web.json_response(fields)
    return web.Response(text=urlencode(fields), content_type="application/x-www-form-urlencoded")


def _exchange(hub: Hub, form: dict[str, str]) -> dict[str, str | int]:
    app = hub.state.maybe("SELECT * FROM apps WHERE client_id = ?", form.get("client_id", ""))
    secret = form.get("client_secret", "")
    if app is None or not hmac.compare_digest(app["client_secret"].encode(), secret.encode()):
        return _problem("incorrect_client_credentials", "The client_id and/or client_secret are incorrect.")
    digest = token_digest(form.get("code", ""))
    row = hub.state.maybe("SELECT * FROM user_codes WHERE digest = ? AND app_id = ?", digest, app["id"])
    if row is None or row["expires_at"] <= hub.state.time():
        return _problem("bad_verification_code", "The code passed is incorrect or expired.")
    hub.state.run("DELETE FROM user_codes WHERE digest = ?", digest)
    if form.get("redirect_uri", row["redirect_uri"]) != row["redirect_uri"]:
        text = "The redirect_uri MUST match the registered callback URL for this application."
        return _problem("redirect_uri_mismatch", text)
    if row["challenge"] and _challenge_of(form.get("code_verifier", "")) != row["challenge"]:
        return _problem("bad_verification_code", "The code passed is incorrect or expired.")
    token = f"ghu_{secrets.token_hex(18)}"
    hub.state.insert(
        "user_tokens", digest=token_digest(token), app_id=app["id"], account_id=row["account_id"],
        expires_at=hub.state.time() + TOKEN_SECONDS,
    )  # fmt: skip
    return {"access_token": token, "expires_in": TOKEN_SECONDS, "scope": "", "token_type": "bearer"}


def _challenge_of(verifier: str) -> str:
    """S256 of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _problem(error: str, text: str) -> dict[str, str | int]:
    uri = "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/"
    return {"error": error, "error_description": text, "error_uri": uri}


def _list_reached(call: Call, installation: Row) -> list[Row]:
    """The repositories of an installation that the person has a role in; reading what is public is none."""
    person = call.actor.account_id
    return [
        repo
        for repo in list_installed_repos(call.hub, installation)
        if role_of(call.hub.state, repo | {"private": True}, person) != "none"
    ]


def _own_app(call: Call) -> Row:
    if call.actor.app is None:
        text = "You must authenticate with an access token authorized to a GitHub App in order to list"
        raise ApiError(403, f"{text} installations")
    return call.actor.app


@routes.get("/user/installations", app="user")
async def list_own(call: Call) -> web.Response:
    """GET /user/installations: those in which the person has a repository, or which are theirs."""
    person = call.actor.account_id
    rows = call.hub.state.all(
        "SELECT * FROM installations WHERE app_id = ? ORDER BY id", _own_app(call)["id"]
    )
    accounts = {row["id"]: call.hub.state.account(row["account_id"]) for row in rows}
    reached = [
        row
        for row in rows
        if person in (accounts[row["id"]]["id"], accounts[row["id"]]["owner_id"]) or _list_reached(call, row)
    ]
    return answer_page(call, reached, lambda row: render_installation(call.hub, row), key="installations")


@routes.get("/user/installations/{id:\\d+}/repositories", app="user")
async def list_own_repositories(call: Call) -> web.Response:
    """GET /user/installations/{installation_id}/repositories: with what the person may do in each."""
    app, sql = _own_app(call), "SELECT * FROM installations WHERE id = ? AND app_id = ?"
    row = call.hub.state.maybe(sql, call.number("id"), app["id"])
    if row is None:
        raise not_found()
    return answer_page(
        call,
        _list_reached(call, row),
        lambda repo: render_listed_repository(call.hub, repo, call.actor),
        key="repositories",
    )
