"""``hob block`` and ``hob unblock``: the operator decides from whom no requests are taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import Settings

_WHERE = click.option(
    "--repository", default="", metavar="OWNER/NAME", help="Only in this repository, not everywhere."
)


@click.command()
@click.argument("who", required=False, metavar="LOGIN|NUMBER")
@_WHERE
@click.option("--reason", default="", help="Shown in the list; the person does not see it.")
def block(who: str | None, repository: str, reason: str) -> None:
    """Stop taking requests from a person, by login or account id; without one, list who is blocked.

    A login is looked up among those who asked for something. What the person had asked for and is not done
    is stopped. A block is of the account, so a new login does not evade it.
    """
    from bot.settings import load
    from bot.tasks.safety.operator_blocks import BlockError

    try:
        asyncio.run(_block(load(), who, repository, reason))
    except BlockError as refused:
        raise click.ClickException(str(refused)) from None


@click.command()
@click.argument("who", metavar="LOGIN|NUMBER")
@_WHERE
def unblock(who: str, repository: str) -> None:
    """Take requests from a person again, if they may write to the repository."""
    from bot.settings import load
    from bot.tasks.safety.operator_blocks import BlockError

    try:
        asyncio.run(_unblock(load(), who, repository))
    except BlockError as refused:
        raise click.ClickException(str(refused)) from None


async def _block(settings: Settings, who: str | None, repository: str, reason: str) -> None:
    from bot.serve.process import open_migrated_database
    from bot.tasks.safety.operator_blocks import block_person
    from bot.tasks.store import Store

    async with open_migrated_database(settings) as database:
        store = Store(database.engine)
        if who is not None:
            click.echo(await block_person(store, who, repository, reason=reason))
            return
        for each in await store.list_blocks():
            by = each.by or "the operator"
            line = f"{each.person}  {each.login}  {each.scope}  {by}  {each.since:%F}  {each.reason}"
            click.echo(line.rstrip())


async def _unblock(settings: Settings, who: str, repository: str) -> None:
    from bot.serve.process import open_migrated_database
    from bot.tasks.safety.operator_blocks import unblock_person
    from bot.tasks.store import Store

    async with open_migrated_database(settings) as database:
        click.echo(await unblock_person(Store(database.engine), who, repository))
