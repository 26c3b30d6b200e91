"""Settings that are needed together, checked to be there; and the error for those that are not."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from bot.errors import HobError


class SettingsError(HobError):
    """A setting is missing, empty or malformed; the message names the variable and says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """What is needed to speak as the GitHub App, all of it there."""

    github_url: str
    app_id: int
    private_key: SecretStr
    base_url: str
    label: str
    discussions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings:
    """What signing people in on the dashboard needs, all of it there."""

    github_url: str
    client_id: str
    client_secret: SecretStr
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Whom the operator has notified outside GitHub, and how; empty is nobody.

    ``hosts`` are those that a hob.yml may name.
    """

    webhook: SecretStr | None = None
    secret: SecretStr | None = None
    email: str = ""
    smtp: SecretStr | None = None
    mail_from: str = ""
    hosts: frozenset[str] = frozenset()
