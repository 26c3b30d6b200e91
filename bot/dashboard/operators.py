"""The operators' page: the house as it stands, and what an operator does about it, each written down."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.dashboard.access.viewer import Viewer, find_viewer
from bot.dashboard.audit import AuditLog
from bot.dashboard.house import House, is_scope

blueprint = Blueprint("operators", __name__, url_prefix="/operators")


def _house() -> House:
    found: House = current_app.extensions["house"]
    return found


def _audit() -> AuditLog:
    found: AuditLog = current_app.extensions["audit"]
    return found


def _operator() -> Viewer:
    """Who looks; 404 for anybody but operators."""
    viewer = find_viewer()
    if not viewer.sees_all:
        abort(HTTPStatus.NOT_FOUND)
    return viewer


def _acting_operator() -> Viewer:
    """The operator who is signed in; 403 where nobody is: what is done needs a name."""
    viewer = _operator()
    if not viewer.form_token:
        abort(HTTPStatus.FORBIDDEN)
    return viewer


@blueprint.get("")
def show() -> str:
    """Queue, workers, deliveries that failed, pauses, settings, and what was done lately."""
    _operator()
    house = _house()
    return render_template(
        "operators.html",
        queue=house.list_queue(),
        working=house.list_working(),
        failed=house.list_failed_deliveries(),
        pauses=house.list_pauses(),
        settings=house.list_settings(),
        entries=_audit().list_entries(),
    )


@blueprint.post("/deliveries/<guid>")
def retry_delivery(guid: str) -> Response:
    """Take a delivery up anew that came and failed."""
    viewer, words = _acting_operator(), guid[:100]
    entry = _begin(viewer, "retry delivery", words)
    _audit().end(entry, "taken up anew" if _house().retry_delivery(words) else "none of this GUID has failed")
    return redirect(url_for("operators.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/pauses")
def change_pause() -> Response | tuple[str, int]:
    """Pause or resume everything, an installation or a repository."""
    viewer, scope = _acting_operator(), request.form.get("scope", "").strip()
    if not is_scope(scope):
        problem = "Name what to pause: all, installation:NUMBER or repository:NUMBER."
        return render_template("problem.html", problem=problem), HTTPStatus.BAD_REQUEST
    if request.form.get("resume"):
        entry = _begin(viewer, "resume", scope)
        _house().resume(scope)
    else:
        entry = _begin(viewer, "pause", scope)
        _house().pause(scope, viewer.login)
    _audit().end(entry, "done")
    return redirect(url_for("operators.show"), HTTPStatus.SEE_OTHER)


def _begin(viewer: Viewer, action: str, words: str) -> int:
    address = request.remote_addr or ""
    return _audit().begin(viewer, address=address, action=action, task=None, words=words)
