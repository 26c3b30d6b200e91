"""/_admin, the control interface for tests (not of GitHub): faults, clock, tokens, deliveries, requests."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import (
    Actor,
    authenticate,
    make_installation_token,
    make_personal_token,
    token_digest,
    user_actor,
)
from localhub.errors import ApiError
from localhub.faults import Fault
from localhub.hub import Hub
from localhub.rest.accounts.apps import create_app_row, install
from localhub.rest.api import HUB
from localhub.rest.repos.checks import press_button
from localhub.webhooks import DeliveryRule

PREFIX = "/_admin"
Action = Callable[[Hub, dict[str, Any]], Awaitable[Any]]


def mount(app: web.Application) -> None:
    """Put the admin route on an application; every call is a POST with the admin token as bearer."""
    app.router.add_post(PREFIX + "/{action}", _serve)


def caller(hub: Hub, request: web.Request) -> str:
    """The name of the caller of a request, for the record of requests and the rules."""
    try:
        return authenticate(hub.state, request.headers.get("Authorization")).name
    except ApiError:
        return "bad credentials"


async def _serve(request: web.Request) -> web.Response:
    hub = request.app[HUB]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), str(hub.state.setting("admin_token")).encode()):
        return web.json_response({"message": "wrong admin token"}, status=401)
    action = ACTIONS.get(request.match_info["action"])
    if action is None:
        return web.json_response({"message": f"one of {', '.join(ACTIONS)}"}, status=404)
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else {}
        return web.json_response(await action(hub, body))
    except (KeyError, TypeError, ValueError, LookupError, ApiError) as problem:
        return web.json_response({"message": f"{type(problem).__name__}: {problem}"}, status=422)


async def add_fault(hub: Hub, body: dict[str, Any]) -> Any:
    """Add a rule; the fields are those of ``faults.Fault``."""
    hub.faults.rules.append(Fault(**body))
    return {"rules": len(hub.faults.rules)}


async def clear_faults(hub: Hub, body: dict[str, Any]) -> Any:
    """Remove every rule for requests and deliveries; answers how often each was used."""
    used = [rule.used for rule in hub.faults.rules]
    hub.faults.rules.clear()
    hub.webhooks.rules.clear()
    return {"used": used}


async def deliveries(hub: Hub, body: dict[str, Any]) -> Any:
    """Add a rule for deliveries (``webhooks.DeliveryRule``), or set ``deadline`` in seconds."""
    if "deadline" in body:
        hub.webhooks.deadline = float(body["deadline"])
        return {}
    hub.webhooks.rules.append(DeliveryRule(**body))
    return {"rules": len(hub.webhooks.rules)}


async def idle(hub: Hub, body: dict[str, Any]) -> Any:
    """Wait until every delivery has been tried."""
    await hub.webhooks.idle()
    return {}


async def requests(hub: Hub, body: dict[str, Any]) -> Any:
    """The requests made so far, oldest first; ``clear`` empties the list afterwards."""
    found = list(hub.faults.requests)
    if body.get("clear"):
        hub.faults.requests.clear()
    return found


async def tokens(hub: Hub, body: dict[str, Any]) -> Any:
    """``lifetime`` of installation tokens in seconds, or ``expire_now`` for all (or just ``token``)."""
    if "lifetime" in body:
        hub.token_lifetime = float(body["lifetime"])
    if body.get("expire_now"):
        one = body.get("token")
        hub.state.run(
            "UPDATE tokens SET expires_at = 0 WHERE installation_id IS NOT NULL"
            " AND (? IS NULL OR digest = ?)",
            one, token_digest(one or ""),
        )  # fmt: skip
    return {}


async def clock(hub: Hub, body: dict[str, Any]) -> Any:
    """``offset`` in seconds from the machine's clock."""
    hub.state.clock_offset = float(body["offset"])
    return {"now": hub.state.now()}


async def lag(hub: Hub, body: dict[str, Any]) -> Any:
    """Let reads lag ``seconds`` behind writes, for the caller ``login`` alone if it is given; 0: not."""
    hub.replicas.seconds, hub.replicas.login = float(body["seconds"]), body.get("login")
    return {}


async def limits(hub: Hub, body: dict[str, Any]) -> Any:
    """Requests per hour of a kind of caller, ``{"installation": 100}``; ``creating``: those that create
    content, by seconds, ``{"60": 80}``, {} for no bound.
    """
    if "creating" in body:
        hub.rates.creating = {int(span): int(most) for span, most in body.pop("creating").items()}
    hub.rates.limits |= {kind: int(limit) for kind, limit in body.items()}
    return hub.rates.limits


async def user(hub: Hub, body: dict[str, Any]) -> Any:
    """Add a person with a personal token; with ``organization``, an organization of the maintainer's.

    With ``install`` the first App is installed there, for all repositories.
    """
    login, kind = str(body["login"]), "Organization" if body.get("organization") else "User"
    owner = hub.state.require_account("maintainer")
    account = hub.state.insert(
        "accounts", login=login, type=kind, name=str(body.get("name", login)), email=f"{login}@users.example",
        owner_id=owner["id"] if kind == "Organization" else None, created_at=hub.state.now(),
    )  # fmt: skip
    if body.get("install"):
        app = hub.state.app(hub.state.setting("facts")["app_id"])
        install(hub, user_actor(owner), app, hub.state.account(account))
    return {
        "login": login,
        "id": account,
        "token": make_personal_token(hub.state, account) if kind == "User" else None,
    }


async def another_app(hub: Hub, body: dict[str, Any]) -> Any:
    """Add an App ``slug`` with ``permissions`` and ``events``, installed for the maintainer, with a token."""
    owner = hub.state.require_account("maintainer")
    manifest = {
        "default_permissions": dict(body["permissions"]),
        "default_events": list(body.get("events", ())),
    }
    app = create_app_row(hub, owner, manifest, slug=str(body["slug"]), webhook_url=None)
    row = install(hub, user_actor(owner), app, owner)
    granted = json.loads(app["permissions_json"])
    token, _ = make_installation_token(hub.state, row, granted, None, hub.token_lifetime)
    return {"id": app["id"], "bot_id": app["bot_id"], "token": token}


async def installation(hub: Hub, body: dict[str, Any]) -> Any:
    """Change installation ``id``: ``permissions``, ``events``, ``repositories`` (ids; null for all),
    ``suspended``.
    """
    row = hub.state.one("SELECT * FROM installations WHERE id = ?", body["id"])
    owner = hub.state.account(row["account_id"])
    actor, now = user_actor(hub.state.account(owner["owner_id"] or owner["id"])), hub.state.now()
    if "permissions" in body:
        hub.state.update("installations", row["id"], permissions_json=json.dumps(body["permissions"]))
        hub.state.run(
            "UPDATE tokens SET permissions_json = ? WHERE installation_id = ?",
            json.dumps(body["permissions"]),
            row["id"],
        )
    if "events" in body:
        hub.state.update("installations", row["id"], events_json=json.dumps(body["events"]))
    if "suspended" in body:
        hub.state.update("installations", row["id"], suspended_at=now if body["suspended"] else None)
        fresh = hub.state.one("SELECT * FROM installations WHERE id = ?", row["id"])
        events.send_installation(hub, actor, fresh, "suspend" if body["suspended"] else "unsuspend")
    if "repositories" in body:
        _select(hub, actor, row["id"], body["repositories"])
    return {}


def _select(hub: Hub, actor: Actor, installation_id: int, repo_ids: list[int] | None) -> None:
    sql = "SELECT * FROM installations WHERE id = ?"
    before = {
        repo["id"]: repo for repo in events.list_installed_repos(hub, hub.state.one(sql, installation_id))
    }
    with hub.state.transaction():
        selection = "all" if repo_ids is None else "selected"
        hub.state.update("installations", installation_id, repository_selection=selection)
        hub.state.run("DELETE FROM installation_repos WHERE installation_id = ?", installation_id)
        for repo_id in repo_ids or []:
            hub.state.insert("installation_repos", installation_id=installation_id, repo_id=repo_id)
    row = hub.state.one(sql, installation_id)
    after = {repo["id"]: repo for repo in events.list_installed_repos(hub, row)}
    added = [repo for repo_id, repo in after.items() if repo_id not in before]
    removed = [repo for repo_id, repo in before.items() if repo_id not in after]
    if added:
        events.send_installation_repositories(hub, actor, row, added=added, removed=[])
    if removed:
        events.send_installation_repositories(hub, actor, row, added=[], removed=removed)


async def sign_in(hub: Hub, body: dict[str, Any]) -> Any:
    """Let the first App send people back to ``callback``; answers its ``client_id`` and ``client_secret``."""
    app = hub.state.app(hub.state.setting("facts")["app_id"])
    sql = "INSERT OR IGNORE INTO callback_urls (app_id, url) VALUES (?, ?)"
    hub.state.run(sql, app["id"], str(body["callback"]))
    return {"client_id": app["client_id"], "client_secret": app["client_secret"]}


async def press_check_button(hub: Hub, body: dict[str, Any]) -> Any:
    """Do what a person does on the page: press ``identifier`` of check run ``check_run`` as ``login``."""
    row = hub.state.one("SELECT * FROM check_runs WHERE id = ?", body["check_run"])
    account = hub.state.require_account(str(body.get("login", "maintainer")))
    press_button(hub, user_actor(account), hub.state.repo(row["repo_id"]), row["id"], str(body["identifier"]))
    return {}


ACTIONS: dict[str, Action] = {
    "fault": add_fault, "clear": clear_faults, "deliveries": deliveries, "idle": idle, "requests": requests,
    "tokens": tokens, "clock": clock, "limits": limits, "lag": lag,
    "user": user, "installation": installation,
    "press": press_check_button, "app": another_app, "sign_in": sign_in,
}  # fmt: skip
