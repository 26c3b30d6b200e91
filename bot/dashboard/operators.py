"""The operators' page: the state of workers and queues, and the operator's actions, each recorded."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.dashboard.access.viewer import Viewer, find_viewer
from bot.dashboard.audit import AuditLog
from bot.dashboard.block_board import BlockBoard
from bot.dashboard.flag_board import FlagBoard
from bot.dashboard.operations import Operations
from bot.errors import HobError
from bot.flags.known import KNOWN, FlagError
from bot.flags.order import FlagOrder
from bot.flags.records import Actor
from bot.flags.rules import EVERYBODY, Unit
from bot.tasks.safety.operator_blocks import BlockError

blueprint = Blueprint("operators", __name__, url_prefix="/operators")


def _find_operations() -> Operations:
    found: Operations = current_app.extensions["operations"]
    return found


def _audit() -> AuditLog:
    found: AuditLog = current_app.extensions["audit"]
    return found


def _flag_board() -> FlagBoard:
    found: FlagBoard = current_app.extensions["flag_board"]
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
    """Queue, workers, limits, deliveries that failed, pauses, settings, and what was done lately."""
    _operator()
    operations = _find_operations()
    return render_template(
        "operators.html",
        queue=operations.list_queue(),
        working=operations.list_working(),
        workers=operations.list_workers(),
        waiting=operations.list_waiting(),
        limits=operations.list_limits(),
        failed=operations.list_failed_deliveries(),
        undelivered=operations.list_undelivered(),
        pauses=operations.list_pauses(),
        settings=operations.list_settings(),
        flags=_flag_board().list_rules(),
        releases=_flag_board().list_releases(),
        known=KNOWN,
        units=list(Unit),
        entries=_audit().list_entries(),
    )


@blueprint.post("/deliveries/<guid>")
def retry_delivery(guid: str) -> Response:
    """Have a delivery handled again that arrived and failed."""
    viewer, words = _acting_operator(), guid[:100]
    entry = _begin(viewer, "retry delivery", words)
    found = _find_operations().retry_delivery(words)
    _audit().end(entry, "to be handled again" if found else "none of this GUID has failed")
    return redirect(url_for("operators.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/redeliveries")
def redeliver() -> Response:
    """Have GitHub asked again for a delivery that it could not bring, or for all of them."""
    viewer, guid = _acting_operator(), request.form.get("guid", "").strip()[:100]
    if not guid and request.form.get("all") != "yes":
        abort(HTTPStatus.BAD_REQUEST)
    entry = _begin(viewer, "redeliver", guid or "all")
    # What a worker reports of it later overwrites this.
    _audit().end(entry, "a worker asks GitHub for it")
    if not _find_operations().want_redelivery(guid, entry):
        _audit().end(entry, "nothing of that is undelivered, or it is asked for already")
    return redirect(url_for("operators.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/pauses")
def change_pause() -> Response:
    """Pause, kill or resume everything, an installation or a repository."""
    actor, form = _actor(), request.form
    scope = form.get("scope", "").strip()
    if form.get("resume"):
        _flag_board().resume(scope, actor)
    else:
        running = form.get("running") == "yes"
        _flag_board().kill(scope, actor, running=running, reason=form.get("reason", ""))
    return redirect(url_for("operators.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/flags")
def change_flag() -> Response:
    """Have a flag say something to an audience, or nothing any more."""
    actor, form = _actor(), request.form
    order = FlagOrder(
        flag=form.get("flag", ""),
        value=form.get("value", ""),
        audience=form.get("audience", "").strip() or EVERYBODY,
        percent=form.get("percent", "100"),
        unit=form.get("unit", Unit.REPOSITORY.value),
    )
    if form.get("clear"):
        _flag_board().clear(order, actor)
    else:
        _flag_board().set(order, actor)
    return redirect(url_for("operators.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/releases")
def stop_release() -> Response:
    """End the release of a flag."""
    _flag_board().stop_release(request.form.get("flag", ""), _actor())
    return redirect(url_for("operators.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/blocks")
def change_block() -> Response:
    """Take no requests from somebody, or take them again."""
    viewer, form = _acting_operator(), request.form
    who, repository = form.get("who", "").strip()[:100], form.get("repository", "").strip()[:200]
    unblock, reason = form.get("unblock") == "yes", form.get("reason", "").strip()[:200]
    where = f"{who} in {repository}" if repository else who
    entry = _begin(viewer, "unblock" if unblock else "block", where)
    board: BlockBoard = current_app.extensions["block_board"]
    try:
        done = (
            board.unblock(who, repository) if unblock else board.block(who, repository, reason, viewer.login)
        )
    except BlockError as refused:
        _audit().end(entry, str(refused))
        raise
    _audit().end(entry, done)
    return redirect(url_for("safety.show"), HTTPStatus.SEE_OTHER)


@blueprint.errorhandler(BlockError)
@blueprint.errorhandler(FlagError)
def explain_refusal(error: HobError) -> tuple[str, int]:
    """Say what was wrong with what was asked for."""
    said = str(error)
    problem = f"{said[:1].upper()}{said[1:]}."
    return render_template("problem.html", problem=problem), HTTPStatus.BAD_REQUEST


def _actor() -> Actor:
    """The operator who is signed in, for the audit log."""
    viewer = _acting_operator()
    return Actor(login=viewer.login, person=viewer.person, address=request.remote_addr or "")


def _begin(viewer: Viewer, action: str, words: str) -> int:
    address = request.remote_addr or ""
    return _audit().begin(viewer, address=address, action=action, task=None, words=words)
