"""GitHub Apps: themselves, their installations, the tokens of those, and registration from a manifest."""

from __future__ import annotations

import html
import json
import secrets
from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import LEVELS, Actor, has_repository, includes_level, make_installation_token, token_digest
from localhub.errors import ApiError, not_found
from localhub.hub import Hub
from localhub.objects.people import render_app, render_installation, render_user
from localhub.objects.repository import render_repository
from localhub.rest.api import HUB, Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()


def new_private_key() -> str:
    """An RSA key as PEM, in the form that GitHub hands out."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def create_app_row(
    hub: Hub,
    owner: Row,
    manifest: dict[str, Any],
    *,
    slug: str,
    webhook_url: str | None,
    key: str | None = None,
    webhook_secret: str | None = None,
) -> Row:
    """Register an App with a private key and a webhook secret (new unless given) and a bot account."""
    state, now = hub.state, hub.state.now()
    with state.transaction():
        bot = state.insert("accounts", login=f"{slug}[bot]", type="Bot", name=f"{slug}[bot]", created_at=now)
        app_id = state.insert(
            "apps",
            slug=slug,
            name=str(manifest.get("name", slug)),
            description=str(manifest.get("description", "")),
            external_url=str(manifest.get("url", hub.web_url)),
            owner_id=owner["id"],
            bot_id=bot,
            client_id=f"Iv23li{secrets.token_hex(7)}",
            client_secret=secrets.token_hex(20),
            webhook_url=webhook_url,
            webhook_secret=webhook_secret or secrets.token_hex(20),
            private_key=key or new_private_key(),
            permissions_json=json.dumps({"metadata": "read", **manifest.get("default_permissions", {})}),
            events_json=json.dumps(list(manifest.get("default_events", []))),
            created_at=now,
            updated_at=now,
        )
        for url in manifest.get("callback_urls", []):
            state.insert("callback_urls", app_id=app_id, url=str(url))
    return state.app(app_id)


def install(hub: Hub, actor: Actor, app_row: Row, account: Row) -> Row:
    """Install an App on all repositories of an account and send its event."""
    state, now = hub.state, hub.state.now()
    row_id = state.insert(
        "installations", app_id=app_row["id"], account_id=account["id"],
        permissions_json=app_row["permissions_json"],
        events_json=app_row["events_json"], created_at=now, updated_at=now,
    )  # fmt: skip
    row = state.one("SELECT * FROM installations WHERE id = ?", row_id)
    events.send_installation(hub, actor, row, "created")
    return row


@routes.get("/app", app="jwt")
async def get(call: Call) -> web.Response:
    """GET /app."""
    sql = "SELECT count(*) FROM installations WHERE app_id = ?"
    count = call.hub.state.count(sql, call.actor.own_app["id"])
    own = {"client_id": call.actor.own_app["client_id"], "installations_count": count}
    return answer(render_app(call.hub, call.actor.own_app) | own)


@routes.get("/apps/{slug}")
async def get_by_slug(call: Call) -> web.Response:
    """GET /apps/{slug}."""
    row = call.hub.state.maybe("SELECT * FROM apps WHERE slug = ?", call.path("slug"))
    if row is None:
        raise not_found()
    return answer(render_app(call.hub, row))


@routes.get("/app/installations", app="jwt")
async def list_installations(call: Call) -> web.Response:
    """GET /app/installations."""
    rows = call.hub.state.all("SELECT * FROM installations WHERE app_id = ? ORDER BY id", call.actor.app_id)
    return answer_page(call, rows, lambda row: render_installation(call.hub, row))


def _installation(call: Call) -> Row:
    row = call.hub.state.maybe(
        "SELECT * FROM installations WHERE id = ? AND app_id = ?", call.number("id"), call.actor.app_id
    )
    if row is None:
        raise not_found()
    return row


@routes.get("/app/installations/{id:\\d+}", app="jwt")
async def get_installation(call: Call) -> web.Response:
    """GET /app/installations/{id}."""
    return answer(render_installation(call.hub, _installation(call)))


@routes.delete("/app/installations/{id:\\d+}", app="jwt")
async def uninstall(call: Call) -> web.Response:
    """DELETE /app/installations/{id}: tokens die with it."""
    row = _installation(call)
    owner = call.hub.state.account(row["account_id"])
    events.send_installation(call.hub, Actor(kind="user", account=owner), row, "deleted")
    call.hub.state.run("DELETE FROM installations WHERE id = ?", row["id"])
    return answer_nothing()


async def _answer_for_account(call: Call, account_id: int) -> web.Response:
    sql = "SELECT * FROM installations WHERE account_id = ? AND app_id = ?"
    row = call.hub.state.maybe(sql, account_id, call.actor.app_id)
    if row is None:
        raise not_found()
    return answer(render_installation(call.hub, row))


@routes.get("/users/{login}/installation", app="jwt")
@routes.get("/orgs/{login}/installation", app="jwt")
async def installation_of_account(call: Call) -> web.Response:
    """GET /users/{login}/installation and /orgs/{org}/installation."""
    account = call.hub.state.account_by_login(call.path("login"))
    if account is None:
        raise not_found()
    return await _answer_for_account(call, account["id"])


@routes.post("/app/installations/{id:\\d+}/access_tokens", app="jwt")
async def create_token(call: Call) -> web.Response:
    """POST access_tokens: for all the installation has, or less."""
    hub, row = call.hub, _installation(call)
    if row["suspended_at"] is not None:
        raise ApiError(403, "This installation has been suspended")
    permissions = _narrow_permissions(call, json.loads(row["permissions_json"]))
    repos = _choose_repositories(call, row)
    ids = None if repos is None else [repo["id"] for repo in repos]
    token, expires = make_installation_token(hub.state, row, permissions, ids, hub.token_lifetime)
    body: dict[str, Any] = {
        "token": token,
        "expires_at": expires,
        "permissions": permissions,
        "repository_selection": row["repository_selection"] if repos is None else "selected",
    }
    if repos is not None:
        body["repositories"] = [render_repository(hub, repo) for repo in repos]
    return answer(body, 201)


def _narrow_permissions(call: Call, granted: dict[str, str]) -> dict[str, str]:
    asked = call.body.object("permissions")
    if asked is None or not asked.values:  # PyGithub sends an empty object and expects everything
        return granted
    for name in asked.values:
        if not includes_level(granted.get(name, "none"), asked.choice(name, LEVELS), LEVELS):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    return {"metadata": "read", **{name: str(level) for name, level in asked.values.items()}}


def _choose_repositories(call: Call, row: Row) -> list[Row] | None:
    ids, names = call.body.items("repository_ids"), call.body.items("repositories")
    if ids is None and names is None:
        return None
    every = events.list_installed_repos(call.hub, row)
    chosen = [repo for repo in every if repo["id"] in (ids or []) or repo["name"] in (names or [])]
    if len(chosen) < len(ids or []) + len(names or []):
        text = "There is at least one repository that does not exist or is not accessible to the parent"
        raise ApiError(422, f"{text} installation.")
    return chosen


@routes.delete("/installation/token")
async def revoke_token(call: Call) -> web.Response:
    """DELETE /installation/token."""
    if call.actor.kind != "installation":
        raise ApiError(403, "Resource not accessible by personal access token")
    token = call.request.headers["Authorization"].partition(" ")[2].strip()
    call.hub.state.run("DELETE FROM tokens WHERE digest = ?", token_digest(token))
    return answer_nothing()


@routes.get("/installation/repositories")
async def list_repositories(call: Call) -> web.Response:
    """GET /installation/repositories: those that the token reaches."""
    if call.actor.installation is None:
        text = "You must authenticate with an installation access token in order to list repositories"
        raise ApiError(403, f"{text} for an installation.")
    allowed = call.actor.repo_ids
    repos = [
        repo
        for repo in events.list_installed_repos(call.hub, call.actor.installation)
        if allowed is None or repo["id"] in allowed
    ]
    return answer_page(call, repos, lambda repo: render_repository(call.hub, repo), key="repositories")


@routes.get("/repos/{owner}/{repo}/installation", app="jwt")
async def get_for_repository(call: Call) -> web.Response:
    """GET /repos/{owner}/{repo}/installation."""
    sql = "SELECT * FROM installations WHERE account_id = ? AND app_id = ?"
    row = call.hub.state.maybe(sql, call.repo["owner_id"], call.actor.app_id)
    if row is None or not has_repository(call.hub.state, row, call.repo):
        raise not_found()
    return answer(render_installation(call.hub, row))


# Registration from a manifest: the form that a person sends, the code that comes back, its one conversion.


async def register_from_manifest(request: web.Request) -> web.StreamResponse:
    """POST /settings/apps/new: register the App and go back to the manifest's redirect_url with a code."""
    hub = request.app[HUB]
    form = await request.post()
    try:
        manifest = json.loads(str(form.get("manifest", "")))
        target, hook = str(manifest["redirect_url"]), manifest.get("hook_attributes", {}).get("url")
    except (ValueError, KeyError, AttributeError, TypeError):
        return web.Response(status=422, text="The manifest is not valid JSON with a redirect_url.\n")
    slug = "-".join(str(manifest.get("name", "app")).lower().split())
    if hub.state.maybe("SELECT 1 FROM apps WHERE slug = ?", slug):
        return web.Response(status=422, text=f"Name {html.escape(slug)} is already taken\n")
    owner = hub.state.require_account("maintainer")
    row = create_app_row(hub, owner, manifest, slug=slug, webhook_url=hook)
    code = secrets.token_hex(20)
    hub.state.update("apps", row["id"], manifest_code=code)
    query = {"code": code} | ({"state": request.query["state"]} if "state" in request.query else {})
    from yarl import URL

    raise web.HTTPFound(URL(target).update_query(query))


@routes.post("/app-manifests/{code}/conversions")
async def convert(call: Call) -> web.Response:
    """POST /app-manifests/{code}/conversions: the App with its secrets, once."""
    row = call.hub.state.maybe("SELECT * FROM apps WHERE manifest_code = ?", call.path("code"))
    if row is None:
        raise not_found()
    call.hub.state.update("apps", row["id"], manifest_code=None)
    owner = render_user(call.hub, call.hub.state.account(row["owner_id"]))
    return answer(
        render_app(call.hub, row)
        | {
            "owner": owner,
            "client_id": row["client_id"],
            "client_secret": row["client_secret"],
            "webhook_secret": row["webhook_secret"],
            "pem": row["private_key"],
        },
        201,
    )
