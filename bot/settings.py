"""Environment to ``Settings``: the only reader of ``os.environ``. Nothing here ever fails open.

A variable that is set but empty, or malformed, is an error that names it; so is one that a command needs and
that is missing. Commands say what they need: ``hob solve`` needs nothing, ``hob web`` the webhook secret.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import HobError
from bot.github_hosts import explain_wrong_root

# How variables are called that hold secrets of others, such as OPENAI_API_KEY; a path is none.
_SECRET = re.compile(
    r"(?:^|_)(?:API_?)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_ID)?$", re.IGNORECASE
)
_LONG = 16  # characters
DEFAULT_DAILY_USD = 50.0  # for an installation, where a model has a price and nothing else is said
SHORTEST_SECRET = 16  # characters of a webhook secret
_DIFFERENT = 6  # characters that differ, at least, in a webhook secret
_EXAMPLE = "It's a Secret to Everybody"  # docs.github.com, validating webhook deliveries
PROCESSES = ("web", "worker", "dashboard")  # that serve numbers for Prometheus
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]+)?")


def _variable(name: str, **constraints: Any) -> Any:
    """A field that is read from the variable ``name``."""
    return Field(validation_alias=name, **constraints)


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
    """Whom the operator wants told outside GitHub, and how; empty is nobody.

    ``hosts`` are those that a hob.yml may name.
    """

    webhook: SecretStr | None = None
    secret: SecretStr | None = None
    email: str = ""
    smtp: SecretStr | None = None
    mail_from: str = ""
    hosts: frozenset[str] = frozenset()


class Settings(BaseSettings):
    """What an operator decides, each field with its variable; times in seconds."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

    home: Path = _variable("HOB_HOME", default_factory=lambda: Path.home() / ".local" / "state" / "hob")
    database_url: str | None = _variable("HOB_DATABASE_URL", default=None)
    github_url: str = _variable("HOB_GITHUB_URL", default="https://api.github.com")
    app_id: int | None = _variable("HOB_APP_ID", default=None, gt=0)
    private_key: SecretStr | None = _variable("HOB_PRIVATE_KEY", default=None)
    private_key_file: Path | None = _variable("HOB_PRIVATE_KEY_FILE", default=None)
    webhook_secret: SecretStr | None = _variable("HOB_WEBHOOK_SECRET", default=None)
    model: str = _variable("HOB_MODEL", default="offline")
    model_seconds: Annotated[dict[str, float], NoDecode] = _variable(
        "HOB_MODEL_SECONDS", default_factory=dict
    )
    model_window: Annotated[dict[str, int], NoDecode] = _variable("HOB_MODEL_WINDOW", default_factory=dict)
    sandbox: Literal["auto", "bwrap", "docker"] = _variable("HOB_SANDBOX", default="auto")
    image: str = _variable("HOB_IMAGE", default="python:3.13")
    docker: str = _variable("HOB_DOCKER", default="unix:///var/run/docker.sock", pattern=r"^unix:///.+")
    internet: Literal["repositories", "off"] = _variable("HOB_INTERNET", default="repositories")
    egress_private: str = _variable("HOB_EGRESS_PRIVATE", default="")
    egress_proxy: SecretStr | None = _variable("HOB_EGRESS_PROXY", default=None)
    egress_ca: Path | None = _variable("HOB_EGRESS_CA", default=None)
    memory_mib: int = _variable("HOB_MEMORY_MIB", default=2048, ge=256)
    workspace_mib: int = _variable("HOB_WORKSPACE_MIB", default=1024, ge=64)
    concurrency: int | None = _variable("HOB_CONCURRENCY", default=None, ge=1, le=256)
    commands: int | None = _variable("HOB_COMMANDS", default=None, ge=1, le=256)
    cache_gib: float | None = _variable("HOB_CACHE_GIB", default=None, gt=0)
    base_url: str = _variable("HOB_BASE_URL", default="http://127.0.0.1:8001")
    write_seconds: float = _variable("HOB_WRITE_SECONDS", default=1.0, ge=0, le=60)
    progress_seconds: float = _variable("HOB_PROGRESS_SECONDS", default=30.0, ge=0, le=3600)
    label: str = _variable("HOB_LABEL", default="hob")
    create_label: bool = _variable("HOB_CREATE_LABEL", default=False)
    discussions: bool = _variable("HOB_DISCUSSIONS", default=False)
    bots: Annotated[frozenset[int], NoDecode] = _variable("HOB_BOTS", default=frozenset())
    daily_usd: float | None = _variable("HOB_DAILY_USD", default=None, gt=0)
    person_hourly: int | None = _variable("HOB_PERSON_HOURLY", default=None, ge=1)
    repository_hourly: int | None = _variable("HOB_REPOSITORY_HOURLY", default=None, ge=1)
    installation_hourly: int | None = _variable("HOB_INSTALLATION_HOURLY", default=None, ge=1)
    person_usd: float | None = _variable("HOB_PERSON_USD", default=None, gt=0)
    repository_usd: float | None = _variable("HOB_REPOSITORY_USD", default=None, gt=0)
    first_requests: Literal["take", "hold"] = _variable("HOB_FIRST_REQUESTS", default="take")
    moderation: Literal["rules", "endpoint", "off"] = _variable("HOB_MODERATION", default="rules")
    moderation_url: str = _variable("HOB_MODERATION_URL", default="https://api.openai.com/v1")
    moderation_key: SecretStr | None = _variable("HOB_MODERATION_KEY", default=None)
    moderation_model: str = _variable("HOB_MODERATION_MODEL", default="", max_length=200)
    contact: str = _variable("HOB_CONTACT", default="", max_length=200, pattern=r"^[^\r\n]*$")
    notify_webhook: SecretStr | None = _variable("HOB_NOTIFY_WEBHOOK", default=None)
    notify_secret: SecretStr | None = _variable("HOB_NOTIFY_SECRET", default=None, min_length=SHORTEST_SECRET)
    notify_email: str = _variable("HOB_NOTIFY_EMAIL", default="", pattern=r"^([^@\s,<>]+@[^@\s,<>]+)?$")
    notify_from: str = _variable("HOB_NOTIFY_FROM", default="", pattern=r"^([^@\s,<>]+@[^@\s,<>]+)?$")
    notify_hosts: Annotated[frozenset[str], NoDecode] = _variable("HOB_NOTIFY_HOSTS", default=frozenset())
    smtp_url: SecretStr | None = _variable("HOB_SMTP_URL", default=None)
    keep_payload_days: int = _variable("HOB_KEEP_PAYLOAD_DAYS", default=30, ge=15)
    keep_transcript_days: int = _variable("HOB_KEEP_TRANSCRIPT_DAYS", default=90, ge=1)
    max_usd: float = _variable("HOB_MAX_USD", default=20.0, gt=0)
    max_minutes: float = _variable("HOB_MAX_MINUTES", default=120.0, gt=0)
    max_turns: int = _variable("HOB_MAX_TURNS", default=300, ge=1)
    max_attempts: int = _variable("HOB_MAX_ATTEMPTS", default=4, ge=1, le=8)
    models: Annotated[frozenset[str], NoDecode] = _variable("HOB_MODELS", default=frozenset())
    prompts: Path | None = _variable("HOB_PROMPTS", default=None)
    port: int = _variable("PORT", default=8000, ge=0, le=65535)
    dashboard_port: int = _variable("HOB_DASHBOARD_PORT", default=8001, ge=0, le=65535)
    dashboard_host: str = _variable("HOB_DASHBOARD_HOST", default="127.0.0.1")
    client_id: str | None = _variable("HOB_CLIENT_ID", default=None)
    client_secret: SecretStr | None = _variable("HOB_CLIENT_SECRET", default=None)
    operators: Annotated[frozenset[int], NoDecode] = _variable("HOB_OPERATORS", default=frozenset())
    trusted_proxies: int = _variable("HOB_TRUSTED_PROXIES", default=0, ge=0, le=10)
    metrics_port: Annotated[dict[str, int], NoDecode] = _variable("HOB_METRICS_PORT", default_factory=dict)
    metrics_host: str = _variable("HOB_METRICS_HOST", default="127.0.0.1")
    traces: str = _variable("HOB_TRACES", default="", pattern=r"^(https?://[^\s@]+)?$")
    log: Literal["json", "console"] = _variable("HOB_LOG", default="json")

    @field_validator("prompts")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.expanduser().is_dir():
            raise ValueError("must be a folder with a NAME.md for each prompt that a flag may name")
        return None if value is None else value.expanduser().absolute()

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("github_url", "base_url", "moderation_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("must be an http(s) URL without a user name")
        if parts.scheme == "http" and not _is_loopback(value):
            raise ValueError("must be https, except on this machine's own loopback address")
        return value.rstrip("/")

    @field_validator("notify_webhook")
    @classmethod
    def _secret_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            cls._http_url(value.get_secret_value())
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        if parts and (parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname):
            raise ValueError("must be smtps://USER:PASSWORD@HOST, smtp+starttls://... or smtp://HOST")
        if parts and parts.scheme == "smtp" and parts.password and parts.hostname not in _LOOPBACK:
            raise ValueError("would send the password in clear: smtps or smtp+starttls")
        return value

    @field_validator("notify_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = [part.strip().lower() for part in value.split(",")]
        if not all(_HOST.fullmatch(name) for name in names):
            raise ValueError("must be hosts' names, separated by commas, such as hooks.slack.com")
        return frozenset(names)

    @field_validator("models", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(parts):
            raise ValueError("must be models' names, separated by commas, such as anthropic:claude-sonnet-5")
        return frozenset(parts)

    @field_validator("github_url")
    @classmethod
    def _api_root(cls, value: str) -> str:
        if wrong := explain_wrong_root(value):
            raise ValueError(wrong)
        return value

    @field_validator("model_seconds", mode="before")
    @classmethod
    def _seconds_by_provider(cls, value: object) -> object:
        """``600``, or ``ollama=1800,openai-chat=600``; the key of what is for every provider is empty."""
        if not isinstance(value, str):
            return value
        found: dict[str, float] = {}
        for part in value.split(","):
            provider, _, seconds = part.strip().rpartition("=")
            if not _SECONDS.fullmatch(seconds) or provider in found or ("=" in part) != bool(provider):
                raise ValueError("must be seconds from 1 to 86400, or PROVIDER=SECONDS separated by commas")
            found[provider] = float(seconds)
        if not all(1 <= each <= 86400 for each in found.values()):
            raise ValueError("must be seconds from 1 to 86400, or PROVIDER=SECONDS separated by commas")
        return found

    @field_validator("model_window", mode="before")
    @classmethod
    def _tokens_by_provider(cls, value: object) -> object:
        """``8192``, or ``ollama=8192,vllm=32768``; the key of what is for every provider is empty."""
        if not isinstance(value, str):
            return value
        found: dict[str, int] = {}
        wrong = "must be tokens from 4096 up, or PROVIDER=TOKENS separated by commas"
        for part in value.split(","):
            provider, _, tokens = part.strip().rpartition("=")
            sound = tokens.isascii() and tokens.isdecimal() and len(tokens) <= 8
            if not sound or provider in found or ("=" in part) != bool(provider):
                raise ValueError(wrong)
            found[provider] = int(tokens)
        if not all(each >= 4096 for each in found.values()):
            raise ValueError(wrong)
        return found

    @field_validator("metrics_port", mode="before")
    @classmethod
    def _ports_by_process(cls, value: object) -> object:
        """``9464``, or ``web=9464,worker=9465``; the key of what is for every process is empty."""
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

    @field_validator("bots", "operators", mode="before")
    @classmethod
    def _ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
            raise ValueError("must be accounts' numbers, separated by commas, such as 29139614")
        return frozenset(map(int, parts))

    def list_public_values(self) -> dict[str, tuple[str, str]]:
        """The settings that may be shown on GitHub, as (value, where it comes from) by name.

        No secret, no path and no address of the operator's is among them.
        """
        names = (
            "model",
            "image",
            "label",
            "create_label",
            "discussions",
            "sandbox",
            "concurrency",
            "commands",
            "progress_seconds",
            "write_seconds",
            "bots",
            "daily_usd",
            "person_hourly",
            "repository_hourly",
            "installation_hourly",
            "person_usd",
            "repository_usd",
            "first_requests",
            "moderation",
            "max_usd",
            "max_minutes",
            "max_turns",
            "max_attempts",
            "models",
        )
        found = {}
        for name in names:
            variable = str(type(self).model_fields[name].validation_alias)
            value = self.daily_limit if name == "daily_usd" else getattr(self, name)
            text = (
                ", ".join(map(str, sorted(value)))
                if isinstance(value, frozenset)
                else ""
                if value is None
                else str(value)
            )
            if text.startswith("scripted:"):
                text = "scripted"
            source = f"the operator's `{variable}`" if name in self.model_fields_set else "default"
            found[name] = (text, source)
        return found

    @property
    def has_local_links(self) -> bool:
        """Whether people on a GitHub elsewhere get links that work on this machine alone.

        A process that neither speaks as the App nor signs people in makes none, unless the address is set.
        """
        makes_links = self.app_id or self.client_id or "base_url" in self.model_fields_set
        return bool(makes_links) and _is_loopback(self.base_url) and not _is_loopback(self.github_url)

    def find_metrics_port(self, process: str) -> int | None:
        """Where the process called web, worker or dashboard serves its numbers; None: nowhere."""
        return self.metrics_port.get(process, self.metrics_port.get(""))

    @property
    def cache_bytes(self) -> int | None:
        """Bytes that mirrors and layers may take on disk; None: half of it."""
        return None if self.cache_gib is None else int(self.cache_gib * 1024**3)

    @property
    def daily_limit(self) -> float | None:
        """US dollars for 24 hours of one installation; None only where no model has a price."""
        if self.daily_usd is not None or all(map(_is_free, self.allowed_models)):
            return self.daily_usd
        return DEFAULT_DAILY_USD

    @property
    def allowed_models(self) -> frozenset[str]:
        """The models that hob.yml may name: the operator's own, those of HOB_MODELS, and the free one."""
        own = (each.strip() for each in self.model.split(","))
        return frozenset(["offline", *own, *self.models])

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that are valid now: two, comma-separated, while rotating."""
        if self.webhook_secret is None:
            return ()
        return tuple(part.strip() for part in self.webhook_secret.get_secret_value().split(","))

    @property
    def app(self) -> AppSettings:
        """What speaking as the App needs. Raises SettingsError when the id or the key is missing."""
        if self.app_id is None or self.private_key is None:
            raise SettingsError("HOB_APP_ID and HOB_PRIVATE_KEY (or HOB_PRIVATE_KEY_FILE) must be set")
        return AppSettings(
            github_url=self.github_url,
            app_id=self.app_id,
            private_key=self.private_key,
            base_url=self.base_url,
            label=self.label,
            discussions=self.discussions,
        )

    @property
    def notify(self) -> NotifySettings:
        """Whom the operator wants told outside GitHub. Raises SettingsError where no e-mail could be sent."""
        if self.notify_email and not (self.smtp_url and self.notify_from):
            raise SettingsError("HOB_NOTIFY_EMAIL needs HOB_SMTP_URL and HOB_NOTIFY_FROM")
        return NotifySettings(
            webhook=self.notify_webhook,
            secret=self.notify_secret,
            email=self.notify_email,
            smtp=self.smtp_url,
            mail_from=self.notify_from,
            hosts=self.notify_hosts,
        )

    @property
    def sign_in(self) -> SignInSettings | None:
        """How people sign in on the dashboard; None where nothing is configured.

        Raises SettingsError when only one of the two is there: half of it must not look like none.
        """
        if self.client_id is None and self.client_secret is None:
            return None
        if self.client_id is None or self.client_secret is None:
            raise SettingsError(
                "HOB_CLIENT_ID and HOB_CLIENT_SECRET belong together: set both, from the App's page"
            )
        return SignInSettings(
            github_url=self.github_url,
            client_id=self.client_id,
            client_secret=self.client_secret,
            base_url=self.base_url,
        )

    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be seen outside this process: ours, and what models' providers take.

        Of others' only what is long: a password such as ``postgres`` is a word that honest changes hold too.
        """
        key = (self.private_key.get_secret_value(),) if self.private_key else ()
        password = urlsplit(self.database_url or "").password
        own: tuple[str, ...] = (self.client_secret.get_secret_value(),) if self.client_secret else ()
        own += tuple(
            each.get_secret_value() for each in (self.notify_webhook, self.notify_secret) if each is not None
        )
        proxy = urlsplit(self.egress_proxy.get_secret_value()).password if self.egress_proxy else None
        mail = urlsplit(self.smtp_url.get_secret_value()).password if self.smtp_url else None
        others = [value for name, value in os.environ.items() if _SECRET.search(name)]
        long = [
            value
            for value in (unquote(password or ""), unquote(proxy or ""), unquote(mail or ""), *others)
            if len(value) >= _LONG
        ]
        return (*self.webhook_secrets, *key, *own, *long)


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK


def _is_free(model: str) -> bool:
    """Whether a model has no price: it is computed here, or played from a script."""
    return model == "offline" or model.startswith("scripted:")


def make_home(settings: Settings) -> None:
    """Make the state directory, for its owner only. Raises SettingsError when it cannot be had."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"HOB_HOME: {settings.home} cannot be made: {error.strerror}") from None
    if not os.access(settings.home, os.W_OK | os.X_OK):
        raise SettingsError(f"HOB_HOME: {settings.home} cannot be written by this user")


def load(*need: str, **overrides: Any) -> Settings:
    """Read the environment; ``need`` names fields that must be there, ``overrides`` (by field) wins over it.

    Raises SettingsError that names every variable that is wrong.
    """
    names = {field: str(info.validation_alias) for field, info in Settings.model_fields.items()}
    for variable in names.values():
        if not os.environ.get(variable, "set").strip():
            raise SettingsError(f"{variable} is set but empty: give it a value or unset it")
    given = {names[field]: value for field, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(item) for item in error.errors())) from None
    settings = _with_key_from_file(settings)
    _check_secrets(settings)
    missing = [names[field] for field in need if getattr(settings, field) is None]
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)} (docs/settings.md says where each comes from)")
    return settings


def list_unknown_names() -> list[tuple[str, str]]:
    """The variables that look like Hob's and are none, each with the setting whose name is nearest, or ''."""
    known = sorted(str(field.validation_alias) for field in Settings.model_fields.values())
    unknown = sorted(name for name in os.environ if name.upper().startswith("HOB_"))
    return [
        (name, next(iter(difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.7)), ""))
        for name in unknown
        if name.upper() not in known
    ]


def _with_key_from_file(settings: Settings) -> Settings:
    """HOB_PRIVATE_KEY_FILE stands in for HOB_PRIVATE_KEY; both at once is an error."""
    if settings.private_key_file is None:
        return settings
    if settings.private_key is not None:
        raise SettingsError("HOB_PRIVATE_KEY and HOB_PRIVATE_KEY_FILE are both set: keep one")
    try:
        key = settings.private_key_file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"HOB_PRIVATE_KEY_FILE cannot be read: {error}") from None
    return settings.model_copy(update={"private_key": SecretStr(key)})


def _check_secrets(settings: Settings) -> None:
    """Raise SettingsError at start for a secret that is only a separator, or a key that is none."""
    if settings.webhook_secret is not None:
        secrets = settings.webhook_secrets
        if not all(secrets) or len(secrets) > 2:
            raise SettingsError("HOB_WEBHOOK_SECRET must be one secret, or two separated by a comma")
        if any(map(_is_guessable, secrets)):
            raise SettingsError(
                f"HOB_WEBHOOK_SECRET must have at least {SHORTEST_SECRET} characters, not all alike, "
                "repeated or in a row: whoever guesses it can give orders. Make one with `openssl rand "
                "-hex 32` and set it in the App too."
            )
    if settings.private_key is not None:
        pem = settings.private_key.get_secret_value().encode()
        try:  # its numbers are checked by whoever signs with it: that takes a tenth of a second
            load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError):
            raise SettingsError("HOB_PRIVATE_KEY is not a PEM private key without a passphrase") from None


def _is_guessable(secret: str) -> bool:
    """Whether a secret is short, of few characters, a piece repeated, in a row, or GitHub's example."""
    size = len(secret)
    steps = [abs(ord(here) - ord(there)) <= 1 for here, there in pairwise(secret)]
    return (
        size < SHORTEST_SECRET
        or len(set(secret)) < _DIFFERENT
        or any(secret == (secret[:part] * size)[:size] for part in range(1, size * 2 // 3))
        or sum(steps) * 4 > len(steps) * 3
        or secret == _EXAMPLE
    )


def _explain(item: Any) -> str:
    """One validation error as ``VARIABLE: what is wrong``; the value may be a secret and is not shown."""
    variable = str(item["loc"][0]) if item["loc"] else "the environment"
    return f"{variable}: {item['msg'].removeprefix('Value error, ')}"
