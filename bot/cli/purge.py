"""``hob purge``: delete what is kept of a repository or a person."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import Settings


@click.command()
@click.option("--repository", default="", metavar="OWNER/NAME", help="Everything of this repository.")
@click.option(
    "--person", default="", metavar="LOGIN", help="What this person asked for, in all repositories."
)
def purge(repository: str, person: str) -> None:
    """Delete ended tasks with their transcripts, handled deliveries, and a repository's mirror.

    Tasks that run or wait are kept: stop them first. Nothing on GitHub is touched. Records of what was
    refused and of corrections go too, and a person's sessions and API tokens; who is blocked stays blocked.
    """
    from bot.settings import load

    if bool(repository) == bool(person):
        raise click.UsageError("give --repository or --person")
    asyncio.run(_purge(load(), repository, person))


async def _purge(settings: Settings, repository: str, person: str) -> None:
    from bot.inbox.payload import is_of_repository, names_person
    from bot.serve.process import open_migrated_database
    from bot.serve.sandbox import make_workshop
    from bot.tasks.store import Store

    async with open_migrated_database(settings) as database:
        store = Store(database.engine)
        await store.purge_refusals(repo=repository, person=person)
        await store.purge_learning(repo=repository, person=person)
        if person:
            await store.purge_sign_ins(person)
        tasks = await store.purge_tasks(repo=repository, person=person)
        deliveries = await store.purge_deliveries(
            lambda body: is_of_repository(body, repository) if repository else names_person(body, person)
        )
    mirror = make_workshop(settings).mirror
    gone = [number for number in tasks if repository and await mirror.remove(number)]
    click.echo(f"{sum(tasks.values())} tasks, {deliveries} deliveries, {len(gone)} mirrors deleted")
