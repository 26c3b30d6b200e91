"""``hob tune``: learn the offline engine's order of candidates from the bug fixes of histories."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click


@click.command("tune")
@click.argument(
    "repos", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=200,
    help="How many fixes to take from each repository, newest first.",
)
@click.option("--lines", type=click.IntRange(1, 10), default=10, help="Most changed lines of a fix.")
@click.option("--since", default="", help="Only commits after this date, as git reads dates.")
@click.option("--fresh", is_flag=True, help="Start from zero, not from the shipped weights.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Output folder; default tuned/ in HOB_HOME.",
)
def tune(repos: tuple[Path, ...], most: int, lines: int, since: str, fresh: bool, into: Path | None) -> None:
    """Learn from clones on this machine which small edits are fixes, without running them."""
    from bot.serve.store_report import store_report
    from bot.settings import load, make_home
    from bot.tasks.reports.records import ReportKind
    from bot.tune.command import describe_tuned
    from bot.tune.command import tune as run_tune
    from bot.workspace.workshop import TUNED

    settings = load()
    make_home(settings)
    folder = into or settings.home / TUNED
    done = run_tune(repos, folder, tell=click.echo, most=most, lines=lines, since=since, fresh=fresh)
    click.echo(f"{len(done.weights)} weights: {done.path}")
    unkept = asyncio.run(store_report(settings, ReportKind.TUNE, describe_tuned(done)))
    if unkept:
        click.echo(f"/experiments does not show this: {unkept}", err=True)
