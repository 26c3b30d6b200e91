"""Which remotes may be spoken to, how a token is handed over, and what a server's words may look like to
people.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from urllib.parse import urlsplit

from bot.errors import HobError, UserError
from bot.text.terminal import replace_controls, strip_escapes

TOKEN_USER = "x-access-token"  # noqa: S105  a user name
WORDS_LIMIT = 1000

_SECRET_SHAPES = re.compile(
    r"(?:gh[sporu]_[A-Za-z0-9._-]{20,}|github_pat_\w{20,}"
    r"|(?i:authorization|x-access-token)\s*[:=]\s*\S+(?: \S+)?)"
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")


class Unauthorized(UserError):
    """The server does not take the token (401): it ended, or was revoked, and a new one may do."""

    unauthorized = True


class PushRefused(UserError):
    """The server did not take the push. ``reason`` holds its words, redacted."""

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


def basic(token: str) -> str:
    """The value of an Authorization header that hands ``token`` to GitHub's git endpoints."""
    return "Basic " + base64.b64encode(f"{TOKEN_USER}:{token}".encode()).decode()


def auth_config(url: str, token: str | None) -> tuple[tuple[str, str], ...]:
    """Git configuration that sends ``token`` to the origin of ``url`` only. Empty without a token."""
    if token is None:
        return ()
    parts = urlsplit(url)
    return ((f"http.{parts.scheme}://{parts.netloc}/.extraHeader", f"Authorization: {basic(token)}"),)


def server_words(raw: bytes | str, token: str | None = None) -> str:
    """What a server or git said, fit to be shown: no secrets, no control characters, bounded."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = replace_controls(strip_escapes(text.replace("\r", "\n")).replace("\t", " "), " ")
    if token:
        for secret in (token, basic(token).removeprefix("Basic ")):
            text = text.replace(secret, "[redacted]")
    text = _USERINFO.sub("[redacted]@", _SECRET_SHAPES.sub("[redacted]", text))
    lines = (line.strip().removeprefix("remote:").strip() for line in text.splitlines())
    words = "\n".join(dict.fromkeys(line for line in lines if line))
    return words if len(words) <= WORDS_LIMIT else words[:WORDS_LIMIT] + " [cut]"
