"""The dashboard's process: Flask under gunicorn, on the configured database or the embedded one."""

from __future__ import annotations

from bot.dashboard.server import serve
from bot.serve.process import start_process
from bot.settings import Settings
from bot.tasks.database.connection import sqlalchemy_url
from bot.tasks.database.embedded import open_embedded_database


def serve_dashboard(settings: Settings) -> None:
    """Serve the pages with gunicorn until a signal comes."""
    start_process(settings)
    if settings.database_url:
        serve(settings, sqlalchemy_url(settings.database_url))
        return
    with open_embedded_database(settings.home) as url:
        serve(settings, sqlalchemy_url(url))
