"""``hob redeliver``: ask GitHub again for deliveries that failed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click


@click.command()
@click.option(
    "--hours",
    type=click.IntRange(1, 72),
    default=72,
    help="How far back; GitHub keeps deliveries for three days.",
)
def redeliver(hours: int) -> None:
    """Ask GitHub to redeliver the deliveries that failed."""
    from bot.github.cli.redeliver import redeliver as run_redeliver
    from bot.settings import load

    settings = load("app_id", "private_key")
    since = datetime.now(UTC) - timedelta(hours=hours)
    requests = run_redeliver(settings.app, since, write_spacing=settings.write_seconds)
    for one in requests:
        click.echo(f"{one.guid} {one.event}: {one.problem or 'asked for again'}")
    click.echo(f"{len(requests)} failed deliveries")
    sys.exit(1 if any(one.problem for one in requests) else 0)
