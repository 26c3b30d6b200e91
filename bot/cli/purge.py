"""``hob purge``: delete what is kept of a repository or a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import Settings


@click.command()
@click.option("--repository", default="", metavar="OWNER/NAME", help="Everything of this repository.")
@click.option("--person", default="", metavar="LOGIN", help="What this person asked for, wherever.")
def purge(repository: str, person: str) -> None:
    """Delete ended tasks with their transcripts, handled deliveries, and a repository's mirror.

    What still runs or waits is left: stop it first. Nothing on GitHub is touched.
    """
    from bot.settings import load

    if bool(repository) == bool(person):
        raise click.UsageError("give --repository or --person")
    asyncio.run(_purge(load(), repository, person))


async def _purge(settings: Settings, repository: str, person: str) -> None:
    from bot.serve.process import open_migrated_database
    from bot.serve.sandbox import make_workshop
    from bot.tasks.store import Store

    async with open_migrated_database(settings) as database:
        store = Store(database.engine)
        tasks = await store.purge_tasks(repo=repository, person=person)
        deliveries = await store.purge_deliveries(_tell_about(repository, person))
    mirror = make_workshop(settings).mirror
    gone = [number for number in tasks if repository and await mirror.remove(number)]
    click.echo(f"{sum(tasks.values())} tasks, {deliveries} deliveries, {len(gone)} mirrors deleted")


def _tell_about(repository: str, person: str) -> Callable[[bytes], bool]:
    """Whether a delivery's body names the repository as its own, or the person anywhere, in any case."""
    login = f'"login": {json.dumps(person.lower())}'

    def tell(body: bytes) -> bool:
        payload = json.loads(body)
        if repository:
            about = payload.get("repository")
            name = about.get("full_name") if isinstance(about, dict) else None
            return isinstance(name, str) and name.lower() == repository.lower()
        return login in json.dumps(payload).lower()

    return tell
