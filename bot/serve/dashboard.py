"""The dashboard's process: Flask under gunicorn, on the configured database or the embedded one."""

from __future__ import annotations

from flask import Flask

from bot.dashboard.server import serve
from bot.serve.metrics.pages import PageMetrics
from bot.serve.metrics.server import serve_metrics_in_thread
from bot.serve.process import start_process
from bot.settings import Settings
from bot.tasks.database.connection import sqlalchemy_url
from bot.tasks.database.embedded import open_embedded_database


def serve_dashboard(settings: Settings) -> None:
    """Serve the pages with gunicorn until a signal comes."""
    start_process(settings)
    metrics = PageMetrics()

    def measure(app: Flask) -> None:  # in gunicorn's own process, after its fork
        metrics.measure(app)
        serve_metrics_in_thread(settings, metrics.registry)

    if settings.database_url:
        serve(settings, sqlalchemy_url(settings.database_url), on_app=measure)
        return
    with open_embedded_database(settings.home) as url:
        serve(settings, sqlalchemy_url(url), on_app=measure)
