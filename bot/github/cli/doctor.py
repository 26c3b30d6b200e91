"""``hob doctor``: whether the app on GitHub is set up as Hob needs it.

Synchronous: never in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from github import GithubException, GithubIntegration
from jwt import PyJWTError
from requests import RequestException

from bot.github.cli.app_access import AppAccess, describe_error, open_app
from bot.github.cli.doctor_surroundings import check_address, check_clock, check_label, check_name
from bot.github.cli.doctor_webhook import check_deliveries, check_ping, check_webhook
from bot.github.cli.findings import DoctorFinding
from bot.github.cli.manifest import read_manifest

OPTIONAL = {"actions", "discussions"}  # permissions that are used where they are granted
DISCUSSION_EVENTS = ("discussion", "discussion_comment")
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
                _check_discussions,
                check_address,
                _check_installations,
                check_label,
                check_webhook,
                check_ping,
                check_deliveries,
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
    beyond = sorted(set(app.get("permissions") or ()) - set(wanted["default_permissions"]) - OPTIONAL)
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


def _check_discussions(_: GithubIntegration, settings: AppAccess, app: dict[str, Any]) -> list[DoctorFinding]:
    """What answering in discussions takes beside app.yml, where the operator wants it."""
    if not settings.discussions:
        return []
    lacks = [] if (app.get("permissions") or {}).get("discussions") == "write" else ["discussions: write"]
    lacks += [f"the event {event}" for event in DISCUSSION_EVENTS if event not in (app.get("events") or ())]
    detail = (
        f"HOB_DISCUSSIONS is on, and the app lacks {', '.join(lacks)}: add them in the app's settings, under "
        "Permissions & events, and have each installation accept that"
    )
    return [DoctorFinding(name="discussions", ok=not lacks, detail=detail if lacks else "answered")]


def _check_installations(github: GithubIntegration, _: AppAccess, app: dict[str, Any]) -> list[DoctorFinding]:
    found = []
    for one in github.get_installations():
        lacking = _list_missing(one.permissions or {})
        problem = "suspended; its owner can lift that" if one.raw_data.get("suspended_at") else ""
        if lacking:
            problem = f"lacks {', '.join(lacking)}; its owner must accept the app's new permissions"
        elif unheard := sorted(set(app.get("events") or ()) - set(one.raw_data.get("events") or ())):
            problem = f"is not told of {', '.join(unheard)}; its owner must accept the app's new events"
        account = (one.raw_data.get("account") or {}).get("login", "?")
        detail = f"{account} ({one.id}), {one.raw_data.get('repository_selection', '?')} repositories"
        found.append(
            DoctorFinding(
                name="installation", ok=not problem, detail=f"{detail}: {problem}" if problem else detail
            )
        )
    nowhere = f"installed nowhere. Install it: {app.get('html_url', '')}/installations/new"
    return found or [DoctorFinding(name="installation", ok=False, detail=nowhere)]


def _list_missing(has: dict[str, str]) -> list[str]:
    wanted: dict[str, str] = read_manifest()["default_permissions"]
    return [f"{k}: {v}" for k, v in sorted(wanted.items()) if RANKS.get(has.get(k, ""), 0) < RANKS[v]]
