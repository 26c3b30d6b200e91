"""``hob block`` and ``hob unblock``: the operator decides from whom no requests are taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.domain import Person
    from bot.settings import Settings
    from bot.tasks.store import Store

_WHERE = click.option("--repository", default="", metavar="OWNER/NAME", help="There alone, not everywhere.")


@click.command()
@click.argument("who", required=False, metavar="LOGIN|NUMBER")
@_WHERE
@click.option("--reason", default="", help="For the list; the person does not see it.")
def block(who: str | None, repository: str, reason: str) -> None:
    """Take no requests from a person, by login or by their account's number; without one, list them.

    A login is looked up among those who asked for something. What the person had asked for and is not done
    is stopped. A block is of the account: another name does not help.
    """
    from bot.settings import load

    asyncio.run(_block(load(), who, repository, reason))


@click.command()
@click.argument("who", metavar="LOGIN|NUMBER")
@_WHERE
def unblock(who: str, repository: str) -> None:
    """Take requests from a person again, if they may write to the repository."""
    from bot.settings import load

    asyncio.run(_unblock(load(), who, repository))


async def _block(settings: Settings, who: str | None, repository: str, reason: str) -> None:
    from bot.serve.process import open_migrated_database
    from bot.tasks.store import Store

    async with open_migrated_database(settings) as database:
        store = Store(database.engine)
        if who is None:
            for each in await store.list_blocks():
                by = each.by or "the operator"
                line = f"{each.person}  {each.login}  {each.scope}  {by}  {each.since:%F}  {each.reason}"
                click.echo(line.rstrip())
            return
        person = await _find_person(store, who)
        scope, repo_id = await _find_scope(store, repository)
        new = await store.block(scope, person, by="", reason=reason)
        ended = await store.list_open_tasks_of(person.id, repo_id)
        for task in ended:
            await store.ask_cancel(task, why="its requester was blocked by who runs this Hob")
    state = "blocked" if new else "was blocked before"
    click.echo(f"{person.login} ({person.id}) {state}, {len(ended)} tasks stopped")


async def _unblock(settings: Settings, who: str, repository: str) -> None:
    from bot.serve.process import open_migrated_database
    from bot.tasks.store import Store

    async with open_migrated_database(settings) as database:
        store = Store(database.engine)
        scope, _ = await _find_scope(store, repository)
        person = await _find_person(store, who)
        if not await store.unblock(scope, person.id):
            raise click.ClickException(
                f"{person.login} ({person.id}) is not blocked there; `hob block` lists who is"
            )
    click.echo(f"{person.login} ({person.id}) unblocked")


async def _find_person(store: Store, who: str) -> Person:
    """The account: a number is one, a login is looked up. Raises ClickException when it is not known."""
    from bot.domain import Person

    if who.isascii() and who.isdecimal():
        known = next((each.login for each in await store.list_blocks() if each.person == int(who)), who)
        return Person(id=int(who), login=known)
    person = await store.find_person(who.removeprefix("@"))
    if person is None:
        raise click.ClickException(
            f"nobody called {who} asked for anything here: give the account's number, which stands at "
            f"https://api.github.com/users/{who.removeprefix('@')} as `id`"
        )
    return person


async def _find_scope(store: Store, repository: str) -> tuple[str, int | None]:
    """The block's scope and the repository's number. Raises ClickException for one without tasks."""
    from bot.tasks.safety.records import EVERYWHERE, name_repository

    if not repository:
        return EVERYWHERE, None
    found = await store.find_repository(repository)
    if found is None:
        raise click.ClickException(f"nothing was ever asked for in {repository}")
    return name_repository(found), found
