"""The first steps that every process takes: state directory, redactor, log, a database with its schema."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from bot.errors import Parked, Retry
from bot.github.app import GitHub
from bot.github.repository import AppInfo
from bot.log import configure
from bot.settings import Settings, list_unknown_names, make_home
from bot.tasks.database.connection import (
    Database,
    DatabaseTrouble,
    connect,
    is_reachable,
    open_database,
    wait_for_database,
)
from bot.tasks.database.schema import migrate
from bot.tasks.database.transactions import is_unreachable
from bot.text.redact import Redactor
from bot.trace import start_traces

log = structlog.get_logger()


def start_process(settings: Settings, name: str = "") -> Redactor:
    """Make the state directory, learn the secrets, set up logging and traces; returns the redactor.

    ``name`` is what traces call the process, '' for one that makes none.

    What the environment most likely gets wrong is a warning. Raises SettingsError when the state directory
    cannot be had.
    """
    make_home(settings)
    wait_for_children_by_pidfd()
    redactor = Redactor(settings.secrets())
    configure(json=settings.log == "json", redact=redactor.value)
    if settings.traces and name:
        start_traces(name, settings.traces)
    _warn_of_environment(settings)
    return redactor


def wait_for_children_by_pidfd() -> None:
    """Let asyncio wait for its child processes without a thread for each, as it does from Python 3.12 on.

    https://docs.python.org/3.11/library/asyncio-policy.html#asyncio.PidfdChildWatcher
    """
    if sys.version_info >= (3, 12) or isinstance(asyncio.get_child_watcher(), asyncio.PidfdChildWatcher):
        return
    with suppress(OSError):  # Linux before 5.3 has none
        os.close(os.pidfd_open(os.getpid()))
        watcher = asyncio.PidfdChildWatcher()
        with suppress(RuntimeError):  # no loop runs yet: the one that comes takes it up
            watcher.attach_loop(asyncio.get_running_loop())
        asyncio.set_child_watcher(watcher)


def _warn_of_environment(settings: Settings) -> None:
    for name, nearest in list_unknown_names():
        mend = f"did you mean {nearest}?" if nearest else "docs/settings.md lists them"
        log.warning("settings.unknown", variable=name, mend=f"it is no setting and changes nothing: {mend}")
    if settings.has_local_links:
        log.warning(
            "settings.local_links",
            base_url=settings.base_url,
            mend="set HOB_BASE_URL to where people reach the dashboard: links in comments work on this "
            "machine alone",
        )


@asynccontextmanager
async def open_migrated_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, brought to this version's schema."""
    async with open_database(settings.home, settings.database_url) as database:
        await migrate(database)
        yield database


@asynccontextmanager
async def open_database_or_wait(settings: Settings, stop: asyncio.Event) -> AsyncIterator[Database]:
    """The database at once, brought to this version's schema; later when it is away now.

    Whoever uses it meanwhile finds it away. Raises DatabaseTrouble when waiting will not help.
    """
    if not settings.database_url or await is_reachable(settings.database_url):
        async with open_migrated_database(settings) as database:
            yield database
        return
    database = connect(settings.database_url)
    migrating = asyncio.create_task(_migrate_later(database, settings.database_url, stop))
    try:
        yield database
    finally:
        migrating.cancel()
        await asyncio.wait({migrating})
        await database.engine.dispose()


async def _migrate_later(database: Database, url: str, stop: asyncio.Event) -> None:
    while await wait_for_database(url, stop):
        try:
            await migrate(database)
        except DatabaseTrouble:
            stop.set()  # this version cannot work with it
            log.exception("database.unusable")
            return
        except Exception as trouble:
            if not is_unreachable(trouble):
                raise
            continue
        log.info("database.reachable")
        return


async def identify_or_wait(github: GitHub, stop: asyncio.Event, *, every: float = 5.0) -> AppInfo | None:
    """Who the bot is on GitHub, as soon as GitHub answers; None when ``stop`` came first. Logged once.

    Raises UserError when GitHub refuses the App's credentials.
    """
    told = False
    while not stop.is_set():
        try:
            return await github.identify()
        except (Parked, Retry) as away:
            if not told:
                log.error("github.waiting", error=str(away))
                told = True
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await stop.wait()
    return None


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
