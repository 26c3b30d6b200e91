"""The page on which a person makes tokens for the API, and revokes them."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.dashboard.access.tokens import LONGEST_NAME, ApiTokens, TooManyTokens
from bot.dashboard.access.viewer import Viewer, find_viewer
from bot.dashboard.audit import AuditLog

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")


def _tokens() -> ApiTokens:
    found: ApiTokens = current_app.extensions["tokens"]
    return found


def _person() -> Viewer:
    """Who is signed in; 404 where nobody signs in here: the API is then open to this machine."""
    viewer = find_viewer()
    if not viewer.form_token:
        abort(HTTPStatus.NOT_FOUND)
    return viewer


@blueprint.get("")
def show() -> str:
    """A person's tokens."""
    return _render(_person())


@blueprint.post("")
def make() -> tuple[str, int]:
    """Make a token, and show it this once."""
    viewer, name = _person(), request.form.get("name", "")[:LONGEST_NAME]
    try:
        secret = _tokens().make(viewer, name)
    except TooManyTokens as most:
        return render_template("problem.html", problem=str(most)), HTTPStatus.BAD_REQUEST
    _note(viewer, "make token", name)
    return _render(viewer, secret), HTTPStatus.CREATED


@blueprint.post("/<int:number>/revoke")
def revoke(number: int) -> Response:
    """End one of the person's tokens."""
    viewer = _person()
    if number >= 2**63 or not _tokens().revoke(viewer.person, number):
        abort(HTTPStatus.NOT_FOUND)
    _note(viewer, "revoke token", str(number))
    return redirect(url_for("tokens.show"), HTTPStatus.SEE_OTHER)


def _render(viewer: Viewer, secret: str = "") -> str:
    return render_template("tokens.html", tokens=_tokens().list_tokens(viewer.person), secret=secret)


def _note(viewer: Viewer, action: str, words: str) -> None:
    entries: AuditLog = current_app.extensions["audit"]
    entry = entries.begin(viewer, address=request.remote_addr or "", action=action, task=None, words=words)
    entries.end(entry, "done")
