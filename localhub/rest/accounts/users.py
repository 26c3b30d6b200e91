"""Users, the caller's rate limit, and what GitHub tells about itself."""

from __future__ import annotations

from aiohttp import web

from localhub.errors import not_found
from localhub.objects.people import render_whole_user
from localhub.rest.api import Call, Routes, answer

routes = Routes()


@routes.get("/user", app="user")
async def get_own(call: Call) -> web.Response:
    """GET /user."""
    return answer(render_whole_user(call.hub, call.actor.writer, private=True))


@routes.get("/users/{login}")
async def get(call: Call) -> web.Response:
    """GET /users/{login}."""
    row = call.hub.state.account_by_login(call.path("login"))
    if row is None:
        raise not_found()
    return answer(render_whole_user(call.hub, row, private=False))


@routes.get("/rate_limit")
async def rate_limit(call: Call) -> web.Response:
    """GET /rate_limit."""
    window = call.hub.rates.window(call.actor)
    core = {
        "limit": window.limit, "used": window.used, "remaining": window.limit - window.used,
        "reset": window.reset,
    }  # fmt: skip
    fresh = core | {"used": 0, "remaining": core["limit"]}
    resources = {"core": core, "search": fresh, "graphql": fresh, "integration_manifest": fresh}
    return answer({"resources": resources, "rate": core})


@routes.get("/meta")
async def meta(call: Call) -> web.Response:
    """GET /meta."""
    own = ["127.0.0.0/8"]
    return answer(
        {"verifiable_password_authentication": False, "hooks": own, "web": own, "api": own, "git": own}
    )
