"""``hob redeliver``: GitHub is asked again for the webhooks that did not arrive.

Synchronous: never in the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from github import GithubException, GithubIntegration
from jwt import PyJWTError
from requests import RequestException
from requests.utils import parse_header_links

from bot.errors import UserError
from bot.github.cli.app_access import AppAccess, describe_error, open_app
from bot.github.lost.webhook_deliveries import KEPT_FOR, DeliveryAttempt, find_lost, parse_attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivery:
    """A delivery that GitHub was asked to send again; ``problem`` is '' when it agreed."""

    guid: str
    event: str
    problem: str = ""


def redeliver(settings: AppAccess, since: datetime, *, write_spacing: float = 1.0) -> list[Redelivery]:
    """Ask again, once each, for the deliveries since then of which no attempt succeeded.

    GitHub never does this by itself, and keeps deliveries for three days. A repeated delivery has the same
    GUID, so the inbox knows it. Raises UserError when the deliveries cannot be listed.
    https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
    """
    since = max(since, datetime.now(UTC) - KEPT_FOR)
    with open_app(settings, write_spacing) as github:
        try:
            listed = list(_list_attempts(github, since))
        except (GithubException, RequestException, PyJWTError) as error:
            raise UserError(
                f"GitHub does not list the deliveries ({describe_error(error)}); ask `hob doctor`"
            ) from None
        return [_redeliver(github, lost.newest) for lost in find_lost(listed)]


def _list_attempts(github: GithubIntegration, since: datetime) -> Iterator[DeliveryAttempt]:
    """Attempts to deliver, newest first, page by page, down to ``since``."""
    parameters: dict[str, Any] = {"per_page": 100}
    while True:
        headers, page = github.requester.requestJsonAndCheck(
            "GET", "/app/hook/deliveries", parameters=parameters
        )
        for attempt in map(parse_attempt, page):
            if attempt.at < since:
                return
            yield attempt
        cursor = _next_cursor(headers.get("link", ""))
        if not cursor:
            return
        parameters = {"per_page": 100, "cursor": cursor}


def _next_cursor(link: str) -> str:
    for one in parse_header_links(link) if link else []:
        if one.get("rel") == "next":
            return parse_qs(urlsplit(one["url"]).query).get("cursor", [""])[0]
    return ""


def _redeliver(github: GithubIntegration, attempt: DeliveryAttempt) -> Redelivery:
    path = f"/app/hook/deliveries/{attempt.id}/attempts"
    try:
        github.requester.requestJsonAndCheck("POST", path)
    except (GithubException, RequestException) as error:
        return Redelivery(guid=attempt.guid, event=attempt.event, problem=describe_error(error))
    return Redelivery(guid=attempt.guid, event=attempt.event)
