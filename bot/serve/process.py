"""The first steps that every process takes: state directory, redactor, log, a database with its schema."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.log import configure
from bot.settings import Settings, make_home
from bot.tasks.database.connection import Database, open_database
from bot.tasks.database.schema import migrate
from bot.text.redact import Redactor

log = structlog.get_logger()


def start_process(settings: Settings) -> Redactor:
    """Make the state directory, learn the secrets and set up logging; returns the redactor.

    Raises SettingsError when the state directory cannot be had.
    """
    make_home(settings)
    redactor = Redactor(settings.secrets())
    configure(json=settings.log == "json", redact=redactor.value)
    return redactor


@asynccontextmanager
async def open_migrated_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, brought to this version's schema."""
    async with open_database(settings.home, settings.database_url) as database:
        await migrate(database)
        yield database


def make_stop_event() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def run_migrate(settings: Settings) -> None:
    """Bring the schema up to date and leave."""
    start_process(settings)
    async with open_migrated_database(settings):
        log.info("database.migrated")
