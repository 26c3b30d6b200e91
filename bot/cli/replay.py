"""``hob replay``: run a stored run again."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.replay.replay import ReplayReport
    from bot.settings import Settings


@click.command()
@click.argument("run", type=click.IntRange(1))
@click.option(
    "--attempt", type=click.IntRange(1), help="Number of the attempt; default the chosen or the first."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(run: int, attempt: int | None, as_json: bool) -> None:
    """Replay RUN from its recorded answers. Exit 0: all turns agree; 1: a divergence; 2: it cannot run."""
    from bot.replay.render import make_object, render_text
    from bot.settings import load

    report = asyncio.run(_replay(load(), run, attempt))
    click.echo(json.dumps(make_object(report), indent=2) if as_json else render_text(report))
    sys.exit(1 if report.divergence else 0)


async def _replay(settings: Settings, run: int, attempt: int | None) -> ReplayReport:
    """Replay a stored run. Raises HobError when that is not possible."""
    from bot.replay.replay import replay as run_replay
    from bot.serve.process import open_migrated_database, start_process
    from bot.serve.sandbox import make_workshop
    from bot.tasks.store import Store

    redactor = start_process(settings)
    workshop = make_workshop(settings)
    async with open_migrated_database(settings) as database:
        return await run_replay(Store(database.engine), workshop, redactor, run, attempt=attempt)
