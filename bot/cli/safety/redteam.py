"""``hob redteam``: a hostile model and a hostile repository against this configuration."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.redteam.report import Report
    from bot.settings import Settings


@click.command()
@click.argument("words", nargs=-1)
def redteam(words: tuple[str, ...]) -> None:
    """Play a hostile model in the sandbox as configured here: some 150 moves, or those that contain WORDS.

    Exit 0 when all held, 1 when something did not, 2 when nothing can be played. Needs neither GitHub nor a
    database nor a model, and leaves nothing behind but, where there is a database, its report for /safety.
    """
    from bot.redteam.report import render_report
    from bot.settings import load

    report, unkept = asyncio.run(_play(load(), words))
    click.echo(render_report(report))
    if unkept:
        click.echo(f"/safety does not show this: {unkept}", err=True)
    sys.exit(1 if report.wrong else 0)


async def _play(settings: Settings, words: tuple[str, ...]) -> tuple[Report, str]:
    """The report, and why it is not kept, '' where it is."""
    from pathlib import Path

    from bot.redteam.report import describe_report, run_red_team
    from bot.serve.process import start_process
    from bot.serve.sandbox import make_workshop
    from bot.serve.store_report import store_report
    from bot.tasks.reports.records import ReportKind

    redactor = start_process(settings)
    with tempfile.TemporaryDirectory(prefix="redteam-", dir=settings.home) as folder:
        home = Path(folder, "home")
        home.mkdir()
        workshop = make_workshop(settings.model_copy(update={"home": home}))
        report = await run_red_team(settings, workshop, Path(folder), words)
    found = describe_report(report, settings.sandbox, words, redactor.text)
    return report, await store_report(settings, ReportKind.REDTEAM, found)
