"""The dashboard: pages with the tasks, and what each run did, live.

A process of its own, so that the public surface of Hob stays one route. It only reads the database. Nothing
that a model, a repository or a stranger wrote is ever rendered as anything but text.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, render_template
from sqlalchemy import Engine

from bot.dashboard import pages, render
from bot.dashboard.page_reader import PageReader
from bot.settings import Settings

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def create_app(settings: Settings, engine: Engine) -> Flask:
    """The application over a database; hosts other than our own are refused (DNS rebinding)."""
    app = Flask(__name__)
    own = urlsplit(settings.base_url).hostname or "localhost"
    app.config["TRUSTED_HOSTS"] = ["localhost", "127.0.0.1", "[::1]", own]
    app.extensions["reader"] = PageReader(engine)
    app.jinja_env.filters.update(render.FILTERS)
    app.register_blueprint(pages.blueprint)
    app.register_error_handler(404, _not_found)
    app.after_request(_secure)
    return app


def _not_found(_: Exception) -> tuple[str, int]:
    return render_template("missing.html"), 404


def _secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if response.mimetype == "text/html" or response.mimetype == "application/json":
        response.headers["Cache-Control"] = "no-store"
    return response
