"""Talking to a remote: which may be used, how a token is handed over, what its answers and failures mean."""

from __future__ import annotations

import base64
import ipaddress
import re
from urllib.parse import urlsplit

from bot.errors import HobError, Outage, Parked, Retry, UserError
from bot.text.terminal import replace_controls, strip_escapes

TOKEN_USER = "x-access-token"  # noqa: S105  a user name
TEXT_LIMIT = 1000

_SECRET_SHAPES = re.compile(
    r"(?:gh[sporu]_[A-Za-z0-9._-]{20,}|github_pat_\w{20,}"
    r"|(?i:authorization|x-access-token)\s*[:=]\s*\S+(?: \S+)?)"
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")

ACCESS = (
    "GitHub does not let the app read this repository. Check that it is still installed there, that its "
    "'Contents' permission is accepted and that the repository is not archived"
)

# What a person can mend, in this order: the first expression that is found decides.
_MENDABLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"couldn't find remote ref (\S+)"), "{0} does not exist in the repository any more"),
    (
        re.compile(r"not our ref (\w+)|did not send all necessary objects"),
        "a commit of the repository is gone: {0}",
    ),
    (re.compile(r"returned error: 403\b"), ACCESS),
    (
        re.compile(r"returned error: 404|repository '[^']{0,1000}' not found"),
        "the repository does not exist, or " + ACCESS,
    ),
    (re.compile(r"transport '(\w+)' not allowed"), "the transport {0} is not allowed"),
    (
        re.compile(r"(?:fsck error|error: object [0-9a-f]{1,64}: .*)"),
        "git refuses an object of the repository: {0}",
    ),
)
_TURNED_AWAY = re.compile(r"Authentication failed|could not read Username|returned error: 401\b")


class Unauthorized(UserError):
    """The server does not take the token (401): it ended, or was revoked, and a new one may do."""

    unauthorized = True
    may_pass = True


class NoAccess(UserError):
    """The server refuses the access, or does not have the repository (403, 404)."""

    may_pass = True


class PushRefused(UserError):
    """The server did not take the push. ``reason`` is its message, redacted."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the push was refused: {reason}", phase="publish")
        self.reason = reason


class HeadMoved(HobError):
    """The branch is not where it was expected. ``actual`` is its commit, or None when it does not exist."""

    def __init__(self, actual: str | None) -> None:
        super().__init__(f"the branch is at {actual or 'no commit'} now")
        self.actual = actual


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine, judged without asking a resolver."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str) -> str:
    """Return ``url`` when it is https, or http to loopback, without credentials; else raise ``UserError``."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise UserError("only https repositories are supported (http only on this machine)", phase="prepare")
    if not host or parts.username is not None or parts.password is not None or re.search(r"[\x00-\x20]", url):
        raise UserError("the repository's address is malformed or carries credentials", phase="prepare")
    return url


def basic_auth(token: str) -> str:
    """The value of an Authorization header that hands ``token`` to GitHub's git endpoints."""
    return "Basic " + base64.b64encode(f"{TOKEN_USER}:{token}".encode()).decode()


def auth_header(token: str | None) -> dict[str, str]:
    """The header that hands ``token`` to GitHub's git endpoints; empty without one."""
    return {"Authorization": basic_auth(token)} if token else {}


def auth_config(url: str, token: str | None) -> tuple[tuple[str, str], ...]:
    """Git configuration that sends ``token`` to the origin of ``url`` only. Empty without a token."""
    if token is None:
        return ()
    parts = urlsplit(url)
    return ((f"http.{parts.scheme}://{parts.netloc}/.extraHeader", f"Authorization: {basic_auth(token)}"),)


def clean_server_text(raw: bytes | str, token: str | None = None) -> str:
    """What a server or git said, fit to be shown: no secrets, no control characters, bounded."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = replace_controls(strip_escapes(text.replace("\r", "\n")).replace("\t", " "), " ")
    if token:
        for secret in (token, basic_auth(token).removeprefix("Basic ")):
            text = text.replace(secret, "[redacted]")
    text = _USERINFO.sub("[redacted]@", _SECRET_SHAPES.sub("[redacted]", text))
    lines = (line.strip().removeprefix("remote:").strip() for line in text.splitlines())
    shown = "\n".join(dict.fromkeys(line for line in lines if line))
    return shown if len(shown) <= TEXT_LIMIT else shown[:TEXT_LIMIT] + " [cut]"


def classify_fetch_failure(message: str) -> HobError:
    """The exception for a failed fetch; ``message`` is git's own, already redacted."""
    if _TURNED_AWAY.search(message):
        return Unauthorized(ACCESS, phase="prepare", log=message)
    for pattern, explanation in _MENDABLE:
        found = pattern.search(message)
        if found:
            what = next((group for group in found.groups() if group), found.group(0))
            kind = NoAccess if ACCESS in explanation else UserError
            return kind(explanation.format(what), phase="prepare", log=message)
    if re.search(r"returned error: 30\d", message):  # the next run asks for the new address first
        return Retry("the repository has moved", after=1)
    if re.search(r"returned error: 429", message):
        return Parked("GitHub asks for fewer git requests", after=60)
    if "No space left on device" in message:
        return Outage("the disk of the machine that runs Hob is full", after=60)
    return Outage(f"git fetch failed: {message}")
