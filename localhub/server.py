"""The local GitHub as an aiohttp application, and as a server that prints what a client needs to know."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import socket
import time
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from localhub import admin, events
from localhub.auth import make_personal_token, user_actor
from localhub.faults import FAULT
from localhub.git import http
from localhub.graphql import endpoint
from localhub.hub import Hub
from localhub.pages.routes import add_pages
from localhub.rest.accounts import apps, deliveries, organizations, user_access, users
from localhub.rest.actions import runs
from localhub.rest.api import ENTERPRISE_PREFIX, HUB, PREFIX
from localhub.rest.issues import (
    assignees,
    comments,
    issues,
    labels,
    locks,
    milestones,
    reactions,
    sub_issues,
    timeline,
)
from localhub.rest.pulls import merging, pulls, review_comments, reviews
from localhub.rest.repos import (
    about,
    checks,
    collaborators,
    commits,
    contents,
    protection,
    releases,
    repos,
    rulesets,
    statuses,
)
from localhub.rest.repos import git_database as gitdata
from localhub.rest.search import issues as search
from localhub.rest.search import names
from localhub.rest.serving import mount
from localhub.state import Row, State
from localhub.tls import CERTIFICATE, prepare_tls

# The order matters where one path could be read as another: the more particular first.
TABLES = [
    module.routes
    for module in (
        repos, users, organizations, collaborators, labels, comments, reactions, assignees, locks, milestones,
        sub_issues, issues, merging, review_comments, reviews, pulls, checks, statuses, contents, rulesets,
        protection, timeline, gitdata, commits, releases, about, runs, apps, deliveries, user_access, search,
        names, endpoint,
    )
]  # fmt: skip

KEY_FILE = "app.pem"
SECRET_FILE = "webhook-secret"  # noqa: S105 -- a file's name
PERMISSIONS = {
    "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write",
}  # fmt: skip
EVENTS = (
    "issues", "issue_comment", "pull_request", "pull_request_review", "pull_request_review_comment", "push",
    "create",
    "delete", "check_run",
)  # fmt: skip


def create_app(hub: Hub, middlewares: Sequence[Middleware] = ()) -> web.Application:
    """Every route of the local GitHub. ``middlewares`` stand inside the faults, around everything else."""
    app = web.Application(client_max_size=32 * 1024**2, middlewares=[record_request, *middlewares])
    app[HUB] = hub
    mount(app, TABLES)
    admin.mount(app)
    http.mount(app)
    app.router.add_post("/settings/apps/new", apps.register_from_manifest)
    app.router.add_post("/login/oauth/access_token", user_access.exchange_code)
    add_pages(app, hub, TABLES)
    app.on_response_prepare.append(_tell_time)
    app.on_startup.append(_start)
    app.on_shutdown.append(_end_faults)
    app.on_cleanup.append(_close)
    return app


async def _tell_time(request: web.Request, response: web.StreamResponse) -> None:
    """The ``Date`` of every answer, by this GitHub's clock."""
    response.headers[hdrs.DATE] = formatdate(request.app[HUB].state.time(), usegmt=True)


async def _start(app: web.Application) -> None:
    app[HUB].webhooks.start()


async def _end_faults(app: web.Application) -> None:
    app[HUB].faults.release()


async def _close(app: web.Application) -> None:
    await app[HUB].close()


@web.middleware
async def record_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record every request, and make those fail for which a rule of ``faults`` says so."""
    if request.path.startswith(admin.PREFIX):
        return await handler(request)
    hub, started = request.app[HUB], time.monotonic()
    entry = {"method": request.method, "path": request.path_qs, "actor": "anonymous", "at": hub.state.time()}
    hub.faults.requests.append(entry)
    login = admin.caller(hub, request)
    fault = hub.faults.pick(request, login)
    if fault is not None:
        request[FAULT] = fault
        entry["fault"] = fault.kind
    try:
        if fault is None:
            response = await handler(request)
            if request.path.endswith("/graphql") and response.status == 200:
                entry["graphql"] = str((await request.json()).get("query", "")).split("{", 1)[0].strip()
        else:
            response = await hub.faults.inject(fault, request, handler, hub.state.time())
        entry["status"] = response.status
    except web.HTTPException as answered:
        entry["status"] = answered.status
        raise
    finally:
        entry |= {"actor": login, "seconds": round(time.monotonic() - started, 4)}
    return response


def prepare_hub(
    data: Path, web_url: str, webhook_url: str | None, api_path: str = PREFIX
) -> tuple[Hub, dict[str, Any]]:
    """The hub in ``data`` (made at the first call) and what a client needs to know of it.

    The second is the JSON line: api_url, web_url, app_id, installation_id, private_key_file, webhook_secret,
    users, admin_token. All but the addresses is the same whenever the directory is.
    """
    state = State(data)
    hub = Hub(state, web_url=web_url, api_path=api_path)
    http.install_hooks(data)
    if state.setting("facts") is None:
        with state.transaction():
            state.set_setting("facts", _first_start(hub, data, webhook_url))
    elif webhook_url is not None:
        state.update("apps", state.setting("facts")["app_id"], webhook_url=webhook_url)
    facts = state.setting("facts")
    facts["webhook_secret"] = state.app(facts["app_id"])["webhook_secret"]  # the API can change it
    facts["private_key_file"] = str((data / KEY_FILE).resolve())
    return hub, {"api_url": hub.api_url, "web_url": hub.web_url, **facts}


def _first_start(hub: Hub, data: Path, webhook_url: str | None) -> dict[str, Any]:
    state = hub.state
    state.set_setting("admin_token", secrets.token_hex(20))
    maintainer, stranger = (_person(hub, login) for login in ("maintainer", "stranger"))
    workshop = state.insert(
        "accounts", login="workshop", type="Organization", name="The workshop", owner_id=maintainer["id"],
        created_at=state.now(),
    )  # fmt: skip
    manifest = {
        "name": "Hob", "description": "A coding teammate", "default_permissions": PERMISSIONS,
        "default_events": EVENTS,
    }  # fmt: skip
    key, secret = data / KEY_FILE, data / SECRET_FILE  # there if whoever prepared the directory chose them
    app = apps.create_app_row(
        hub, maintainer, manifest, slug="hob", webhook_url=webhook_url,
        key=key.read_text() if key.exists() else None,
        webhook_secret=secret.read_text() if secret.exists() else None,
    )  # fmt: skip
    key.touch(mode=0o600)
    key.write_text(app["private_key"])
    if webhook_url is not None:
        events.send_ping(hub, app)
    installed = apps.install(hub, user_actor(maintainer), app, maintainer)
    apps.install(hub, user_actor(maintainer), app, state.account(workshop))
    tokens = {row["login"]: make_personal_token(state, row["id"]) for row in (maintainer, stranger)}
    return {
        "app_id": app["id"],
        "installation_id": installed["id"],
        "users": {login: {"login": login, "token": token} for login, token in tokens.items()},
        "admin_token": state.setting("admin_token"),
    }


def _person(hub: Hub, login: str) -> Row:
    row_id = hub.state.insert(
        "accounts", login=login, type="User", name=login.capitalize(), email=f"{login}@users.example",
        created_at=hub.state.now(),
    )  # fmt: skip
    return hub.state.account(row_id)


class Server:
    """A local GitHub that listens on loopback; ``facts`` is its JSON line."""

    def __init__(self, hub: Hub, facts: dict[str, Any], runner: web.AppRunner) -> None:
        self.hub, self.facts = hub, facts
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening and close everything."""
        await self._runner.cleanup()


async def start(
    port: int,
    data: Path,
    webhook_url: str | None = None,
    middlewares: Sequence[Middleware] = (),
    *,
    enterprise: bool = False,
    tls: bool = False,
) -> Server:
    """Listen on ``port`` (0: the one used before in this directory when free, else any).

    ``enterprise``: the API is where an Enterprise Server has it; ``tls``: with a certificate of its own,
    which ``facts`` name.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    remembered = data / "port"
    wanted = port or (int(remembered.read_text()) if remembered.exists() else 0)
    try:
        listener.bind(("127.0.0.1", wanted))
    except OSError:
        if port:
            listener.close()
            raise
        listener.bind(("127.0.0.1", 0))
    number = listener.getsockname()[1]
    data.mkdir(parents=True, exist_ok=True)
    remembered.write_text(str(number))
    scheme, path = "https" if tls else "http", ENTERPRISE_PREFIX if enterprise else PREFIX
    hub, facts = prepare_hub(data, f"{scheme}://127.0.0.1:{number}", webhook_url, path)
    if tls:
        facts["certificate_file"] = str((data / CERTIFICATE).resolve())
    runner = web.AppRunner(create_app(hub, middlewares), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    context = prepare_tls(data) if tls else None
    await web.SockSite(runner, listener, backlog=512, ssl_context=context).start()
    return Server(hub, facts, runner)


async def serve(
    port: int, data: Path, webhook_url: str | None, *, enterprise: bool = False, tls: bool = False
) -> None:
    """Serve until SIGINT or SIGTERM; prints one JSON line once it listens."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    server = await start(port, data, webhook_url, enterprise=enterprise, tls=tls)
    print(json.dumps(server.facts), flush=True)
    await stop.wait()
    await server.stop()
