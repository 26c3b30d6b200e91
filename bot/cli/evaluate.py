"""``hob eval``: measure models on a suite of tasks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bot.cli import importing


@click.command("eval")
@click.argument(
    "suites", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--model", "models", multiple=True, help="Give it twice to compare two; default HOB_MODEL.")
@click.option("--attempts", type=click.IntRange(1, 64), default=1, help="Independent attempts at each task.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, help="Attempts in parallel.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N tasks.")
@click.option("--filter", "filter_", default="", help="Only tasks with this text in their id, kind or split.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--timeout", type=click.FloatRange(1), default=900.0, help="Seconds for one attempt.")
def evaluate(
    suites: tuple[Path, ...],
    models: tuple[str, ...],
    attempts: int,
    jobs: int,
    limit: int | None,
    filter_: str,
    out: Path | None,
    as_json: bool,
    timeout: float,
) -> None:
    """Measure models on tasks in SWE-bench format (JSON lines); can be resumed."""
    with importing():
        from bot.eval.command import EvalOptions, choose_models
        from bot.eval.command import evaluate as run_evaluate
        from bot.serve.sandbox import make_workshop
        from bot.settings import load, make_home

    settings = load()
    make_home(settings)
    options = EvalOptions(
        suites=suites,
        models=choose_models(models, settings.model),
        attempts=attempts,
        jobs=jobs,
        limit=limit,
        filter=filter_,
        out=out,
        as_json=as_json,
        seconds=timeout,
    )
    sys.exit(run_evaluate(options, make_workshop(settings), settings.home))
