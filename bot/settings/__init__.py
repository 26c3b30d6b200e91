"""What an operator decides, read from the environment once when a process starts."""

from __future__ import annotations

from bot.settings.groups import AppSettings, NotifySettings, SettingsError, SignInSettings
from bot.settings.load_settings import list_unknown_names, load, make_home
from bot.settings.settings import Settings

__all__ = [
    "AppSettings",
    "NotifySettings",
    "Settings",
    "SettingsError",
    "SignInSettings",
    "list_unknown_names",
    "load",
    "make_home",
]
