"""The environment read into ``Settings``, checked whole, and the state directory.

Commands say what they need: ``hob solve`` needs nothing, ``hob web`` the webhook secret. What a command needs
and is missing is an error that names it, as is a variable that is set but empty, or malformed.
"""

from __future__ import annotations

import difflib
import os
from typing import Any

from pydantic import SecretStr, ValidationError

from bot.settings.check_secrets import check_private_key, check_webhook_secrets
from bot.settings.environment import find_empty_variable, list_own_variables
from bot.settings.groups import SettingsError
from bot.settings.settings import Settings


def make_home(settings: Settings) -> None:
    """Make the state directory, for its owner only. Raises SettingsError when that fails."""
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
    if empty := find_empty_variable(names.values()):
        raise SettingsError(f"{empty} is set but empty: give it a value or unset it")
    given = {names[field]: value for field, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(item) for item in error.errors())) from None
    settings = _take_key_from_file(settings)
    check_webhook_secrets(settings.webhook_secrets)
    check_private_key(settings.private_key)
    missing = [names[field] for field in need if getattr(settings, field) is None]
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)} (docs/settings.md says where each comes from)")
    return settings


def list_unknown_names() -> list[tuple[str, str]]:
    """Variables named like Hob's that are not settings, each with the setting of the nearest name, or ''."""
    known = sorted(str(field.validation_alias) for field in Settings.model_fields.values())
    return [
        (name, next(iter(difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.7)), ""))
        for name in sorted(list_own_variables())
        if name.upper() not in known
    ]


def _take_key_from_file(settings: Settings) -> Settings:
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


def _explain(item: Any) -> str:
    """One validation error as ``VARIABLE: what is wrong``; the value may be a secret and is not shown."""
    variable = str(item["loc"][0]) if item["loc"] else "the environment"
    return f"{variable}: {item['msg'].removeprefix('Value error, ')}"
