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
    """Play a hostile model in the sandbox as it is set up here: some 150 moves, or those named by WORDS.

    Exit 0 when all held, 1 when something did not, 2 when nothing can be played. Needs neither GitHub nor a
    database nor a model, and leaves nothing behind.
    """
    from bot.redteam.report import render_report
    from bot.settings import load

    report = asyncio.run(_play(load(), words))
    click.echo(render_report(report))
    sys.exit(1 if report.wrong else 0)


async def _play(settings: Settings, words: tuple[str, ...]) -> Report:
    from pathlib import Path

    from bot.redteam.report import run_red_team
    from bot.serve.process import start_process
    from bot.serve.sandbox import make_workshop

    start_process(settings)
    with tempfile.TemporaryDirectory(prefix="redteam-", dir=settings.home) as folder:
        home = Path(folder, "home")
        home.mkdir()
        workshop = make_workshop(settings.model_copy(update={"home": home}))
        return await run_red_team(settings, workshop, Path(folder), words)
