"""What an answer of GitHub means: success, a rate limit, a refusal that a person can resolve, or an outage.

Pure functions over status, headers and body; nothing here does I/O, and no error made here can carry a
token, because it is made of the method, the path and GitHub's own message only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from bot.errors import HobError, Retry, UserError

# The words stand in reports of other apps: renovatebot/renovate#6215, semantic-release/github#221.
LOCKED = "The conversation is locked, and there GitHub lets no app comment: unlock it and ask again."
LIMIT_WORDS = ("rate limit", "abuse detection")


class GitHubRefused(UserError):
    """GitHub refused a request for good; ``status`` is the HTTP status."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class NotFound(GitHubRefused):
    """404, 410 or 451: deleted, made private, switched off, or the app is not installed there."""

    may_pass = True


class Forbidden(GitHubRefused):
    """401 or 403: a permission, an archived repository; never a rate limit."""

    may_pass = True


class Locked(Forbidden):
    """403: the conversation is locked, and there no app may comment, whatever its permissions."""

    may_pass = False


class Stale(GitHubRefused):
    """The object changed since it was read (GraphQL's STALE_DATA)."""


class Rejected(GitHubRefused):
    """422: GitHub understood and will not do it; ``said`` holds its words in lower case, to branch on."""

    def __init__(self, message: str, *, said: str) -> None:
        super().__init__(message, status=422)
        self.said = said.lower()


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer. ``headers`` are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def message(self) -> str:
        """GitHub's words on an error, with those of its ``errors`` list, or ''."""
        data = self.json()
        if not isinstance(data, dict):
            return ""
        errors = data.get("errors") or []
        details = errors if isinstance(errors, list) else [errors]
        messages = [str(data.get("message") or ""), *map(_detail, details)]
        return ": ".join(word for word in messages if word)

    @property
    def readable(self) -> bool:
        """Whether a successful answer is empty or whole JSON: a cut one must not pass for an answer."""
        return not self.body.strip() or self.json() is not None or self.body.strip() == b"null"


@dataclass(frozen=True, slots=True)
class Limit:
    """GitHub asks to wait. ``seconds`` is None where it does not say how long.

    ``resource`` is the bucket that is empty, or ``*`` when every request of the installation must wait.
    """

    resource: str
    seconds: float | None


def find_limit(answer: Response) -> Limit | None:
    """The rate limit that this answer reports, if any.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    A 403 is also how GitHub says that a permission is missing, so one without any sign of a limit is none.
    """
    after = _number(answer.headers.get("retry-after"))
    if after is not None and (answer.status in (403, 429) or answer.status >= 500):
        return Limit("*", after)
    spent = answer.headers.get("x-ratelimit-remaining") == "0"
    said = answer.message.lower()
    if answer.status in (403, 429) and spent and "not accessible" not in said:
        return Limit(answer.headers.get("x-ratelimit-resource", "core"), seconds_to_reset(answer))
    if answer.status == 429 or (answer.status == 403 and (not said or any(w in said for w in LIMIT_WORDS))):
        return Limit("*", None)
    return None


def seconds_to_reset(answer: Response) -> float | None:
    """Seconds until ``x-ratelimit-reset``, measured against GitHub's own clock where it sends one."""
    reset = _number(answer.headers.get("x-ratelimit-reset"))
    if reset is None:
        return None
    try:
        now = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        now = time()
    return max(1.0, reset - now + 1.0)


def make_refusal(answer: Response, what: str) -> HobError:
    """The error for an answer that is neither a success nor a limit; ``what`` is ``METHOD /path``."""
    said = answer.message or f"HTTP {answer.status}"
    if answer.status == 401:
        return Forbidden(
            f"GitHub does not accept Hob's credentials for {what} ({said}). "
            "Check HOB_APP_ID and HOB_PRIVATE_KEY, and that the app is still installed.",
            status=401,
        )
    if answer.status == 403 and "issue is locked" in said.lower():
        return Locked(LOCKED, status=403)
    if answer.status == 403:
        return Forbidden(_forbidden(answer, what, said), status=403)
    if answer.status in (404, 410, 451):
        return NotFound(
            f"GitHub has no {what} ({answer.status}: {said}). It was deleted, moved or made private, "
            "or the app is not installed on this repository: add it in the app's installation settings.",
            status=answer.status,
        )
    if answer.status == 422:
        return Rejected(f"GitHub refused {what} (422: {said}).", said=said)
    return Retry(f"GitHub answered {answer.status} to {what}: {said}")


def find_graphql_limit(answer: Response, error: Mapping[str, Any]) -> Limit | None:
    """The rate limit that one of GraphQL's ``errors`` reports, if any.

    https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    limited = error.get("type") == "RATE_LIMITED" or "rate limit" in str(error.get("message", "")).lower()
    return Limit("graphql", seconds_to_reset(answer)) if limited else None


def make_graphql_refusal(answer: Response, error: Mapping[str, Any], what: str, needs: str) -> HobError:
    """The error for one of GraphQL's ``errors`` that is not a rate limit.

    ``what`` names the request; ``needs`` is the permission that a refusal asks for, as ``contents=write``,
    since GraphQL's answers do not tell.
    """
    kind, said = str(error.get("type", "")), str(error.get("message", "no data in the answer"))
    if kind == "STALE_DATA":
        return Stale(said, status=409)
    status = {"NOT_FOUND": 404, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "UNPROCESSABLE": 422}
    if (error.get("extensions") or {}).keys() & {"code", "problems"}:  # the query, or a variable's value
        kind = "UNPROCESSABLE"
    body = json.dumps({"message": said}).encode()
    headers = {**answer.headers, "x-accepted-github-permissions": needs} if needs else answer.headers
    return make_refusal(Response(status.get(kind, 500), headers, body), what)


def _forbidden(answer: Response, what: str, said: str) -> str:
    wanted = describe_wanted_permissions(answer.headers.get("x-accepted-github-permissions", ""))
    if "not accessible" not in said.lower() and not wanted:
        return f"GitHub refused {what} (403: {said})."
    which = f"the permission {wanted}" if wanted else "the permissions of app.yml"
    return (
        f"GitHub refused {what} (403: {said}). Grant the app {which} in its settings, then accept the "
        "change for this installation; `hob doctor` shows what is missing."
    )


def describe_wanted_permissions(header: str) -> str:
    """``issues=write; pull_requests=write`` as a person reads it: ``issues: write` or `...``.

    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible
    A semicolon separates alternatives, a comma joins what is needed together.
    """
    sets = [
        " and ".join(f"`{need.strip().replace('=', ': ')}`" for need in one.split(",") if need.strip())
        for one in header.split(";")
    ]
    return " or ".join(one for one in sets if one)


def _detail(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or " ".join(str(error[k]) for k in ("field", "code") if error.get(k)))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
