"""The pages of signing in and out."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.dashboard.access.github import SIGN_IN_SECONDS, GitHubAway, SignIn, SignInRefused, TokenRefused
from bot.dashboard.access.sessions import LONGEST, Sessions
from bot.dashboard.access.viewer import (
    find_session_secret,
    find_viewer,
    is_own_path,
    name_cookie,
    set_cookie,
)

log = structlog.get_logger(__name__)
blueprint = Blueprint("sign_in", __name__)


def _sign_in() -> SignIn | None:
    found: SignIn | None = current_app.extensions["sign_in"]
    return found


def _sessions() -> Sessions:
    found: Sessions = current_app.extensions["sessions"]
    return found


def _read_target() -> str:
    """Where the person wanted to go: a page of ours, or the first one."""
    target = request.args.get("target", "")
    return target if is_own_path(target) else "/"


@blueprint.get("/sign-in")
def ask() -> Response:
    """The page with the button; who is signed in goes on at once."""
    if _sign_in() is None or find_viewer().form_token:
        return redirect(_read_target())
    return make_response(render_template("sign_in.html", target=_read_target(), problem=""))


@blueprint.get("/sign-in/github")
def begin() -> Response:
    """Off to GitHub, with a sealed note in a cookie of what to expect back."""
    sign_in = _sign_in()
    if sign_in is None:
        return redirect("/")
    url, sealed = sign_in.begin(_read_target())
    response = redirect(url)
    set_cookie(response, "sign_in", sealed, seconds=SIGN_IN_SECONDS)
    return response


@blueprint.get("/sign-in/back")
def finish() -> Response:
    """Back from GitHub: a new session, whatever the browser had before."""
    sign_in = _sign_in()
    if sign_in is None:
        return redirect("/")
    try:
        if request.args.get("error"):
            raise SignInRefused("GitHub says that you did not agree.")
        sealed = request.cookies.get(name_cookie("sign_in"), "")
        found = sign_in.finish(sealed, state=request.args.get("state", ""), code=request.args.get("code", ""))
        access = sign_in.read_access(found.token)
    except (SignInRefused, TokenRefused) as refused:
        return _show_problem(str(refused), HTTPStatus.FORBIDDEN)
    except GitHubAway as away:
        return _show_problem(str(away), HTTPStatus.SERVICE_UNAVAILABLE)
    _sessions().end(find_session_secret())
    secret = _sessions().begin(
        person=found.person, login=found.login, token=found.token, seconds=found.seconds, access=access
    )
    log.info("dashboard.signed_in", person=found.person, login=found.login, address=request.remote_addr)
    response = redirect(found.target if is_own_path(found.target) else "/")
    set_cookie(response, "session", secret, seconds=int(LONGEST.total_seconds()))
    set_cookie(response, "sign_in", "", seconds=0)
    return response


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session, here and in the database."""
    _sessions().end(find_session_secret())
    log.info("dashboard.signed_out", person=find_viewer().person)
    response = redirect(url_for("sign_in.ask"), HTTPStatus.SEE_OTHER)
    set_cookie(response, "session", "", seconds=0)
    return response


def _show_problem(problem: str, status: HTTPStatus) -> Response:
    response = make_response(render_template("sign_in.html", target="/", problem=problem), status)
    set_cookie(response, "sign_in", "", seconds=0)
    return response
