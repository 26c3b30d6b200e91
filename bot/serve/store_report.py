"""Stores the report of an operator's command for the dashboard; never makes the command fail."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import ProgrammingError

from bot import __version__
from bot.errors import HobError
from bot.settings import Settings
from bot.tasks.database.connection import open_database
from bot.tasks.database.transactions import first_line, is_unreachable
from bot.tasks.reports.records import ReportKind
from bot.tasks.store import Store


async def store_report(settings: Settings, kind: ReportKind, found: Mapping[str, Any]) -> str:
    """Store the report, where this machine has or names a database; returns why not, '' where it is stored.

    The tables are taken as they are: no command that only looks around brings them to another version.
    """
    if not settings.database_url and not (settings.home / "postgres").is_dir():
        return "there is no database here"
    try:
        async with open_database(settings.home, settings.database_url) as database:
            await Store(database.engine).add_report(kind, platform.node(), __version__, found)
    except HobError as trouble:
        return str(trouble)
    except ProgrammingError:
        return "the database has another version's tables: `hob migrate` brings them to this one"
    except Exception as trouble:
        if not is_unreachable(trouble):
            raise
        return first_line(trouble)
    return ""
