"""What an operator decides, as the class ``Settings``. Nothing here ever fails open.

A variable that is set but empty, or malformed, is an error that names it (``bot.settings.load_settings``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.settings.check_secrets import SHORTEST_SECRET
from bot.settings.environment import list_secret_values
from bot.settings.groups import AppSettings, NotifySettings, SettingsError, SignInSettings
from bot.settings.read_values import (
    is_loopback,
    make_absolute,
    read_account_ids,
    read_hosts,
    read_models,
    read_ports_by_process,
    read_seconds_by_provider,
    read_tokens_by_provider,
    require_api_root,
    require_folder,
    require_http_url,
    require_mail_server,
    require_secret_url,
)

_LONG = 16  # characters
DEFAULT_DAILY_USD = 50.0  # for an installation, where a model has a price and nothing else is said

_HttpUrl = Annotated[str, AfterValidator(require_http_url)]
_AccountIds = Annotated[frozenset[int], NoDecode, BeforeValidator(read_account_ids)]
_SecondsByProvider = Annotated[dict[str, float], NoDecode, BeforeValidator(read_seconds_by_provider)]
_TokensByProvider = Annotated[dict[str, int], NoDecode, BeforeValidator(read_tokens_by_provider)]
_AbsolutePath = Annotated[Path, AfterValidator(make_absolute)]
_ApiRoot = Annotated[_HttpUrl, AfterValidator(require_api_root)]
_PortsByProcess = Annotated[dict[str, int], NoDecode, BeforeValidator(read_ports_by_process)]
_ModelNames = Annotated[frozenset[str], NoDecode, BeforeValidator(read_models)]
_HostNames = Annotated[frozenset[str], NoDecode, BeforeValidator(read_hosts)]
_MailServer = Annotated[SecretStr | None, AfterValidator(require_mail_server)]
_SecretUrl = Annotated[SecretStr | None, AfterValidator(require_secret_url)]


def _variable(name: str, **constraints: Any) -> Any:
    """A field that is read from the variable ``name``."""
    return Field(validation_alias=name, **constraints)


class Settings(BaseSettings):
    """What an operator decides, each field with its variable; times in seconds."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

    home: _AbsolutePath = _variable(
        "HOB_HOME", default_factory=lambda: Path.home() / ".local" / "state" / "hob"
    )
    database_url: str | None = _variable("HOB_DATABASE_URL", default=None)
    github_url: _ApiRoot = _variable("HOB_GITHUB_URL", default="https://api.github.com")
    app_id: int | None = _variable("HOB_APP_ID", default=None, gt=0)
    private_key: SecretStr | None = _variable("HOB_PRIVATE_KEY", default=None)
    private_key_file: Path | None = _variable("HOB_PRIVATE_KEY_FILE", default=None)
    webhook_secret: SecretStr | None = _variable("HOB_WEBHOOK_SECRET", default=None)
    model: str = _variable("HOB_MODEL", default="offline")
    model_seconds: _SecondsByProvider = _variable("HOB_MODEL_SECONDS", default_factory=dict)
    model_window: _TokensByProvider = _variable("HOB_MODEL_WINDOW", default_factory=dict)
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
    base_url: _HttpUrl = _variable("HOB_BASE_URL", default="http://127.0.0.1:8001")
    write_seconds: float = _variable("HOB_WRITE_SECONDS", default=1.0, ge=0, le=60)
    progress_seconds: float = _variable("HOB_PROGRESS_SECONDS", default=30.0, ge=0, le=3600)
    label: str = _variable("HOB_LABEL", default="hob")
    create_label: bool = _variable("HOB_CREATE_LABEL", default=False)
    discussions: bool = _variable("HOB_DISCUSSIONS", default=False)
    bots: _AccountIds = _variable("HOB_BOTS", default=frozenset())
    daily_usd: float | None = _variable("HOB_DAILY_USD", default=None, gt=0)
    person_hourly: int | None = _variable("HOB_PERSON_HOURLY", default=None, ge=1)
    repository_hourly: int | None = _variable("HOB_REPOSITORY_HOURLY", default=None, ge=1)
    installation_hourly: int | None = _variable("HOB_INSTALLATION_HOURLY", default=None, ge=1)
    person_usd: float | None = _variable("HOB_PERSON_USD", default=None, gt=0)
    repository_usd: float | None = _variable("HOB_REPOSITORY_USD", default=None, gt=0)
    first_requests: Literal["take", "hold"] = _variable("HOB_FIRST_REQUESTS", default="take")
    moderation: Literal["rules", "endpoint", "off"] = _variable("HOB_MODERATION", default="rules")
    moderation_url: _HttpUrl = _variable("HOB_MODERATION_URL", default="https://api.openai.com/v1")
    moderation_key: SecretStr | None = _variable("HOB_MODERATION_KEY", default=None)
    moderation_model: str = _variable("HOB_MODERATION_MODEL", default="", max_length=200)
    contact: str = _variable("HOB_CONTACT", default="", max_length=200, pattern=r"^[^\r\n]*$")
    notify_webhook: _SecretUrl = _variable("HOB_NOTIFY_WEBHOOK", default=None)
    notify_secret: SecretStr | None = _variable("HOB_NOTIFY_SECRET", default=None, min_length=SHORTEST_SECRET)
    notify_email: str = _variable("HOB_NOTIFY_EMAIL", default="", pattern=r"^([^@\s,<>]+@[^@\s,<>]+)?$")
    notify_from: str = _variable("HOB_NOTIFY_FROM", default="", pattern=r"^([^@\s,<>]+@[^@\s,<>]+)?$")
    notify_hosts: _HostNames = _variable("HOB_NOTIFY_HOSTS", default=frozenset())
    smtp_url: _MailServer = _variable("HOB_SMTP_URL", default=None)
    keep_payload_days: int = _variable("HOB_KEEP_PAYLOAD_DAYS", default=30, ge=15)
    keep_transcript_days: int = _variable("HOB_KEEP_TRANSCRIPT_DAYS", default=90, ge=1)
    max_usd: float = _variable("HOB_MAX_USD", default=20.0, gt=0)
    max_minutes: float = _variable("HOB_MAX_MINUTES", default=120.0, gt=0)
    max_turns: int = _variable("HOB_MAX_TURNS", default=300, ge=1)
    max_attempts: int = _variable("HOB_MAX_ATTEMPTS", default=4, ge=1, le=8)
    models: _ModelNames = _variable("HOB_MODELS", default=frozenset())
    prompts: Annotated[Path | None, AfterValidator(require_folder)] = _variable("HOB_PROMPTS", default=None)
    port: int = _variable("PORT", default=8000, ge=0, le=65535)
    dashboard_port: int = _variable("HOB_DASHBOARD_PORT", default=8001, ge=0, le=65535)
    dashboard_host: str = _variable("HOB_DASHBOARD_HOST", default="127.0.0.1")
    client_id: str | None = _variable("HOB_CLIENT_ID", default=None)
    client_secret: SecretStr | None = _variable("HOB_CLIENT_SECRET", default=None)
    operators: _AccountIds = _variable("HOB_OPERATORS", default=frozenset())
    trusted_proxies: int = _variable("HOB_TRUSTED_PROXIES", default=0, ge=0, le=10)
    metrics_port: _PortsByProcess = _variable("HOB_METRICS_PORT", default_factory=dict)
    metrics_host: str = _variable("HOB_METRICS_HOST", default="127.0.0.1")
    traces: str = _variable("HOB_TRACES", default="", pattern=r"^(https?://[^\s@]+)?$")
    log: Literal["json", "console"] = _variable("HOB_LOG", default="json")

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
        return bool(makes_links) and is_loopback(self.base_url) and not is_loopback(self.github_url)

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
        """Whom the operator has notified outside GitHub. Raises SettingsError if e-mail cannot be sent."""
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
        long = [
            value
            for value in (
                unquote(password or ""),
                unquote(proxy or ""),
                unquote(mail or ""),
                *list_secret_values(),
            )
            if len(value) >= _LONG
        ]
        return (*self.webhook_secrets, *key, *own, *long)


def _is_free(model: str) -> bool:
    """Whether a model has no price: it is computed here, or played from a script."""
    return model == "offline" or model.startswith("scripted:")
