"""``hob doctor``: whether the app on GitHub is set up as Hob needs it.

Synchronous: never in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from github import GithubException, GithubIntegration
from jwt import PyJWTError
from requests import RequestException

from bot.github.cli.app_access import AppAccess, describe_error, open_app
from bot.github.cli.doctor_surroundings import check_address, check_clock, check_label, check_name
from bot.github.cli.findings import DoctorFinding
from bot.github.cli.manifest import read_manifest

BAD_SIGNATURE = 401  # what `hob web` answers to a delivery that is not signed with its secret
RANKS = {"": 0, "read": 1, "write": 2, "admin": 3}


def doctor(settings: AppAccess) -> list[DoctorFinding]:
    """Compare the app on GitHub with what Hob needs. Every problem is a finding; nothing raises."""
    try:
        with open_app(settings) as github:
            app = _get(github, "/app")
            findings = [
                DoctorFinding(
                    name="app",
                    ok=True,
                    detail=f"{app.get('slug')} ({app.get('id')}) at {settings.github_url}",
                )
            ]
            findings += _check_grants(app)
            for check in (
                check_clock,
                check_name,
                check_address,
                _check_installations,
                check_label,
                _check_webhook,
                _check_deliveries,
            ):
                findings += _run_check(check, github, settings, app)
            return findings
    except (GithubException, RequestException, PyJWTError, ValueError) as error:
        return [
            DoctorFinding(
                name="app",
                ok=False,
                detail=f"GitHub does not know the app ({describe_error(error)}). Check HOB_GITHUB_URL, "
                "HOB_APP_ID and that HOB_PRIVATE_KEY belongs to this app.",
            )
        ]


def _get(github: GithubIntegration, path: str, **parameters: Any) -> Any:
    return github.requester.requestJsonAndCheck("GET", path, parameters=parameters)[1]


def _run_check(
    check: Callable[[GithubIntegration, AppAccess, dict[str, Any]], list[DoctorFinding]],
    github: GithubIntegration,
    settings: AppAccess,
    app: dict[str, Any],
) -> list[DoctorFinding]:
    try:
        return check(github, settings, app)
    except (GithubException, RequestException) as error:
        name = check.__name__.lstrip("_").removeprefix("check_")
        return [DoctorFinding(name=name, ok=False, detail=f"GitHub refused to tell: {describe_error(error)}")]


def _check_grants(app: dict[str, Any]) -> list[DoctorFinding]:
    """Permissions and events of the app's registration against app.yml."""
    wanted = read_manifest()
    events = sorted(set(wanted["default_events"]) - set(app.get("events") or ()))
    permissions = _list_missing(app.get("permissions") or {})
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


def _check_installations(github: GithubIntegration, _: AppAccess, app: dict[str, Any]) -> list[DoctorFinding]:
    found = []
    for one in github.get_installations():
        lacking = _list_missing(one.permissions or {})
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


def _check_webhook(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
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


def _check_deliveries(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
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
    if newest["status_code"] == BAD_SIGNATURE:
        detail += (
            " `hob web` does not know its signature: HOB_WEBHOOK_SECRET is not the App's webhook secret."
        )
    return [DoctorFinding(name="deliveries", ok=False, detail=detail)]


def _list_missing(has: dict[str, str]) -> list[str]:
    wanted: dict[str, str] = read_manifest()["default_permissions"]
    return [f"{k}: {v}" for k, v in sorted(wanted.items()) if RANKS.get(has.get(k, ""), 0) < RANKS[v]]
