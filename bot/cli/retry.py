"""``hob retry``: handle again the deliveries whose handling failed."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import Settings

ALL = 10_000  # failed deliveries at once


@click.command()
@click.argument("deliveries", nargs=-1, metavar="[GUID]...")
def retry(deliveries: tuple[str, ...]) -> None:
    """Handle failed deliveries again: those named, or all of them; `hob doctor` lists them."""
    from bot.settings import load

    missing = asyncio.run(_retry(load(), deliveries))
    sys.exit(1 if missing else 0)


async def _retry(settings: Settings, deliveries: tuple[str, ...]) -> int:
    """Returns how many of those named had not failed."""
    from bot.serve.process import open_migrated_database
    from bot.tasks.store import Store

    missing = 0
    async with open_migrated_database(settings) as database:
        store = Store(database.engine)
        guids = deliveries or [each.guid for each in await store.list_failed_deliveries(ALL)]
        for guid in guids:
            done = await store.retry_delivery(guid)
            missing += not done
            click.echo(f"{guid}: {'to be handled again' if done else 'no delivery of this GUID has failed'}")
    click.echo(f"{len(guids) - missing} deliveries")
    return missing
