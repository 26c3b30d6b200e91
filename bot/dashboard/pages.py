"""The routes: tasks, one task, one run, its live parts, and the run as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    stream_with_context,
)
from sqlalchemy.exc import SQLAlchemyError

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.audit import ORDERS, AuditLog
from bot.dashboard.background_counts import find_counts
from bot.dashboard.live import LiveRuns, RunRenderer, read_place, stream_run
from bot.dashboard.page_reader import PageReader, Row
from bot.dashboard.task_list import PAGE, PERIODS, VERDICTS, TaskFilter, read_filter
from bot.domain import TERMINAL, TaskKind, TaskState

blueprint = Blueprint("pages", __name__)

_MAX_ID = 2**63 - 1
_MAX_SEQ = 2**31 - 1


def _reader() -> PageReader:
    reader: PageReader = current_app.extensions["reader"]
    return reader


def _number(value: str) -> int:
    """An id from a query string; anything else is 0."""
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else 0


@blueprint.get("/")
def tasks() -> str:
    """The tasks that the viewer may see, newest first, as the address narrows them."""
    wanted, seen = read_filter(request.args), find_viewer().repos
    found, is_old = _list_tasks(wanted, seen)
    return render_template(
        "tasks.html",
        tasks=None if found is None else found[:PAGE],
        older=found is not None and len(found) > PAGE,
        refresh="300ms" if found is None else "1s" if is_old else "4s",
        wanted=wanted,
        counts=_reader().count_open(seen),
        states=list(TaskState),
        kinds=list(TaskKind),
        verdicts=list(VERDICTS),
        periods=list(PERIODS),
        failed=_reader().failed_deliveries() if find_viewer().sees_all else [],
    )


def _list_tasks(wanted: TaskFilter, seen: Sequence[int] | None) -> tuple[Sequence[Row] | None, bool]:
    """A page of tasks and one more, and whether newer ones are searched for; None while there are no others.

    All tasks are a walk along one index. Filters that hardly fit together, or a word that most tasks have,
    can take a second among a million: those are looked for beside the page.
    """
    find = partial(_reader().list_tasks, wanted, seen)
    if not wanted.query:
        return find(), False
    found = find_counts().look(("search", wanted, None if seen is None else frozenset(seen)), find)
    return (found.value, found.is_renewed) if found else (None, True)


@blueprint.get("/tasks/<int:number>")
def task(number: int) -> str:
    """One task and its runs."""
    row = find_task(number)
    attempts = _reader().attempts(_root(row))
    entries: AuditLog = current_app.extensions["audit"]
    told = request.args.get("told", "")
    return render_template(
        "task.html",
        task=row,
        runs=_reader().runs(number),
        attempts=attempts,
        entries=entries.list_entries(number),
        told=told if told in ORDERS else "",
    )


@blueprint.get("/tasks/<int:number>/attempts")
def attempts(number: int) -> str:
    """The attempts at a task's request beside each other; ``?show=2&show=3`` narrows it."""
    row = find_task(number)
    made = _reader().attempts(_root(row))
    wanted = {_number(value) for value in request.args.getlist("show")}
    shown = [each for each in made if not wanted or each["ordinal"] in wanted]
    return render_template("attempts.html", task=row, attempts=made, shown=shown, beside=_wants_split())


@blueprint.get("/runs/<int:number>")
def run(number: int) -> str:
    """One run: plan, transcript, diff, proof; live while it goes on."""
    row = find_run(number)
    about = find_task(row["task"])
    attempt = _attempt()
    turns = _reader().turns(number, ordinal=attempt)
    shown = attempt or _reader().find_shown_attempt(number)
    latest = _reader().last_turn(number, shown)
    seq = latest["seq"] if latest else -1
    if _live(row):
        row = {**row, "diff": row["diff"] or _reader().find_diff(number, shown)}
    return render_template(
        "run.html",
        run=row,
        task=about,
        attempts=_reader().attempts(_root(about)),
        attempt=attempt,
        beside=_wants_split(),
        latest=latest,
        doing=_reader().find_call(number, shown, seq) if _live(row) else None,
        turns=turns,
        last=turns[-1]["seq"] if turns else -1,
        live=_live(row),
    )


@blueprint.get("/runs/<int:number>/events")
def run_events(number: int) -> Response:
    """The run as it goes on, from behind the turn that the browser has seen last."""
    task = find_task(find_run(number)["task"])
    place = read_place(request.headers.get("Last-Event-ID") or request.args.get("after", ""))
    attempt, split = _attempt(), _wants_split()
    live: LiveRuns = current_app.extensions["live"]
    if not live.places.acquire(blocking=False):
        return Response("too many watch\n", HTTPStatus.SERVICE_UNAVAILABLE, mimetype="text/plain")
    renderer = RunRenderer(
        head=lambda row, latest, doing: _render_head(row, task["id"], latest, doing),
        result=lambda row: render_template("run_result.html", run=row, attempt=attempt, beside=split),
        turn=lambda turn: render_template("run_turn.html", turn=turn),
        output=lambda piece: render_template("run_output.html", piece=piece),
    )
    events = stream_run(live.watch(number, attempt, split), place, renderer)
    response = Response(stream_with_context(events), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    response.call_on_close(live.places.release)
    return response


def _render_head(row: Row, task: int, latest: Row | None, doing: Row | None) -> str:
    """The part of the run's page above its result, as it is now."""
    about = find_task(task)
    made = _reader().attempts(_root(about))
    return render_template("run_head.html", run=row, task=about, attempts=made, latest=latest, doing=doing)


@blueprint.get("/runs/<int:number>/turns")
def run_turns(number: int) -> str:
    """The turns of an ended run behind ``?after=``, and the element that asks for the next ones."""
    row = find_run(number)
    find_task(row["task"])
    asked = request.args.get("after", "")
    after = min(_number(asked), _MAX_SEQ) if asked and asked != "-1" else -1
    turns = _reader().turns(number, after, _attempt())
    return render_template(
        "run_turns.html",
        run=row,
        attempt=_attempt(),
        turns=turns,
        last=turns[-1]["seq"] if turns else after,
        live=_live(row),
    )


@blueprint.get("/runs/<int:number>.json")
def run_json(number: int) -> Response:
    """The run for programs: state, phase, plan, proof, diff."""
    row = find_run(number)
    about = find_task(row["task"])
    return jsonify(
        {
            "id": row["id"],
            "task": row["task"],
            "attempt": row["attempt"],
            "state": about["state"] if about["told_at"] or about["state"] not in TERMINAL else row["state"],
            "phase": row["phase"],
            "seconds": round(float(row["seconds"]), 2),
            "repository": about["repo_full_name"],
            "thread": about["thread_number"],
            "pull": about["pull"] or None,
            "branch": about["branch"],
            "plan": row["plan"],
            "outcome": row["outcome"],
            "proof": row["proof"],
            "usage": row["usage"],
            "diff": row["diff"],
            "error": row["error"],
        }
    )


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the process lives and the database answers, 503 otherwise."""
    try:
        _reader().check_database()
    except SQLAlchemyError:
        return Response(
            "the database does not answer\n", HTTPStatus.SERVICE_UNAVAILABLE, mimetype="text/plain"
        )
    return Response("ok\n", mimetype="text/plain")


def find_task(number: int) -> Row:
    """A task that the viewer may see; 404 for any other, so that nobody learns that it is there."""
    row = _found(_reader().task(number) if number <= _MAX_ID else None)
    if not find_viewer().may_see(row["repo_id"]):
        abort(HTTPStatus.NOT_FOUND)
    return row


def find_run(number: int) -> Row:
    """A run, 404 for none; whether the viewer may see it says its task."""
    return _found(_reader().run(number) if number <= _MAX_ID else None)


def _root(task: Row) -> int:
    """The task at whose request its attempts are."""
    return int((task["directive"] or {}).get("of") or task["id"])


def _attempt() -> int:
    """The attempt whose transcript is asked for, 0: the chosen or first one."""
    return min(_number(request.args.get("attempt", "")), _MAX_SEQ)


def _wants_split() -> bool:
    """Whether changes are to be shown side by side."""
    return request.args.get("diff") == "split"


def _found(row: Row | None) -> Row:
    if row is None:
        abort(HTTPStatus.NOT_FOUND)
    return row


def _live(row: Row) -> bool:
    return row["ended_at"] is None
