"""How the variants of a flag do on live work: the report of ``hob experiment`` as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from flask import Blueprint, abort, current_app, render_template, request
from sqlalchemy import Engine

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.background_counts import find_counts
from bot.dashboard.boards.command_reports import select_reports
from bot.dashboard.page_reader import PageReader
from bot.experiments.compare import compare_variants, render_experiment
from bot.experiments.estimates import (
    SignFigures,
    load_estimate_errors,
    load_sign_figures,
    render_estimate_errors,
)
from bot.experiments.outcomes import PROMPT_VERSION, load_outcomes
from bot.flags.known import KNOWN
from bot.tasks.reports.records import ReportKind

blueprint = Blueprint("experiments", __name__)

DAYS = (7, 30, 91, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentCounts:
    """The report's lines, how far estimates were off, and how tasks with each sign of theirs ended."""

    lines: Sequence[str]
    errors: str
    signs: Sequence[SignFigures]


class ExperimentBoard:
    """The variants of a flag over one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self, flag: str, days: int) -> ExperimentCounts:
        """The report of so many days, against the largest variant."""
        with self._engine.connect() as connection:
            variants = load_outcomes(connection, flag, days=days)
            errors = render_estimate_errors(load_estimate_errors(connection, days=days))
            signs = load_sign_figures(connection, days=days)
        comparisons = compare_variants(variants, variants[0]) if variants else []
        lines = render_experiment(flag, variants, comparisons, variants[0].name if variants else "")
        return ExperimentCounts(lines=lines, errors=errors, signs=signs)


@blueprint.get("/experiments")
def show() -> str:
    """The report on one flag; 404 for anybody but operators."""
    if not find_viewer().sees_all:
        abort(HTTPStatus.NOT_FOUND)
    flags = (*KNOWN, PROMPT_VERSION)
    flag, days = request.args.get("flag", ""), request.args.get("days", "")
    chosen = flag if flag in flags else "prompt"
    period = next((each for each in DAYS if str(each) == days), 30)
    board: ExperimentBoard = current_app.extensions["experiment_board"]
    reader: PageReader = current_app.extensions["reader"]
    return render_template(
        "experiments.html",
        flags=flags,
        flag=chosen,
        days=DAYS,
        period=period,
        counted=find_counts().look(("experiments", chosen, period), partial(board.count, chosen, period)),
        tuned=reader.select(select_reports(ReportKind.TUNE)),
    )
