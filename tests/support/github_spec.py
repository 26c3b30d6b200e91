"""Judge what the local GitHub says by GitHub's own descriptions (``tests/data/github``).

Three checks, each raising `SpecViolation` with all that is wrong: `check_exchange` for one REST request
and its answer, `check_webhook` for one payload, `check_graphql` for one query. A check is stricter than the
descriptions in one way: a field they do not know is a violation, in requests and in answers, because code
that relies on it would fail on GitHub.

`spec_middleware` puts the checks around an aiohttp application and collects violations in a `Ledger`; a
fixture raises them at its end, so that no test can pass on an exchange that GitHub would not have.

An operation that is missing here but exists on GitHub is added in ``tests/support/refresh_github_data.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from graphql import (
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    parse,
    specified_rules,
    validate,
)

from localhub.faults import FAULT
from tests import support
from tests.support.github_schema import Plain

DATA: Final = support.DATA / "github"
ABSENT: Final = object()
OTHER_MEDIA: Final = object()

# Renamed repositories, authentication, permission, limits and bodies that fail validation stand before every
# operation, told or not. https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
ALWAYS_POSSIBLE: Final = frozenset({301, 307, 400, 401, 403, 404, 415, 422, 429})
# GitHub sends these although some of its descriptions leave them out: the status of an error in its body, and
# the custom properties of a repository wherever one is nested (its webhook schemas even require them).
SENT_ANYWAY: Final = re.compile(r"answer\.status: |.*\.custom_properties: ")
ERROR: Final = {"$ref": "#/components/schemas/basic-error"}
# The shapes of 422.
INVALID: Final = {
    "anyOf": [
        ERROR,
        {"$ref": "#/components/schemas/validation-error"},
        {"$ref": "#/components/schemas/validation-error-simple"},
    ]
}

# Path parameters that span several segments.
LONG: Final = frozenset({"path", "ref", "branch", "basehead", "tag"})
# Ids that may be names as well: of a workflow the name of its file.
NAMED: Final = frozenset({"workflow_id"})


class SpecViolation(AssertionError):
    """Something that GitHub would not send, or not accept."""


LINK = re.compile(r'<https?://[^>]+[?&](?:page=\d+|cursor=\w+)[^>]*>; rel="(first|prev|next|last)"')
ERROR_CODES = ("missing", "missing_field", "invalid", "already_exists", "unprocessable", "custom")


@dataclass
class Ledger:
    """What `spec_middleware` saw: the violations, and which operations and queries were exercised."""

    violations: list[str] = field(default_factory=list)
    exercised: set[str] = field(default_factory=set)

    def webhook(self, event: str, payload: Any) -> None:
        """Judge one webhook's payload."""
        try:
            self.exercised.add(check_webhook(event, payload))
        except SpecViolation as violation:
            self.violations.append(str(violation))

    def raise_if_any(self) -> None:
        """Raise `SpecViolation` with every violation once."""
        if self.violations:
            raise SpecViolation("\n\n".join(dict.fromkeys(self.violations)))


@dataclass(frozen=True)
class Operation:
    """One operation of GitHub's description, found by method and path."""

    name: str
    template: str
    description: Mapping[str, Any]


@cache
def openapi() -> dict[str, Any]:
    """The trimmed description, put right where its own examples or the webhook schemas contradict it."""
    description: dict[str, Any] = json.loads((DATA / "openapi.json").read_text())
    listed = description["paths"]["/app/installations"]["get"]["responses"]["200"]
    account = listed["content"]["application/json"]["schema"]["items"]["properties"]["account"]
    account["anyOf"] = account.pop("allOf")  # a user or an enterprise, not both at once
    # The list of installations has a copy of the permissions, which leaves one out.
    known = description["components"]["schemas"]["app-permissions"]["properties"]
    copied = listed["content"]["application/json"]["schema"]["items"]["properties"]["permissions"]
    copied["properties"].setdefault("discussions", known["discussions"])
    labels = description["paths"]["/repos/{owner}/{repo}/issues/{issue_number}/labels"]
    for method in ("post", "put"):  # a bare array is taken too: PyGithub and others have always sent that
        body = labels[method]["requestBody"]["content"]["application/json"]["schema"]
        body["oneOf"].append({"type": "array", "items": {"type": "string"}})
    for name in ("pull-request-review-comment", "review-comment"):
        fields = description["components"]["schemas"][name]["properties"]
        for place in ("line", "position"):
            fields[place]["nullable"] = True  # of an outdated comment
    return description


@cache
def routes() -> list[tuple[re.Pattern[str], str]]:
    """(pattern, template), the most literal first."""
    templates = sorted(openapi()["paths"], key=lambda path: -len(re.sub(r"\{\w+\}", "", path)))
    return [(re.compile(pattern_of(template)), template) for template in templates]


def pattern_of(template: str) -> str:
    """A regular expression for the raw path of a request."""
    parts = []
    for segment in template.strip("/").split("/"):
        name = segment.strip("{}")
        if not segment.startswith("{"):
            parts.append("/" + re.escape(segment))
        elif name == "path":
            parts.append("(?:/.*)?")  # the root directory has an empty path
        elif name in LONG:
            parts.append("/.+")
        else:
            number = name.endswith(("_id", "_number")) and name not in NAMED
            parts.append(r"/\d+" if number else "/[^/]+")
    return "".join(parts) + "/?$"


@cache
def find_operation(method: str, path: str) -> Operation:
    """The operation behind a request; ``/repositories/ID`` is GitHub's alias of ``/repos/OWNER/NAME``."""
    path = re.sub(r"^/repositories/\d+", "/repos/owner/name", path)
    for pattern, template in routes():
        operation = openapi()["paths"][template].get(method.lower())
        if operation is not None and pattern.match(path):
            return Operation(name=operation["operationId"], template=template, description=operation)
    raise SpecViolation(
        f"{method} {path}: GitHub has no such operation (or refresh_github_data.py leaves it out)"
    )


def check_exchange(
    method: str,
    path: str,
    query: Mapping[str, str],
    request_json: Any,
    status: int,
    response_json: Any,
) -> str:
    """Raise `SpecViolation` unless GitHub would take the request and may answer so; give its operation's id.

    ``path`` is raw (still percent-encoded) and below the API's root. ``request_json`` is None for no body;
    ``response_json`` is ABSENT for an empty body, OTHER_MEDIA for one that is no JSON. A refused request may
    have been bad on purpose: only the answer is judged then.
    """
    operation = find_operation(method, path)
    faults = list(check_answer(operation, status, response_json))
    if status < 400:
        faults += check_query(operation, query)
        faults += check_request(operation, request_json)
    if faults:
        raise SpecViolation(
            f"{method} {unquote(path)} -> {status} ({operation.name})\n  " + "\n  ".join(faults)
        )
    return operation.name


def check_query(operation: Operation, query: Mapping[str, str]) -> Iterator[str]:
    """Query parameters that GitHub does not document, or with a value of the wrong kind."""
    known = {item["name"]: item for item in map(resolve_reference, operation.description["parameters"])}
    for name, value in query.items():
        if name not in known or known[name]["in"] != "query":
            yield f"query: GitHub knows no parameter {name!r} here"
            continue
        schema = known[name].get("schema", {})
        typed: Any = int(value) if schema.get("type") == "integer" and value.isdigit() else value
        if schema.get("type") != "boolean":
            yield from REST.complaints(schema, typed, f"query {name}")


def check_request(operation: Operation, body: Any) -> Iterator[str]:
    """A body that GitHub would refuse, or of which it would silently ignore a part."""
    described = resolve_reference(operation.description.get("requestBody", {}))
    schema = json_schema_of(described)
    if body is None:
        if described.get("required") and schema.get("required"):
            yield "request: a body is required"
    elif not schema:
        if body != {}:
            yield "request: GitHub reads no body here"
    else:
        yield from find_problems(schema, body, "request")


def check_answer(operation: Operation, status: int, body: Any) -> Iterator[str]:
    """A status that is not documented for the operation, or a body of another shape."""
    responses = operation.description["responses"]
    # https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api says of most
    # reads that they may be conditional; the description names 304 for some only.
    if status == 304 and body is ABSENT:
        return
    if str(status) not in responses:
        if status in ALWAYS_POSSIBLE or status >= 500:
            yield from (
                find_problems(INVALID if status == 422 else ERROR, body, "answer")
                if body not in (ABSENT, OTHER_MEDIA)
                else ()
            )
        else:
            yield f"answer: status {status} is not documented (only {', '.join(responses)})"
        return
    response = resolve_reference(responses[str(status)])
    schema = json_schema_of(response)
    if body is OTHER_MEDIA:
        return  # raw files, diffs: the caller asked for it by its Accept header
    if body is ABSENT:
        if schema and status not in (304, 404):
            yield "answer: a JSON body is missing"
    elif "content" not in response:
        if status < 300:
            yield "answer: GitHub sends no body here"
    elif schema:
        yield from find_problems(schema, body, "answer")


def find_problems(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    """What is wrong with a body, fields that GitHub does not know included."""
    yield from REST.complaints(schema, value, where)
    yield from (fault for fault in REST.unknown(schema, value, where) if not SENT_ANYWAY.match(fault))


def json_schema_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the JSON form of a request or response; empty when there is none."""
    for media, content in part.get("content", {}).items():
        if re.fullmatch(r"application/(.+\+)?json", media):
            return content["schema"]  # type: ignore[no-any-return]
    return {}


def resolve_reference(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A component instead of a reference to it."""
    return component(part["$ref"]) if "$ref" in part else part


def component(reference: str) -> Mapping[str, Any]:
    """``#/components/KIND/NAME``."""
    _, _, kind, name = reference.split("/", 3)
    return openapi()["components"][kind][name]  # type: ignore[no-any-return]


REST: Final = Plain(component)


@cache
def webhook_schemas() -> dict[str, Any]:
    """``EVENT$ACTION`` and what these refer to."""
    return json.loads((DATA / "webhooks.json").read_text())["definitions"]  # type: ignore[no-any-return]


WEBHOOKS: Final = Plain(lambda reference: webhook_schemas()[reference.rsplit("/", 1)[1]])


def check_webhook(event: str, payload: Any) -> str:
    """Raise `SpecViolation` unless GitHub could send ``payload`` as ``event``; return ``EVENT.ACTION``."""
    action = payload.get("action", "event") if isinstance(payload, dict) else "event"
    schema = webhook_schemas().get(f"{event}${action}")
    if schema is None:
        raise SpecViolation(f"webhook {event}.{action}: GitHub sends no such event or action")
    faults = list(WEBHOOKS.complaints(schema, payload, "payload"))
    if faults:
        raise SpecViolation(f"webhook {event}.{action}\n  " + "\n  ".join(faults))
    return f"{event}.{action}"


@cache
def graphql_schema() -> GraphQLSchema:
    """GitHub's schema, trimmed."""
    return build_schema((DATA / "schema.graphql").read_text(), assume_valid=True)


@cache
def check_graphql(query: str) -> None:
    """Raise `SpecViolation` unless GitHub would execute the query."""
    # GitHub itself does not mind one name with two types in fragments that exclude each other.
    rules = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
    errors = validate(graphql_schema(), parse(query), rules)
    if errors:
        raise SpecViolation("GraphQL\n  " + "\n  ".join(error.message for error in errors) + f"\n{query}")


def spec_middleware(ledger: Ledger, *, prefix: str) -> Middleware:
    """A middleware that judges every call below ``prefix`` (the path of the API's root) and tells the ledger.

    What a test made fail on purpose is not judged: the hub marks those requests with ``request[FAULT]``.
    """

    @web.middleware
    async def judge(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(f"{prefix}/"):
            return await handler(request)
        response = await handler(request)
        if isinstance(response, web.Response) and FAULT not in request:
            try:
                await judge_call(ledger, request, response, prefix)
            except SpecViolation as violation:
                ledger.violations.append(str(violation))
        return response

    return judge


async def judge_call(ledger: Ledger, request: web.Request, response: web.Response, prefix: str) -> None:
    """Check one REST call, or the query of one GraphQL call."""
    sent = await request.read()
    body = read_json(sent) if sent.strip() else None
    if body is ABSENT:  # the hub must have refused it
        return
    path = request.rel_url.raw_path.removeprefix(prefix).removeprefix("/v3")
    if faults := list(check_headers(request.method, response.status, response.headers, response.body)):
        raise SpecViolation(f"{request.method} {path} -> {response.status}\n  " + "\n  ".join(faults))
    if path == "/graphql":
        if isinstance(body, dict) and response.status == 200 and "errors" not in read_json(response.body):
            check_graphql(body["query"])
            ledger.exercised.add("graphql")
        return
    answer = ABSENT
    if response.body:
        answer = read_json(response.body) if response.content_type == "application/json" else OTHER_MEDIA
    if answer is OTHER_MEDIA and "application/vnd.github" not in request.headers.get("Accept", ""):
        raise SpecViolation(f"{request.method} {path}: {response.content_type} that nobody asked for")
    ledger.exercised.add(check_exchange(request.method, path, request.query, body, response.status, answer))


def check_headers(method: str, status: int, headers: Mapping[str, str], body: Any) -> Iterator[str]:
    """What each answer of GitHub's carries beside its body, and what each of its errors says.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
    https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api#using-link-headers
    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed
    """
    for name in ("x-github-request-id", "x-github-media-type", "x-ratelimit-resource"):
        if not headers.get(name):
            yield f"no header {name}"
    if headers.get("x-github-api-version-selected") != "2022-11-28":
        yield "no version of the API is named"
    for name in ("limit", "remaining", "used", "reset"):
        if not headers.get(f"x-ratelimit-{name}", "").isdigit():
            yield f"no number in x-ratelimit-{name}"
    if method == "GET" and status == 200 and not re.match(r'W/"[0-9a-f]+"$', headers.get("ETag", 'W/"0"')):
        yield f"an ETag of another form: {headers['ETag']}"
    for part in filter(None, headers.get("Link", "").split(", ")):
        if not LINK.fullmatch(part):
            yield f"a link of another form: {part}"
    if status >= 400:
        yield from check_error(read_json(body))


def check_error(error: Any) -> Iterator[str]:
    """What is wrong with an error's body: each names its page of the documentation, each part its code."""
    if not isinstance(error, dict) or not error.get("message"):
        yield "an error without a message"
        return
    if not str(error.get("documentation_url", "")).startswith("https://docs.github.com/"):
        yield "an error that names no page of the documentation"
    for part in error.get("errors") or ():
        if isinstance(part, dict) and part.get("code") not in ERROR_CODES:
            yield f"an error's part with a code that is not documented: {part.get('code')}"


def read_json(text: Any) -> Any:
    """The value of a JSON text; ABSENT when it is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return ABSENT
