"""How a request to the REST API becomes a call of a handler, and a handler's answer an HTTP response.

A resource module owns a ``Routes`` table. Each route says which permission an installation token needs (``app``) and
which role a person needs (``user``); for paths below /repos/{owner}/{repo} both are checked before the handler runs.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from localhub.auth import ANONYMOUS, Actor, authenticate, check_repo
from localhub.errors import ApiError, malformed, not_found
from localhub.hub import Hub
from localhub.state import Row

Handler = Callable[["Call"], Awaitable[web.StreamResponse]]

HUB = web.AppKey("hub", Hub)
PREFIX = "/api"
BODY_LIMIT = 65_536
NAMED, BY_ID = "/repos/{owner}/{repo}", "/repositories/{repository_id:\\d+}"


class Body:
    """The JSON object of a request, read field by field with GitHub's own complaints."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def _typed(self, name: str, kinds: type | tuple[type, ...], word: str) -> Any:
        value = self.values.get(name)
        if value is not None and (
            not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool)
        ):
            raise malformed(f"For 'properties/{name}', {json.dumps(value)} is not {word}.")
        return value

    def maybe(self, name: str) -> str | None:
        """A text that may be missing or null."""
        value: str | None = self._typed(name, str, "a string")
        return value

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.maybe(name)
        if value is None:
            raise malformed(f'"{name}" wasn\'t supplied.')
        return value

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """A text out of a few."""
        value = self.maybe(name) if default is not None else self.text(name)
        value = default if value is None else value
        if value not in choices:
            raise malformed(
                f"For 'properties/{name}', {json.dumps(value)} is not a possible value. {list(choices)}"
            )
        return str(value)

    def number(self, name: str) -> int | None:
        """A whole number that may be missing."""
        value: int | None = self._typed(name, int, "an integer")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self._typed(name, bool, "a boolean")
        return default if value is None else bool(value)

    def items(self, name: str) -> list[Any] | None:
        """A list that may be missing."""
        value: list[Any] | None = self._typed(name, list, "an array")
        return value

    def object(self, name: str) -> Body | None:
        """An object that may be missing."""
        value = self._typed(name, dict, "an object")
        return None if value is None else Body(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request. ``repo`` is set on every path below /repos/{owner}/{repo}."""

    hub: Hub
    request: web.Request
    actor: Actor
    body: Body
    found: Row | None

    @property
    def repo(self) -> Row:
        """The repository in the path."""
        assert self.found is not None
        return self.found

    def path(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def number(self, name: str = "number") -> int:
        """A numeric part of the path."""
        return int(self.path(name))

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query.get(name, default)

    def issue(self) -> Row:
        """The issue (or pull request) in the path; 404 when there is none."""
        row = self.hub.state.issue(self.repo["id"], self.number())
        if row is None:
            raise not_found()
        if not row["is_pull"] and self.actor.kind == "installation":
            # Permission for pull requests alone opens these routes only for pull requests.
            level = "read" if self.request.method == "GET" else "write"
            check_repo(self.hub.state, self.actor, self.repo, app=f"issues:{level}", user="read")
        return row

    def pull(self) -> Row:
        """The pull request in the path; 404 when there is none."""
        row = self.hub.state.pull(self.repo["id"], self.number())
        if row is None:
            raise not_found()
        return row

    def row(self, table: str, name: str = "id") -> Row:
        """The row of this repository whose id is in the path; 404 when there is none."""
        sql = f"SELECT * FROM {table} WHERE id = ? AND repo_id = ?"  # noqa: S608 (table names are ours)
        row = self.hub.state.maybe(sql, self.number(name), self.repo["id"])
        if row is None:
            raise not_found()
        return row

    def accepts(self, *kinds: str) -> bool:
        """Whether the Accept header asks for one of GitHub's media types (``diff``, ``raw``...)."""
        accept = self.request.headers.get("Accept", "")
        return any(re.search(rf"application/vnd\.github(\.v3)?\.{kind}\b", accept) for kind in kinds)


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        status=status,
        body=json.dumps(data).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )


def nothing() -> web.Response:
    """204."""
    return web.Response(status=204)


def paged(
    call: Call, rows: Sequence[Any], show: Callable[[Any], Any], *, key: str | None = None
) -> web.Response:
    """One page of a list with its Link header; ``key`` wraps it as ``{"total_count": n, key: [...]}``."""
    size = min(_positive(call.query("per_page"), 30), 100)
    page = _positive(call.query("page"), 1)
    last = max(1, math.ceil(len(rows) / size))
    shown = [show(row) for row in rows[(page - 1) * size : page * size]]
    links: dict[str, int] = {}
    if page > 1:
        links |= {"prev": min(page - 1, last), "first": 1}
    if page < last:
        links |= {"next": page + 1, "last": last}
    return answer(
        shown if key is None else {"total_count": len(rows), key: shown}, headers=_link_header(call, links)
    )


def _link_header(call: Call, links: dict[str, int]) -> dict[str, str]:
    url = call.request.url
    base = call.hub.web_url + url.raw_path
    texts = [
        f'<{base}?{url.update_query(page=number).raw_query_string}>; rel="{name}"'
        for name, number in links.items()
    ]
    return {"Link": ", ".join(texts)} if texts else {}


def _positive(text: str, default: int) -> int:
    return int(text) if text.isdigit() and int(text) > 0 else default


def check_text(resource: str, field: str, text: str | None) -> None:
    """422 for a text longer than GitHub keeps."""
    if text is not None and len(text) > BODY_LIMIT:
        what = "Body" if field == "data" else field
        code = "unprocessable" if field == "data" else "custom"
        message = f"{what} is too long (maximum is {BODY_LIMIT} characters)"
        error = {"resource": resource, "code": code, "field": field, "message": message}
        raise ApiError(422, "Validation Failed", errors=[error])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint. ``app``: a permission, ``jwt`` or ``any``; ``user``: a role."""

    method: str
    path: str
    handler: Handler
    app: str
    user: str


class Routes:
    """A resource's table of endpoints."""

    def __init__(self) -> None:
        self.all: list[Route] = []

    def add(
        self, method: str, path: str, *, app: str = "any", user: str = "read"
    ) -> Callable[[Handler], Handler]:
        """Decorate the handler of an endpoint."""

        def register(handler: Handler) -> Handler:
            self.all.append(Route(method=method, path=path, handler=handler, app=app, user=user))
            return handler

        return register

    def get(self, path: str, *, app: str = "any", user: str = "read") -> Callable[[Handler], Handler]:
        """GET."""
        return self.add("GET", path, app=app, user=user)

    def post(self, path: str, *, app: str = "any", user: str = "read") -> Callable[[Handler], Handler]:
        """POST."""
        return self.add("POST", path, app=app, user=user)

    def patch(self, path: str, *, app: str = "any", user: str = "read") -> Callable[[Handler], Handler]:
        """PATCH."""
        return self.add("PATCH", path, app=app, user=user)

    def put(self, path: str, *, app: str = "any", user: str = "read") -> Callable[[Handler], Handler]:
        """PUT."""
        return self.add("PUT", path, app=app, user=user)

    def delete(self, path: str, *, app: str = "any", user: str = "read") -> Callable[[Handler], Handler]:
        """DELETE."""
        return self.add("DELETE", path, app=app, user=user)


def mount(app: web.Application, tables: Iterable[Routes]) -> None:
    """Put every endpoint below /api."""
    for table in tables:
        for route in table.all:
            app.router.add_route(route.method, PREFIX + route.path, _endpoint(route))
            if route.path.startswith(NAMED):
                alias = BY_ID + route.path.removeprefix(NAMED)  # where renamed repositories are redirected to
                app.router.add_route(route.method, PREFIX + alias, _endpoint(route))
    app.router.add_route("*", PREFIX + "/{rest:.*}", _endpoint(MISSING))


def _endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        hub = request.app[HUB]
        actor = ANONYMOUS
        try:
            actor = authenticate(hub.state, request.headers.get("Authorization"))
            response = await _serve(hub, route, request, actor)
        except ApiError as error:
            response = error.response()
        resource = "graphql" if route.path == "/graphql" else "core"
        response.headers.update(hub.rates.headers(actor, resource))
        response.headers["x-github-request-id"] = _request_id()
        response.headers["x-github-media-type"] = "github.v3; format=json"
        return response

    return endpoint


async def _serve(hub: Hub, route: Route, request: web.Request, actor: Actor) -> web.StreamResponse:
    if not hub.rates.spend(actor):
        who = "installation" if actor.kind == "installation" else "user"
        raise ApiError(403, f"API rate limit exceeded for {who} ID {hash(actor.name) % 10**7}.")
    found = _repository(hub, route, request, actor)
    if isinstance(found, web.Response):
        return found
    call = Call(hub=hub, request=request, actor=actor, body=await _read_body(request), found=found)
    _check_kind(route, actor)
    if found is not None:
        check_repo(hub.state, actor, found, app=route.app, user=route.user)
        if found["archived"] and request.method != "GET" and not _unarchives(request, call):
            raise ApiError(403, "Repository was archived so is read-only.")
    response = await route.handler(call)
    return _conditional(request, response)


def _unarchives(request: web.Request, call: Call) -> bool:
    return call.body.values.get("archived") is False or request.method == "DELETE"


def _repository(hub: Hub, route: Route, request: web.Request, actor: Actor) -> Row | web.Response | None:
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
    moved = hub.state.maybe(
        "SELECT repo_id FROM old_names JOIN accounts ON accounts.id = old_names.owner_id"
        " WHERE login = ? AND old_names.name = ?",
        owner, name,
    )  # fmt: skip
    if moved is None:
        raise not_found()
    check_repo(hub.state, actor, hub.state.repo(moved["repo_id"]), app="metadata:read", user="read")
    rest = request.path_qs.removeprefix(f"{PREFIX}/repos/{owner}/{name}")
    url = f"{hub.api_url}/repositories/{moved['repo_id']}{rest}"
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
    if not isinstance(values, dict):
        raise ApiError(400, "Body should be a JSON object")
    return Body(values)


def _conditional(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """ETag on what is read, and 304 when the caller has it already."""
    if request.method != "GET" or response.status != 200 or not isinstance(response, web.Response):
        return response
    assert isinstance(response.body, bytes)
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
    if request.headers.get("If-None-Match") == tag:
        response = web.Response(status=304)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
    response.headers["Vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP"
    return response


def _request_id() -> str:
    text = secrets.token_hex(16).upper()
    return f"{text[:4]}:{text[4:10]}:{text[10:16]}:{text[16:22]}:{text[22:30]}"


async def _missing(call: Call) -> web.StreamResponse:
    raise not_found()


MISSING = Route(method="*", path="/{rest}", handler=_missing, app="any", user="read")
