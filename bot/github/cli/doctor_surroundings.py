"""What ``hob doctor`` finds around the App: its name, this machine's clock and address, the label.

Synchronous: never in the event loop.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from github import Github, GithubException, GithubIntegration

from bot.github.cli.app_access import AppAccess
from bot.github.cli.findings import DoctorFinding

MOST_SKEW = 30.0  # seconds; GitHub takes a JWT of a minute ahead
MOST_REPOSITORIES = 30  # of an installation, in which the label is looked for
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_clock(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
    """This machine's clock against GitHub's: a JWT from the future, or too old, is refused."""
    headers, _answer = github.requester.requestJsonAndCheck("GET", "/app")
    try:
        theirs = parsedate_to_datetime(str(headers.get("date", "")))
    except ValueError:
        return []
    skew = (datetime.now(UTC) - theirs).total_seconds()
    if abs(skew) <= MOST_SKEW:
        return [DoctorFinding(name="clock", ok=True, detail="as GitHub's")]
    way = "ahead of" if skew > 0 else "behind"
    detail = f"{abs(skew):.0f} s {way} GitHub's: set it by NTP, or the App's tokens are refused"
    return [DoctorFinding(name="clock", ok=False, detail=detail)]


def check_address(_: GithubIntegration, settings: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
    """Whether people on GitHub can open the links that comments hold."""
    here = urlsplit(settings.base_url).hostname in LOOPBACK
    if here and urlsplit(settings.github_url).hostname not in LOOPBACK:
        detail = f"HOB_BASE_URL is {settings.base_url}: links in comments work on this machine alone"
        return [DoctorFinding(name="address", ok=False, detail=detail)]
    return [DoctorFinding(name="address", ok=True, detail=settings.base_url)]


def check_name(github: GithubIntegration, _: AppAccess, app: dict[str, Any]) -> list[DoctorFinding]:
    """Whether the App's slug is somebody's account too: who is mentioned then with each request."""
    slug = str(app.get("slug", ""))
    client = _open_first(github)
    if client is None:
        return []
    with client:
        try:
            kind = client.get_user(slug).type
        except GithubException as refused:
            if refused.status != 404:
                raise
            return [DoctorFinding(name="name", ok=True, detail=f"@{slug} is nobody else")]
    detail = (
        f"@{slug} is an account of somebody's too ({kind}), who is told of each mention. "
        "`hob register --name` makes an App of another name."
    )
    return [DoctorFinding(name="name", ok=False, detail=detail)]


def check_label(github: GithubIntegration, settings: AppAccess, _: dict[str, Any]) -> list[DoctorFinding]:
    """Whether the repositories have the label that asks: GitHub offers only what is there."""
    lacking: list[str] = []
    seen = 0
    for installation in github.get_installations():
        if installation.raw_data.get("suspended_at"):
            continue
        for repo in islice(installation.get_repos(), MOST_REPOSITORIES):
            seen += 1
            try:
                repo.get_label(settings.label)
            except GithubException as refused:
                if refused.status != 404:
                    raise
                lacking.append(repo.full_name)
    if not lacking:
        return [DoctorFinding(name="label", ok=True, detail=f"`{settings.label}` is in {seen} repositories")]
    more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
    detail = (
        f"`{settings.label}` is missing in {', '.join(lacking[:5])}{more}, so nobody can set it there. "
        "Make it, or set HOB_CREATE_LABEL and say `help` to the bot there."
    )
    return [DoctorFinding(name="label", ok=False, detail=detail)]


def _open_first(github: GithubIntegration) -> Github | None:
    """A client for the first installation that is not suspended: the App itself may look up no account."""
    for installation in github.get_installations():
        if not installation.raw_data.get("suspended_at"):
            return installation.get_github_for_installation()
    return None
