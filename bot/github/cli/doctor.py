"""What a person does about the app: check that it is set up well, ask for lost webhooks again.

Synchronous, over PyGithub, a second client that shares nothing with the worker's: never in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from github import Auth, GithubException, GithubIntegration
from jwt import PyJWTError
from pydantic import SecretStr
from requests import RequestException
from requests.utils import parse_header_links

from bot.errors import UserError
from bot.github.cli.manifest import read_manifest

WINDOW = timedelta(days=3)  # how long github.com keeps a delivery that can be asked for again
RANKS = {"": 0, "read": 1, "write": 2, "admin": 3}


class AppAccess(Protocol):
    """The settings that administration needs; ``bot.settings.Settings`` has them."""

    @property
    def github_url(self) -> str:
        """The API's root."""

    @property
    def app_id(self) -> int:
        """The app's id."""

    @property
    def private_key(self) -> SecretStr:
        """The app's private key, PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFinding:
    """One thing that was checked; ``detail`` says what was found and, where not ``ok``, how to mend it."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivery:
    """A delivery that GitHub was asked to send again; ``problem`` is '' when it agreed."""

    guid: str
    event: str
    problem: str = ""


def doctor(settings: AppAccess) -> list[DoctorFinding]:
    """Compare the app on GitHub with what Hob needs. Every problem is a finding; nothing raises."""
    try:
        with _integration(settings) as github:
            app = _get(github, "/app")
            findings = [
                DoctorFinding(
                    name="app",
                    ok=True,
                    detail=f"{app.get('slug')} ({app.get('id')}) at {settings.github_url}",
                )
            ]
            findings += _granted(app)
            for check in (_installations, _webhook, _deliveries):
                findings += _checked(check, github, settings, app)
            return findings
    except (GithubException, RequestException, PyJWTError, ValueError) as error:
        return [
            DoctorFinding(
                name="app",
                ok=False,
                detail=f"GitHub does not know the app ({_said(error)}). Check HOB_GITHUB_URL, HOB_APP_ID and "
                "that HOB_PRIVATE_KEY belongs to this app.",
            )
        ]


def redeliver(settings: AppAccess, since: datetime, *, write_spacing: float = 1.0) -> list[Redelivery]:
    """Ask again, once each, for the deliveries since then of which no attempt succeeded.

    GitHub never does this by itself, and keeps deliveries for three days. A repeated delivery has the same
    GUID, so the inbox knows it. Raises UserError when the deliveries cannot be listed.
    https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
    """
    since = max(since, datetime.now(UTC) - WINDOW)
    newest: dict[str, dict[str, Any]] = {}
    arrived: set[str] = set()
    with _integration(settings, write_spacing) as github:
        try:
            listed = list(_deliveries_since(github, since))
        except (GithubException, RequestException, PyJWTError) as error:
            raise UserError(
                f"GitHub does not list the deliveries ({_said(error)}); ask `hob doctor`"
            ) from None
        for delivery in listed:
            newest.setdefault(delivery["guid"], delivery)
            if delivery["status"] == "OK":
                arrived.add(delivery["guid"])
        lost = [one for guid, one in newest.items() if guid not in arrived]
        return [_ask_again(github, one) for one in reversed(lost)]


def _integration(settings: AppAccess, write_spacing: float = 1.0) -> GithubIntegration:
    auth = Auth.AppAuth(settings.app_id, settings.private_key.get_secret_value())
    return GithubIntegration(
        auth=auth,
        base_url=settings.github_url.rstrip("/"),
        seconds_between_requests=None,
        seconds_between_writes=write_spacing or None,
    )


def _get(github: GithubIntegration, path: str, **parameters: Any) -> Any:
    return github.requester.requestJsonAndCheck("GET", path, parameters=parameters)[1]


def _checked(
    check: Callable[[GithubIntegration, AppAccess, dict[str, Any]], list[DoctorFinding]],
    github: GithubIntegration,
    settings: AppAccess,
    app: dict[str, Any],
) -> list[DoctorFinding]:
    try:
        return check(github, settings, app)
    except (GithubException, RequestException) as error:
        name = check.__name__.strip("_")
        return [DoctorFinding(name=name, ok=False, detail=f"GitHub refused to tell: {_said(error)}")]


def _granted(app: dict[str, Any]) -> list[DoctorFinding]:
    """Permissions and events of the app's registration against app.yml."""
    wanted = read_manifest()
    events = sorted(set(wanted["default_events"]) - set(app.get("events") or ()))
    permissions = _lacking(app.get("permissions") or {})
    where = "the app's settings, under Permissions & events"
    beyond = sorted(set(app.get("permissions") or ()) - set(wanted["default_permissions"]))
    spare = f"; more than needed, never used: {', '.join(beyond)}" if beyond else ""
    return [
        DoctorFinding(
            name="permissions",
            ok=not permissions,
            detail=f"missing: {', '.join(permissions)}. Grant them in {where}."
            if permissions
            else f"as app.yml asks{spare}",
        ),
        DoctorFinding(
            name="events",
            ok=not events,
            detail=f"missing: {', '.join(events)}. Subscribe to them in {where}."
            if events
            else "as app.yml asks",
        ),
    ]


def _installations(github: GithubIntegration, _: AppAccess, app: dict[str, Any]) -> list[DoctorFinding]:
    found = []
    for one in github.get_installations():
        lacking = _lacking(one.permissions or {})
        problem = "suspended; its owner can lift that" if one.raw_data.get("suspended_at") else ""
        if lacking:
            problem = f"lacks {', '.join(lacking)}; its owner must accept the app's new permissions"
        account = (one.raw_data.get("account") or {}).get("login", "?")
        detail = f"{account} ({one.id}), {one.raw_data.get('repository_selection', '?')} repositories"
        found.append(
            DoctorFinding(
                name="installation", ok=not problem, detail=f"{detail}: {problem}" if problem else detail
            )
        )
    nowhere = f"installed nowhere. Install it: {app.get('html_url', '')}/installations/new"
    return found or [DoctorFinding(name="installation", ok=False, detail=nowhere)]


def _webhook(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
    """Whose host it is, the dashboard's address does not tell: only where ``hob web`` listens is known.

    https://docs.github.com/en/rest/apps/webhooks#get-a-webhook-configuration-for-an-app
    """
    config = _get(github, "/app/hook/config")
    url, problems = config.get("url") or "", []
    if not url:
        problems.append("no URL is set")
    elif not urlsplit(url).path.endswith("/webhook"):
        problems.append(f"it goes to {url}, but `hob web` takes webhooks at /webhook")
    if not config.get("secret"):
        problems.append("no secret is set, so nobody can tell a forged webhook")
    if config.get("content_type") != "json":
        problems.append("its content type is not application/json")
    if str(config.get("insecure_ssl", "0")) != "0":
        problems.append("certificates are not verified")
    mend = "Mend it in the app's settings, under Webhook."
    return [
        DoctorFinding(
            name="webhook", ok=not problems, detail=f"{'; '.join(problems)}. {mend}" if problems else url
        )
    ]


def _deliveries(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
    """https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook"""
    last = _get(github, "/app/hook/deliveries", per_page=30)
    failed = [one for one in last if one["status"] != "OK"]
    if not last:
        return [DoctorFinding(name="deliveries", ok=True, detail="none yet")]
    if not failed:
        return [DoctorFinding(name="deliveries", ok=True, detail=f"the last {len(last)} arrived")]
    newest = failed[0]
    detail = (
        f"{len(failed)} of the last {len(last)} did not arrive, the newest at {newest['delivered_at']} "
        f"({newest['status_code']} {newest['status']}). `hob redeliver` asks for them again."
    )
    return [DoctorFinding(name="deliveries", ok=False, detail=detail)]


def _deliveries_since(github: GithubIntegration, since: datetime) -> Iterator[dict[str, Any]]:
    """Deliveries newest first, page by page, down to ``since``."""
    parameters: dict[str, Any] = {"per_page": 100}
    while True:
        headers, page = github.requester.requestJsonAndCheck(
            "GET", "/app/hook/deliveries", parameters=parameters
        )
        for delivery in page:
            if datetime.fromisoformat(delivery["delivered_at"]) < since:
                return
            yield delivery
        cursor = _next_cursor(headers.get("link", ""))
        if not cursor:
            return
        parameters = {"per_page": 100, "cursor": cursor}


def _next_cursor(link: str) -> str:
    for one in parse_header_links(link) if link else []:
        if one.get("rel") == "next":
            return parse_qs(urlsplit(one["url"]).query).get("cursor", [""])[0]
    return ""


def _ask_again(github: GithubIntegration, delivery: dict[str, Any]) -> Redelivery:
    path = f"/app/hook/deliveries/{delivery['id']}/attempts"
    try:
        github.requester.requestJsonAndCheck("POST", path)
    except (GithubException, RequestException) as error:
        return Redelivery(guid=delivery["guid"], event=delivery["event"], problem=_said(error))
    return Redelivery(guid=delivery["guid"], event=delivery["event"])


def _lacking(has: dict[str, str]) -> list[str]:
    wanted: dict[str, str] = read_manifest()["default_permissions"]
    return [f"{k}: {v}" for k, v in sorted(wanted.items()) if RANKS.get(has.get(k, ""), 0) < RANKS[v]]


def _said(error: Exception) -> str:
    """An error in a few words, without headers, tokens or keys."""
    if isinstance(error, GithubException):
        data = error.data if isinstance(error.data, dict) else {}
        return f"{error.status} {data.get('message', '')}".strip()
    return type(error).__name__
