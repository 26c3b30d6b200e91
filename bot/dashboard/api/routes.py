"""The API's addresses, each a GET: nothing can be done here, only read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from pydantic import BaseModel

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.api.answers import (
    ANSWERS,
    AttemptAnswer,
    FigureAnswer,
    FiguresAnswer,
    RunAnswer,
    TaskAnswer,
    TaskDetails,
    TaskPage,
    TurnsAnswer,
)
from bot.dashboard.figures.query import COLUMNS, read_choice
from bot.dashboard.figures.routes import count_groups
from bot.dashboard.live import read_place
from bot.dashboard.page_reader import PageReader, Row
from bot.dashboard.pages import find_run, find_task
from bot.dashboard.task_list import PAGE, read_filter
from bot.domain import Person
from bot.tasks.database.column_values import restore

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

TURNS = 50


def _reader() -> PageReader:
    reader: PageReader = current_app.extensions["reader"]
    return reader


@blueprint.get("/tasks")
def list_tasks() -> Response:
    """Tasks, narrowed as the first page's address narrows them."""
    found = _reader().list_tasks(read_filter(request.args), find_viewer().repos)
    tasks = [TaskAnswer(**_describe_task(row)) for row in found[:PAGE]]
    return _answer(TaskPage(tasks=tasks, before=tasks[-1].id if len(found) > PAGE else None))


@blueprint.get("/tasks/<int:number>")
def show_task(number: int) -> Response:
    """One task."""
    task = find_task(number)
    row = _reader().find_listed(number) or task
    attempts = [
        AttemptAnswer(
            **{name: each[name] for name in ("ordinal", "state", "chosen", "model", "run", "error")},
            proof=(each["proof"] or {}).get("state"),
        )
        for each in _reader().attempts(int((task["directive"] or {}).get("of") or number))
    ]
    runs = [each["id"] for each in _reader().runs(number)]
    return _answer(TaskDetails(**_describe_task(row), runs=runs, attempts=attempts))


@blueprint.get("/runs/<int:number>")
def show_run(number: int) -> Response:
    """One run."""
    row = find_run(number)
    find_task(row["task"])
    names = (
        "id",
        "task",
        "state",
        "phase",
        "started_at",
        "ended_at",
        "error",
        "plan",
        "outcome",
        "proof",
        "usage",
    )
    return _answer(RunAnswer(**{name: row[name] for name in names}, base=row["base_sha"], diff=row["diff"]))


@blueprint.get("/runs/<int:number>/turns")
def list_turns(number: int) -> Response:
    """The transcript of a run's published or first attempt, ``TURNS`` turns behind ``?after=``."""
    find_task(find_run(number)["task"])
    turns = _reader().turns(number, read_place(request.args.get("after", "")).turn, limit=TURNS)
    shown = [{name: value for name, value in each["record"].items() if name != "messages"} for each in turns]
    return _answer(TurnsAnswer(turns=shown, after=turns[-1]["seq"] if turns else None))


@blueprint.get("/figures")
def show_figures() -> Response:
    """What the page of figures counts."""
    choice = read_choice(request.args)
    groups = [
        FigureAnswer(name=str(row["name"]), **{name: row[name] for name in COLUMNS})
        for row in count_groups(choice)
    ]
    return _answer(FiguresAnswer(by=choice.by, period=choice.period, groups=groups))


@blueprint.get("/schema.json")
def show_schema() -> Response:
    """The answers as JSON Schema, by name."""
    return jsonify({each.__name__: each.model_json_schema() for each in ANSWERS})


def _describe_task(row: Row) -> dict[str, Any]:
    same = (
        "id",
        "kind",
        "state",
        "verdict",
        "reason",
        "request",
        "created_at",
    )  # columns of these names
    found = {name: row.get(name) for name in ("run", "usd", "seconds", "model")}
    return {
        **{name: row[name] for name in same},
        **found,
        "repository": row["repo_full_name"],
        "thread": row["thread_number"],
        "title": row["thread"].get("title", ""),
        "person": restore(Person, row["requester"]).login,
        "pull": row["pull"] or None,
    }


def _answer(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), mimetype="application/json")
