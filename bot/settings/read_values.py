"""From a variable's text to a setting's value. Each raises ValueError that says what the text must be."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.github_hosts import explain_wrong_root

PROCESSES = ("web", "worker", "dashboard")  # that serve metrics for Prometheus
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]+)?")
_WRONG_SECONDS = "must be seconds from 1 to 86400, or PROVIDER=SECONDS separated by commas"
_WRONG_TOKENS = "must be tokens from 4096 up, or PROVIDER=TOKENS separated by commas"


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine itself."""
    return urlsplit(url).hostname in _LOOPBACK


def require_folder(value: Path | None) -> Path | None:
    """The absolute path of a folder that exists."""
    if value is not None and not value.expanduser().is_dir():
        raise ValueError("must be a folder with a NAME.md for each prompt that a flag may name")
    return None if value is None else value.expanduser().absolute()


def make_absolute(value: Path) -> Path:
    """The absolute path, ``~`` resolved."""
    return value.expanduser().absolute()


def require_http_url(value: str) -> str:
    """An http(s) URL without its last slash; plain http only for this machine's own loopback address."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("must be an http(s) URL without a user name")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("must be https, except on this machine's own loopback address")
    return value.rstrip("/")


def require_secret_url(value: SecretStr | None) -> SecretStr | None:
    """An http(s) URL that is itself a secret, such as an incoming webhook's."""
    if value is not None:
        require_http_url(value.get_secret_value())
    return value


def require_api_root(value: str) -> str:
    """The root of a GitHub's REST API."""
    if wrong := explain_wrong_root(value):
        raise ValueError(wrong)
    return value


def require_mail_server(value: SecretStr | None) -> SecretStr | None:
    """A mail server's URL, whose password is never sent in clear to another machine."""
    parts = urlsplit(value.get_secret_value()) if value is not None else None
    if parts and (parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname):
        raise ValueError("must be smtps://USER:PASSWORD@HOST, smtp+starttls://... or smtp://HOST")
    if parts and parts.scheme == "smtp" and parts.password and parts.hostname not in _LOOPBACK:
        raise ValueError("would send the password in clear: smtps or smtp+starttls")
    return value


def read_hosts(value: object) -> object:
    """Host names, separated by commas; what is no text is left to the type's own check."""
    if not isinstance(value, str):
        return value
    names = [part.strip().lower() for part in value.split(",")]
    if not all(_HOST.fullmatch(name) for name in names):
        raise ValueError("must be hosts' names, separated by commas, such as hooks.slack.com")
    return frozenset(names)


def read_models(value: object) -> object:
    """Names of models, separated by commas; what is no text is left to the type's own check."""
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",")]
    if not all(parts):
        raise ValueError("must be models' names, separated by commas, such as anthropic:claude-sonnet-5")
    return frozenset(parts)


def read_account_ids(value: object) -> object:
    """Ids of accounts, separated by commas; what is no text is left to the type's own check."""
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise ValueError("must be accounts' numbers, separated by commas, such as 29139614")
    return frozenset(map(int, parts))


def read_seconds_by_provider(value: object) -> object:
    """``600``, or ``ollama=1800,openai-chat=600``; the value for all other providers has the key ''."""
    if not isinstance(value, str):
        return value
    found: dict[str, float] = {}
    for part in value.split(","):
        provider, _, seconds = part.strip().rpartition("=")
        if not _SECONDS.fullmatch(seconds) or provider in found or ("=" in part) != bool(provider):
            raise ValueError(_WRONG_SECONDS)
        found[provider] = float(seconds)
    if not all(1 <= each <= 86400 for each in found.values()):
        raise ValueError(_WRONG_SECONDS)
    return found


def read_tokens_by_provider(value: object) -> object:
    """``8192``, or ``ollama=8192,vllm=32768``; the value for all other providers has the key ''."""
    if not isinstance(value, str):
        return value
    found: dict[str, int] = {}
    for part in value.split(","):
        provider, _, tokens = part.strip().rpartition("=")
        sound = tokens.isascii() and tokens.isdecimal() and len(tokens) <= 8
        if not sound or provider in found or ("=" in part) != bool(provider):
            raise ValueError(_WRONG_TOKENS)
        found[provider] = int(tokens)
    if not all(each >= 4096 for each in found.values()):
        raise ValueError(_WRONG_TOKENS)
    return found


def read_ports_by_process(value: object) -> object:
    """``9464``, or ``web=9464,worker=9465``; a port for every process has the key ''."""
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return value
    found: dict[str, int] = {}
    for part in value.split(","):
        process, equals, port = part.strip().rpartition("=")
        sound = port.isascii() and port.isdecimal() and int(port) <= 65535 and process not in found
        if not sound or (process not in PROCESSES if equals else "," in value):
            raise ValueError(
                f"must be a port, or PROCESS=PORT separated by commas, of {', '.join(PROCESSES)}"
            )
        found[process] = int(port)
    return found
