"""``hob export``: transcripts as training data, of repositories that agreed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import Settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(folder: Path) -> None:
    """Write transcripts into FOLDER, which must be empty, as training data with a data card.

    Only of repositories whose hob.yml says `training: yes` on the default branch now. For fine-tuning by
    OpenAI's rules (JSONL) and by TRL: supervised, preferences, and unpaired with a label.
    """
    from bot.settings import load

    asyncio.run(_export(load("app_id", "private_key"), folder))


async def _export(settings: Settings, folder: Path) -> None:
    import aiohttp

    from bot.errors import HobError, Parked, Retry
    from bot.github.app import GitHub
    from bot.serve.process import open_migrated_database, start_process
    from bot.serve.store_report import store_report
    from bot.tasks.reports.records import ReportKind
    from bot.tasks.store import Store
    from bot.training.collect import Collector
    from bot.training.write import write_export

    redactor = start_process(settings)
    async with open_migrated_database(settings) as database, aiohttp.ClientSession() as session:
        github = GitHub(
            session,
            api_url=settings.github_url,
            app_id=settings.app.app_id,
            private_key=settings.app.private_key.get_secret_value(),
            on_token=redactor.add_token,
        )
        try:
            collected = await Collector(Store(database.engine), github, redactor.text).collect()
        except (Parked, Retry) as away:
            raise HobError(f"GitHub cannot be asked now, so nothing was written: {away}") from None
    written = await asyncio.to_thread(write_export, collected, folder)
    for name, count in written.items():
        click.echo(f"{count:>6}  {folder / name}")
    for why, count in sorted(collected.left_out.items()):
        click.echo(f"{count:>6}  left out: {why}")
    found = {"folder": str(folder), "files": written, "left_out": dict(collected.left_out)}
    if unkept := await store_report(settings, ReportKind.EXPORT, found):
        click.echo(f"/learning does not show this: {unkept}", err=True)
