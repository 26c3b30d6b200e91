"""What a handler of the REST API works with: the call, its body, its answers, and the tables of endpoints.

A resource module owns a ``Routes`` table. Each route says which permission an installation token needs
(``app``) and which role a person needs (``user``); for paths below /repos/{owner}/{repo} ``serving``
checks both before the handler runs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from localhub.auth import Actor, check_repo
from localhub.errors import ApiError, malformed, not_found
from localhub.hub import Hub
from localhub.state import Row

Handler = Callable[["Call"], Awaitable[web.StreamResponse]]

HUB = web.AppKey("hub", Hub)
# The roots of the API: our own, and that of an Enterprise Server. GraphQL is below the first alone.
PREFIX, ENTERPRISE_PREFIX = "/api", "/api/v3"
BODY_LIMIT = 65_536


class Body:
    """The JSON object of a request, read field by field; raises ApiError with GitHub's own messages."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def _get_typed(self, name: str, kinds: type | tuple[type, ...], word: str) -> Any:
        value = self.values.get(name)
        if value is not None and (
            not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool)
        ):
            raise malformed(f"For 'properties/{name}', {json.dumps(value)} is not {word}.")
        return value

    def maybe(self, name: str) -> str | None:
        """A text that may be missing or null."""
        value: str | None = self._get_typed(name, str, "a string")
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
        value: int | None = self._get_typed(name, int, "an integer")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self._get_typed(name, bool, "a boolean")
        return default if value is None else bool(value)

    def items(self, name: str) -> list[Any] | None:
        """A list that may be missing."""
        value: list[Any] | None = self._get_typed(name, list, "an array")
        return value

    def object(self, name: str) -> Body | None:
        """An object that may be missing."""
        value = self._get_typed(name, dict, "an object")
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
        if self.found is None:
            raise not_found()
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
            raise self._find_moved() or not_found()
        if not row["is_pull"] and self.actor.kind == "installation":
            # Permission for pull requests alone opens these routes only for pull requests.
            level = "read" if self.request.method == "GET" else "write"
            check_repo(self.hub.state, self.actor, self.repo, app=f"issues:{level}", user="read")
        return row

    def _find_moved(self) -> ApiError | None:
        """301 to where an issue was transferred to, for who may see that."""
        sql = (
            "SELECT issues.repo_id, issues.number FROM issues JOIN moved_issues ON issue_id = issues.id"
            " WHERE moved_issues.repo_id = ? AND moved_issues.number = ?"
        )
        moved = self.hub.state.maybe(sql, self.repo["id"], self.number())
        if moved is None:
            return None
        there = self.hub.state.repo(moved["repo_id"])
        check_repo(self.hub.state, self.actor, there, app="issues:read", user="read")
        url = f"{self.hub.api_url}/repositories/{there['id']}/issues/{moved['number']}"
        return ApiError(301, "Moved Permanently", headers={"Location": url})

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


def answer_nothing() -> web.Response:
    """An empty answer with status 204."""
    return web.Response(status=204)


def answer_page(
    call: Call, rows: Sequence[Any], show: Callable[[Any], Any], *, key: str | None = None, **more: Any
) -> web.Response:
    """One page of a list with its Link header; ``key`` wraps it as ``{"total_count": n, key: [...]}``, with
    ``more`` beside it.
    """
    size = min(_positive(call.query("per_page"), 30), 100)
    page = _positive(call.query("page"), 1)
    last = max(1, math.ceil(len(rows) / size))
    shown = [show(row) for row in rows[(page - 1) * size : page * size]]
    links: dict[str, int] = {}
    if page > 1:
        links |= {"prev": min(page - 1, last), "first": 1}
    if page < last:
        links |= {"next": page + 1, "last": last}
    body = shown if key is None else {"total_count": len(rows), key: shown, **more}
    return answer(body, headers=_link_header(call, links))


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
