"""How a request to the REST API becomes a call of a handler, and a handler's answer an HTTP response.

Here stand the things that every endpoint has: the caller, the limit, the repository and its permissions,
redirects after a rename, ETags, and the headers of each answer.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable
from functools import cache

from aiohttp import web

from localhub.auth import ANONYMOUS, Actor, authenticate, check_repo
from localhub.errors import ApiError, not_found
from localhub.hub import Hub
from localhub.rest.api import ENTERPRISE_PREFIX, HUB, PREFIX, Body, Call, Route, Routes, answer
from localhub.rest.rate_limits import CREATING_ROUTES
from localhub.state import Row

API_VERSION = "2022-11-28"
# Of a personal token: all that clients ask for. Tokens of Apps have no scopes, and no such headers.
# https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
SCOPES = {"X-OAuth-Scopes": "admin:org, delete_repo, repo, workflow", "X-Accepted-OAuth-Scopes": ""}
# A repository by name, and by id, where requests for renamed ones are redirected to.
NAMED, BY_ID = "/repos/{owner}/{repo}", "/repositories/{repository_id:\\d+}"


def mount(app: web.Application, tables: Iterable[Routes]) -> None:
    """Put every endpoint below both roots of the API."""
    for resource in _list_resources(tuple(tables)):
        app.router.register_resource(resource)


@cache
def _list_resources(tables: tuple[Routes, ...]) -> tuple[web.AbstractResource, ...]:
    """The paths with their endpoints, for every hub of this process: a request says whose it is.

    To compile the patterns of six hundred paths takes a tenth of a second.
    """
    router = web.UrlDispatcher()
    for prefix in (ENTERPRISE_PREFIX, PREFIX):
        for table in tables:
            for route in table.all:
                router.add_route(route.method, prefix + route.path, _endpoint(route))
                if route.path.startswith(NAMED):
                    alias = BY_ID + route.path.removeprefix(NAMED)
                    router.add_route(route.method, prefix + alias, _endpoint(route))
        router.add_route("*", prefix + "/{rest:.*}", _endpoint(MISSING))
    return tuple(router.resources())


def _endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        hub = request.app[HUB]
        actor = ANONYMOUS
        try:
            actor = authenticate(hub.state, request.headers.get("Authorization"))
            _check_version(request)
            response = await _serve(hub, route, request, actor)
        except ApiError as error:
            response = error.response()
        if actor.kind == "user" and actor.app is None:
            response.headers.update(SCOPES)
        resource = "graphql" if route.path == "/graphql" else "core"
        response.headers.update(hub.rates.headers(actor, resource))
        response.headers["x-github-request-id"] = _request_id()
        response.headers["x-github-media-type"] = "github.v3; format=json"
        response.headers["x-github-api-version-selected"] = API_VERSION
        return response

    return endpoint


async def _serve(hub: Hub, route: Route, request: web.Request, actor: Actor) -> web.StreamResponse:
    if not hub.rates.spend(actor):
        raise ApiError(403, f"API rate limit exceeded for {actor.kind} {actor.name}.")
    if request.method in ("GET", "HEAD"):
        hub = hub.replicas.find_reader(hub, actor.name)
    elif route.path != "/graphql":  # which looks for itself what is a write
        hub.replicas.note_write(hub)
    found = _find_repository(hub, route, request, actor)
    if isinstance(found, web.Response):
        return found
    call = Call(hub=hub, request=request, actor=actor, body=await _read_body(request), found=found)
    _check_kind(route, actor)
    if found is not None:
        check_repo(hub.state, actor, found, app=route.app, user=route.user)
        if found["archived"] and request.method != "GET" and not _unarchives(request, call):
            raise ApiError(403, "Repository was archived so is read-only.")
    if CREATING_ROUTES.fullmatch(f"{route.method} {route.path}"):
        hub.rates.note_creation(actor)
    response = _add_etag(request, await route.handler(call))
    if response.status == 304:
        hub.rates.refund(actor)
    return response


def _check_version(request: web.Request) -> None:
    """400 for a version of the API that does not exist.

    https://docs.github.com/en/rest/about-the-rest-api/api-versions
    """
    wanted = request.headers.get("X-GitHub-Api-Version", API_VERSION)
    if wanted != API_VERSION:
        raise ApiError(400, f"'{wanted}' is not a supported version of the API: {API_VERSION} is.")


def _unarchives(request: web.Request, call: Call) -> bool:
    return call.body.values.get("archived") is False or request.method == "DELETE"


def _find_repository(hub: Hub, route: Route, request: web.Request, actor: Actor) -> Row | web.Response | None:
    if not route.path.startswith(NAMED):
        return None
    if "repository_id" in request.match_info:
        known = hub.state.maybe("SELECT id FROM repos WHERE id = ?", int(request.match_info["repository_id"]))
        if known is None:
            raise not_found()
        return hub.state.repo(known["id"])
    owner, name = request.match_info["owner"], request.match_info["repo"]
    found = hub.state.repo_by_name(owner, name)
    if found is not None:
        return found
    moved = hub.state.repo_by_old_name(owner, name)
    if moved is None:
        raise not_found()
    check_repo(hub.state, actor, moved, app="metadata:read", user="read")
    rest = request.path_qs.partition(f"/repos/{owner}/{name}")[2]
    url = f"{hub.api_url}/repositories/{moved['id']}{rest}"
    body = {"message": "Moved Permanently", "url": url, "documentation_url": "https://docs.github.com/rest"}
    return answer(body, 301 if request.method == "GET" else 307, {"Location": url})


def _check_kind(route: Route, actor: Actor) -> None:
    if route.app == "jwt" and actor.kind != "app":
        raise ApiError(401, "A JSON web token could not be decoded")
    if route.app != "jwt" and actor.kind == "app" and route.path not in ("/rate_limit", "/meta"):
        raise ApiError(403, "Resource not accessible by integration")
    if route.app == "user" and actor.kind == "installation":
        raise ApiError(403, "Resource not accessible by integration")
    if route.app == "user" and actor.kind == "anonymous":
        raise ApiError(401, "Requires authentication")


async def _read_body(request: web.Request) -> Body:
    raw = await request.read()
    if not raw.strip() or request.method in ("GET", "HEAD"):
        return Body({})
    try:
        values = json.loads(raw)
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if isinstance(values, list) and request.path.endswith("/labels"):  # both forms are GitHub's
        values = {"labels": values}
    if not isinstance(values, dict):
        raise ApiError(400, "Body should be a JSON object")
    return Body(values)


def _add_etag(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """ETag on what is read, and 304 when the caller has it already."""
    body = response.body if isinstance(response, web.Response) else None
    if request.method != "GET" or response.status != 200 or not isinstance(body, bytes):
        return response
    tag = f'W/"{hashlib.sha256(body).hexdigest()}"'
    if request.headers.get("If-None-Match") == tag:
        response = web.Response(status=304)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
    response.headers["Vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP"
    return response


def _request_id() -> str:
    text = secrets.token_hex(16).upper()
    return f"{text[:4]}:{text[4:10]}:{text[10:16]}:{text[16:22]}:{text[22:30]}"


async def _answer_missing(call: Call) -> web.StreamResponse:
    raise not_found()


MISSING = Route(method="*", path="/{rest}", handler=_answer_missing, app="any", user="read")
