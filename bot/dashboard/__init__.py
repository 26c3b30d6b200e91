"""The dashboard: pages with the tasks, what each run did, live, and what people may do about it.

A process of its own, so that the public surface of Hob stays one route. Nothing that a model, a repository or
a stranger wrote is ever rendered as anything but text. Who may see what is settled in ``access``.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, jsonify, render_template, request
from psycopg.errors import QueryCanceled
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.dashboard import operators, orders, pages, token_page
from bot.dashboard.access import routes as sign_in_routes
from bot.dashboard.access.github import GitHubAway, SignIn
from bot.dashboard.access.sessions import Sessions
from bot.dashboard.access.tokens import ApiTokens
from bot.dashboard.access.viewer import find_viewer, guard
from bot.dashboard.api import routes as api
from bot.dashboard.audit import AuditLog
from bot.dashboard.background_counts import BackgroundCounts
from bot.dashboard.block_board import BlockBoard
from bot.dashboard.boards import experiments, forecast, learning, safety
from bot.dashboard.figures import routes as figures
from bot.dashboard.flag_board import FlagBoard
from bot.dashboard.live import LiveRuns
from bot.dashboard.live_output import OutputReader
from bot.dashboard.operations import Operations
from bot.dashboard.page_reader import PageReader
from bot.dashboard.rendering.filters import FILTERS
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
log = structlog.get_logger(__name__)
LONGEST_FORM = 256 * 1024  # bytes


def create_app(settings: Settings, engine: Engine) -> Flask:
    """The application over a database; hosts other than our own are refused (DNS rebinding).

    Raises SettingsError where half of the sign-in is configured.
    """
    app = Flask(__name__)
    own = urlsplit(settings.base_url)
    app.config["TRUSTED_HOSTS"] = ["localhost", "127.0.0.1", "[::1]", own.hostname or "localhost"]
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_FORM
    app.config["BASE_URL"] = settings.base_url
    app.config["HTTPS"] = own.scheme == "https"
    if count := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    configured = settings.sign_in
    sign_in = SignIn(configured) if configured else None
    sessions = Sessions(engine)
    reader, output = PageReader(engine), OutputReader(engine)
    app.extensions |= {
        "reader": reader,
        "sign_in": sign_in,
        "sessions": sessions,
        "live": LiveRuns(reader, output),
        "output": output,
        "counts": BackgroundCounts(),
    }
    app.extensions["audit"] = AuditLog(engine)
    app.extensions["operations"] = Operations(engine, settings)
    app.extensions["experiment_board"] = experiments.ExperimentBoard(engine)
    app.extensions["forecast_board"] = forecast.ForecastBoard(engine, settings)
    app.extensions["block_board"] = BlockBoard(engine)
    app.extensions["flag_board"] = FlagBoard(engine, settings)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["viewer"] = find_viewer
    tokens = ApiTokens(engine)
    app.extensions["tokens"] = tokens
    guard(app, sign_in, sessions, tokens, settings.operators)
    app.register_blueprint(sign_in_routes.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(orders.blueprint)
    app.register_blueprint(operators.blueprint)
    app.register_blueprint(figures.blueprint)
    app.register_blueprint(token_page.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(experiments.blueprint)
    app.register_blueprint(safety.blueprint)
    app.register_blueprint(learning.blueprint)
    app.register_blueprint(forecast.blueprint)
    app.register_error_handler(403, _refuse)
    app.register_error_handler(404, _not_found)
    app.register_error_handler(GitHubAway, _github_away)
    app.register_error_handler(OperationalError, _database_trouble)
    app.after_request(_secure)
    return app


def _not_found(_: Exception) -> tuple[str | Response, int]:
    return _explain("There is nothing at this address.", 404)


def _refuse(_: Exception) -> tuple[str | Response, int]:
    return _explain("That is not yours to do, or the page was too old: load it again.", 403)


def _github_away(_: Exception) -> tuple[str | Response, int]:
    return _explain(
        "GitHub does not answer now, so nobody knows what you may see. Try again in a minute.", 503
    )


def _database_trouble(error: OperationalError) -> tuple[str | Response, int]:
    log.warning("dashboard.database_trouble", error=str(error.orig)[:500])
    if isinstance(error.orig, QueryCanceled):
        return _explain(
            "That would have taken too long to find. Ask for less, such as a shorter time or fewer filters.",
            503,
        )
    return _explain("The database does not answer now. Try again in a minute.", 503)


def _explain(problem: str, status: int) -> tuple[str | Response, int]:
    if request.path.startswith("/api/"):
        return jsonify(error=problem), status
    return render_template("problem.html", problem=problem), status


def _secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if not (response.mimetype or "").startswith(("text/css", "text/javascript", "image/")):
        response.headers["Cache-Control"] = "no-store"
    return response
