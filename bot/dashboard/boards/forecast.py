"""What the load of the last thirty days, or another one, needs: ``hob forecast`` as a page."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from flask import Blueprint, abort, current_app, render_template, request
from sqlalchemy import Engine, text

from bot.dashboard.access.viewer import find_viewer
from bot.dashboard.background_counts import find_counts
from bot.forecast.forecast import Forecast, forecast, read_load, render_wait
from bot.forecast.measure import DAYS, ModelSpeed, measure_models, measure_workload
from bot.forecast.workload import ForecastError, Workload
from bot.serve.capacity import Machine, compute_capacity, read_machine
from bot.settings import Settings

blueprint = Blueprint("forecast", __name__)

FACTORS = (1, 2, 10)  # times the load that there is
GIB = 1024**3
MOST_KEPT = 32  # forecasts that are kept for who looks again
_SEEN = text("""
    SELECT count(DISTINCT repo_id) AS repositories, count(DISTINCT installation) AS installations,
        count(*)::float
            / greatest(1, least(:days, extract(epoch FROM now() - min(created_at)) / 86400)) AS tasks
    FROM tasks WHERE created_at > now() - make_interval(days => :days)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastCounts:
    """A task, models and the load as measured ('' where nothing was asked for), and forecasts, or what is
    wrong.
    """

    workload: Workload
    measured: str
    models: Sequence[ModelSpeed]
    forecasts: Sequence[Forecast] = ()
    wrong: str = ""


class ForecastBoard:
    """Forecasts over one database; one is computed at a time, and kept while nothing it rests on changes."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings
        self._computing = threading.Lock()
        self._kept: dict[tuple[object, ...], Forecast] = {}

    def find_load(self) -> str:
        """The load of the last thirty days as ``hob forecast`` reads it, '' where nothing was asked for."""
        with self._engine.connect() as connection:
            row = connection.execute(_SEEN, {"days": DAYS}).one()
        if not row.repositories:
            return ""
        return f"{row.repositories}:{max(1, round(row.tasks))}:{min(row.installations, row.repositories)}"

    def count(self, asked: str, machine: Machine) -> ForecastCounts:
        """What the load ``asked`` for needs; for none the measured one, and ``FACTORS`` times that."""
        measured = self.find_load()
        with self._engine.connect() as connection:
            workload, models = measure_workload(connection), measure_models(connection)
        wanted = [asked] if asked else list(_multiply(measured))
        try:
            made = [self.compute(workload, each, machine) for each in wanted]
        except ForecastError as trouble:
            return ForecastCounts(workload=workload, measured=measured, models=models, wrong=str(trouble))
        return ForecastCounts(workload=workload, measured=measured, models=models, forecasts=made)

    def compute(self, workload: Workload, words: str, machine: Machine) -> Forecast:
        """What a load needs of workers on such machines. Raises ForecastError."""
        load = read_load(words)
        key = (words, machine, repr(workload))
        with self._computing:
            if key not in self._kept:
                capacity = compute_capacity(self._settings, machine)
                made = forecast(workload, load, capacity, cpus=machine.cpus)
                self._kept = dict([*self._kept.items(), (key, made)][-MOST_KEPT:])
            return self._kept[key]


@blueprint.get("/forecast")
def show() -> str:
    """The forecasts; 404 for anybody but operators."""
    if not find_viewer().sees_all:
        abort(HTTPStatus.NOT_FOUND)
    board: ForecastBoard = current_app.extensions["forecast_board"]
    machine = _read_asked_machine(request.args)
    asked = " ".join(request.args.get("load", "").split())[:60]
    return render_template(
        "forecast.html",
        counted=find_counts().look(("forecast", asked, machine), partial(board.count, asked, machine)),
        asked=asked,
        machine=machine,
        gib=machine.memory // GIB,
        wait=render_wait,
        days=DAYS,
    )


def _multiply(measured: str) -> list[str]:
    """The measured load and so many times that, in as many repositories."""
    if not measured:
        return []
    repositories, tasks, installations = map(int, measured.split(":"))
    return [f"{repositories}:{tasks * factor}:{installations}" for factor in FACTORS]


def _read_asked_machine(given: Mapping[str, str]) -> Machine:
    """A worker's machine as asked for, else this one."""
    here = read_machine()
    cpus, memory = given.get("cpus", ""), given.get("memory", "")
    return Machine(
        cpus=int(cpus) if cpus.isascii() and cpus.isdigit() and 0 < int(cpus) <= 1024 else here.cpus,
        memory=int(memory) * GIB
        if memory.isascii() and memory.isdigit() and 0 < int(memory) <= 65_536
        else here.memory,
    )
