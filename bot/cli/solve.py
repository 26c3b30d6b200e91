"""``hob solve``: work on a local repository without GitHub."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from bot.cli import importing


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("request")
@click.option("--model", help="Any pydantic-ai model name, or several (a,b); default HOB_MODEL or offline.")
@click.option(
    "--attempts",
    type=click.IntRange(1, 8),
    help="Make N in parallel and take the best; default: more only when the first fails its proof.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--diff", "diff_only", is_flag=True, help="Print only the diff, as when stdout is not a terminal."
)
@click.option("--apply", "apply_", is_flag=True, help="Apply the change to the working tree.")
def solve(
    path: Path,
    request: str,
    model: str | None,
    attempts: int | None,
    as_json: bool,
    diff_only: bool,
    apply_: bool,
) -> None:
    """Work on a local git repository: print the diff and the proof, change nothing.

    If stdout is not a terminal, it gets only the diff, fit for `git apply`; the rest goes to stderr.
    """
    with importing():
        from bot.offline.registry import MODELS
        from bot.serve.sandbox import make_workshop
        from bot.settings import load, make_home
        from bot.solve.solve import apply_patch
        from bot.solve.solve import solve as run_solve
        from bot.solve.terminal import print_patch, print_solved

    if as_json and diff_only:
        raise click.UsageError("--json and --diff are two ways to print it: choose one")
    if not request.strip():
        raise click.UsageError("REQUEST is empty: say what should change")
    settings = load(model=model)
    make_home(settings)
    tell = _choose_progress(as_json)
    solved = asyncio.run(
        run_solve(
            path,
            request,
            workshop=make_workshop(settings),
            model=settings.model,
            tell=tell,
            attempts=attempts,
            models=replace(MODELS, first_event_seconds=settings.model_seconds, windows=settings.model_window),
        )
    )
    if as_json:
        click.echo(json.dumps(solved.as_json(), indent=2))
    elif diff_only or not sys.stdout.isatty():
        print_solved(solved, Console(stderr=True), with_diff=False)
        print_patch(solved.patch)
    else:
        print_solved(solved, Console())
    if apply_ and solved.passed:
        apply_patch(path, solved.patch)
        click.echo(f"Applied to {path}.", err=True)
    sys.exit(0 if solved.passed or solved.answered else 1)


def _choose_progress(as_json: bool) -> Callable[[str], None]:
    """Where lines of progress go: to stderr, or nowhere when a program reads the output."""
    if as_json and not sys.stderr.isatty():
        return lambda _: None
    return lambda line: click.echo(line, err=True)
