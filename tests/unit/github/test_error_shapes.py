"""Each refusal that the bot branches on is one that GitHub documents, and is taken for what it is.

A row has the request, GitHub's answer as its reference or a report shows it, and what the bot makes of it.
The answer's body, status and headers are held against GitHub's own descriptions first.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.errors import Retry
from bot.github.http.responses import (
    Forbidden,
    Limit,
    Locked,
    NotFound,
    Rejected,
    Response,
    Stale,
    find_graphql_limit,
    find_limit,
    make_graphql_refusal,
    make_refusal,
)
from tests.support.github_spec import check_answer, check_headers, find_operation

R = "/repos/octo/demo"
DOCS = "https://docs.github.com/rest"
LIMITS = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
HEADERS = {
    "x-github-request-id": "A:1",
    "x-github-media-type": "github.v3",
    "x-github-api-version-selected": "2022-11-28",
    "x-ratelimit-resource": "core",
    "x-ratelimit-limit": "5000",
    "x-ratelimit-used": "1",
    "x-ratelimit-remaining": "4999",
    "x-ratelimit-reset": "1700000000",
}


def invalid(resource: str, **error: str) -> dict[str, Any]:
    """A 422 with GitHub's list of errors."""
    return {"message": "Validation Failed", "errors": [{"resource": resource, **error}]}


# https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
REFUSALS: list[tuple[str, str, int, dict[str, Any], type[Exception], str]] = [
    ("GET", R, 401, {"message": "Bad credentials"}, Forbidden, "HOB_APP_ID"),
    (
        "POST",
        f"{R}/check-runs",
        403,
        {"message": "Resource not accessible by integration"},
        Forbidden,
        "checks",
    ),
    (
        "POST",
        f"{R}/pulls",
        403,
        {"message": "Repository was archived so is read-only."},
        Forbidden,
        "archived",
    ),
    (
        "POST",
        f"{R}/issues/1/comments",
        403,
        {"message": "Unable to create comment because issue is locked."},  # renovatebot/renovate#6215
        Locked,
        "locked",
    ),
    ("GET", f"{R}/pulls/1", 404, {"message": "Not Found"}, NotFound, "deleted, moved or made private"),
    ("GET", f"{R}/issues/1", 410, {"message": "This issue was deleted"}, NotFound, "410"),
    (
        "POST",
        f"{R}/issues/1/comments",
        410,
        {"message": "Issues are disabled for this repo"},
        NotFound,
        "410",
    ),
    (
        "POST",
        f"{R}/pulls",
        422,
        invalid("PullRequest", code="custom", message="A pull request already exists for octo:hob/1."),
        Rejected,
        "already exists",
    ),
    (
        "POST",
        f"{R}/pulls",
        422,
        invalid("PullRequest", field="base", code="invalid"),
        Rejected,
        "base invalid",
    ),
    (
        "POST",
        f"{R}/labels",
        422,
        invalid("Label", code="already_exists", field="name"),
        Rejected,
        "already_exists",
    ),
    ("POST", f"{R}/git/refs", 422, {"message": "Reference already exists"}, Rejected, "already exists"),
    (
        "PATCH",
        f"{R}/git/refs/heads/a",
        422,
        {"message": "Update is not a fast forward"},
        Rejected,
        "fast forward",
    ),
    (
        "POST",
        f"{R}/pulls/1/reviews",
        422,
        {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]},
        Rejected,
        "Line could not be resolved",
    ),
    ("POST", f"{R}/git/commits", 409, {"message": "Git Repository is empty."}, Retry, "empty"),
    ("GET", f"{R}/pulls", 503, {"message": "Service unavailable"}, Retry, "503"),
]


def judge(method: str, path: str, status: int, body: dict[str, Any], headers: dict[str, str]) -> list[str]:
    """What GitHub would not have of an answer."""
    raw = json.dumps(body).encode()
    return [
        *check_answer(find_operation(method, path), status, body),
        *check_headers(method, status, headers, raw),
    ]


@pytest.mark.parametrize(
    ("method", "path", "status", "said", "kind", "words"),
    REFUSALS,
    ids=[f"{row[2]} {row[3]['message'][:30]} {row[1].rsplit('/', 1)[-1]}" for row in REFUSALS],
)
def test_a_refusal_is_githubs_and_is_told_as_it_is(
    method: str, path: str, status: int, said: dict[str, Any], kind: type[Exception], words: str
) -> None:
    body = said | {"documentation_url": DOCS, "status": str(status)}
    headers = HEADERS | (
        {"x-accepted-github-permissions": "checks=write"} if "integration" in str(said) else {}
    )
    assert judge(method, path, status, body, headers) == []
    answer = Response(status, headers, json.dumps(body).encode())
    assert find_limit(answer) is None
    error = make_refusal(answer, f"{method} {path}")
    assert type(error) is kind and words in str(error)


# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
@pytest.mark.parametrize(
    ("status", "said", "more", "limit"),
    [
        (403, "API rate limit exceeded for installation ID 11.", {"x-ratelimit-remaining": "0"}, "core"),
        (429, "API rate limit exceeded for installation ID 11.", {"x-ratelimit-remaining": "0"}, "core"),
        (
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes.",
            {"retry-after": "60"},
            "*",
        ),
        (429, "You have exceeded a secondary rate limit. Please wait a few minutes.", {}, "*"),
        (
            403,  # KnpLabs/php-github-api#1126
            "You have exceeded a secondary rate limit and been temporarily blocked from content creation.",
            {},
            "*",
        ),
        (403, "You have triggered an abuse detection mechanism.", {}, "*"),
    ],
)
def test_a_limit_is_githubs_and_is_waited_for(
    status: int, said: str, more: dict[str, str], limit: str
) -> None:
    body = {"message": said, "documentation_url": LIMITS}
    headers = HEADERS | more
    assert judge("POST", f"{R}/issues/1/comments", status, body, headers) == []
    found = find_limit(Response(status, headers, json.dumps(body).encode()))
    assert isinstance(found, Limit) and found.resource == limit


# https://docs.github.com/en/graphql/guides/forming-calls-with-graphql and, for what no page lists, reports:
# github/gh-aw#35726 (FORBIDDEN), github/docs (STALE_DATA of createCommitOnBranch).
@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            {"type": "FORBIDDEN", "message": "Resource not accessible by integration"},
            Forbidden,
            "contents: write",
        ),
        (
            {"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted"},
            Forbidden,
            "contents: write",
        ),
        ({"type": "NOT_FOUND", "message": "Could not resolve to a node"}, NotFound, "Could not resolve"),
        ({"type": "UNPROCESSABLE", "message": "was submitted too quickly"}, Rejected, "too quickly"),
        ({"type": "STALE_DATA", "message": "Expected branch to point to"}, Stale, "Expected branch"),
        ({"message": "Field 'x' doesn't exist", "extensions": {"code": "undefinedField"}}, Rejected, "Field"),
        (
            {
                "message": "Variable $input of type X!",
                "extensions": {"value": {}, "problems": [{"path": []}]},
            },
            Rejected,
            "Variable",
        ),
        ({"message": "Something went wrong while executing your query."}, Retry, "Something went wrong"),
    ],
)
def test_an_error_of_graphql_is_told_as_it_is(
    error: dict[str, Any], kind: type[Exception], words: str
) -> None:
    answer = Response(200, HEADERS, json.dumps({"data": None, "errors": [error]}).encode())
    assert find_graphql_limit(answer, error) is None
    made = make_graphql_refusal(answer, error, "the commit", "contents=write")
    assert type(made) is kind and words in str(made)
    limited = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 11."}
    assert find_graphql_limit(answer, limited) is not None
