"""The dashboard's process: gunicorn around the Flask application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.dashboard import create_app
from bot.dashboard.live import MOST_VIEWERS
from bot.settings import Settings, SettingsError
from bot.tasks.database.connection import set_up_session

THREADS = MOST_VIEWERS + 20  # whoever watches a run holds one, and pages need some beside them
LONGEST_STATEMENT = 120  # seconds; what is counted beside a page can take a minute over a year of tasks
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn configured by code; the application is made in the worker process, after the fork."""

    def __init__(self, settings: Settings, url: str, on_app: Callable[[Flask], None] | None) -> None:
        self._settings = settings
        self._on_app = on_app
        self._url = url
        super().__init__()

    def load_config(self) -> None:
        """Threads, since pages wait for the database and runs that are watched for their next turn."""
        host = self._settings.dashboard_host
        address = f"[{host}]" if ":" in host else host
        options: dict[str, Any] = {
            "bind": f"{address}:{self._settings.dashboard_port}",
            "workers": 1,
            "threads": THREADS,
            "worker_class": "gthread",
            "graceful_timeout": 5,
            "proc_name": "hob dashboard",
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        app = create_app(self._settings, engine_for(self._url))
        if self._on_app is not None:
            self._on_app(app)
        return app


def engine_for(url: str) -> Engine:
    """A small pool of connections that are tested before use, so that a restart of the database heals.

    They have the limits of every session of Hob's, but that counts over many rows may take longer.
    """
    engine = create_engine(url, pool_size=4, max_overflow=12, pool_pre_ping=True, pool_recycle=300)
    event.listen(engine, "connect", set_up_session)
    event.listen(engine, "connect", _let_counts_take_longer)
    return engine


def _let_counts_take_longer(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET statement_timeout = '{LONGEST_STATEMENT}s'")
    cursor.close()
    connection.commit()


def serve(settings: Settings, url: str, *, on_app: Callable[[Flask], None] | None = None) -> None:
    """Serve until a signal comes; ``on_app`` gets the application before that.

    Raises what ``check_reach`` raises.
    """
    check_reach(settings)
    _Server(settings, url, on_app).run()


def check_reach(settings: Settings) -> None:
    """Raises SettingsError where strangers could reach the pages, or nobody could sign in."""
    if settings.dashboard_host in LOOPBACK:
        return
    if settings.sign_in is None:
        raise SettingsError(
            "HOB_DASHBOARD_HOST: others could reach the dashboard, so people must sign in there; set "
            "HOB_CLIENT_ID and HOB_CLIENT_SECRET (docs/dashboard.md), or leave it unset to serve this machine"
        )
    if urlsplit(settings.base_url).hostname in LOOPBACK:
        raise SettingsError(
            "HOB_BASE_URL must be the address at which people reach the dashboard: GitHub sends them back "
            "there after they signed in"
        )
