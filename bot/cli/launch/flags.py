"""``hob flags``: launching with a switch. What flags say to whom, and the kill switch."""

from __future__ import annotations

import asyncio
import os
import platform
import pwd
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bot.flags.records import Actor
    from bot.settings import Settings

T = TypeVar("T")
_FOR = "all, installation:NUMBER, repository:owner/name, person:login or pilots:NAME."
_SCOPE = "all, installation:NUMBER or repository:NUMBER."
_UNITS = ("installation", "repository", "person", "thread")


@click.group()
def flags() -> None:
    """Turn models, prompts, limits and features on for some, or everything off, without a restart."""


@flags.command("list")
def list_all() -> None:
    """List what is set, what is paused, the pilots, and all flags."""
    from bot.flags.listing import list_flags

    for line in _do(lambda connection, _: list_flags(connection)):
        click.echo(line)


@flags.command("set")
@click.argument("flag")
@click.argument("value")
@click.option("--for", "audience", default="all", show_default=True, metavar="WHOM", help=_FOR)
@click.option(
    "--percent", default="100", show_default=True, help="Share that gets it; a higher one only adds to it."
)
@click.option(
    "--by",
    "unit",
    default="repository",
    show_default=True,
    type=click.Choice(_UNITS),
    help="What the percentage counts.",
)
def set_flag(flag: str, value: str, audience: str, percent: str, unit: str) -> None:
    """Set FLAG to VALUE; `hob flags list` names the flags."""
    from bot.flags.order import FlagOrder, carry_out

    order = FlagOrder(flag=flag, value=value, audience=audience, percent=percent, unit=unit)
    models = _load().allowed_models
    click.echo(_do(lambda connection, by: carry_out(connection, order, by, models)))


@flags.command("clear")
@click.argument("flag")
@click.option("--for", "audience", default="all", show_default=True, metavar="WHOM", help=_FOR)
def clear_flag(flag: str, audience: str) -> None:
    """Remove what is set of FLAG for WHOM; what is set for others stays."""
    from bot.flags.order import FlagOrder, clear

    click.echo(_do(lambda connection, by: clear(connection, FlagOrder(flag=flag, audience=audience), by)))


@flags.command()
@click.argument("name")
@click.option("--add", multiple=True, metavar="WHOM", help="installation:, repository: or person: to add.")
@click.option(
    "--remove", multiple=True, metavar="WHOM", help="installation:, repository: or person: to remove."
)
def pilots(name: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """List or change the pilots on the list NAME, which `--for pilots:NAME` names."""
    from bot.flags.records import change_pilots, resolve_audience

    def change(connection: Connection, by: Actor) -> list[str]:
        added, removed = ([resolve_audience(connection, each) for each in some] for some in (add, remove))
        return change_pilots(connection, name, by, add=added, remove=removed)

    members = _do(change)
    click.echo(f"pilots:{name}: {', '.join(members) or 'nobody'}")


@flags.command()
@click.argument("flag")
@click.argument("value")
@click.option("--for", "audience", default="all", show_default=True, metavar="WHOM", help=_FOR)
@click.option("--steps", default="1,10,50,100", show_default=True, help="Percentages, rising to 100.")
@click.option("--hours", default=24.0, show_default=True, help="Shortest duration of a step.")
@click.option("--margin", default=0.15, show_default=True, help="By how much a share may be worse.")
@click.option(
    "--by", "unit", default="thread", show_default=True, type=click.Choice(_UNITS), help="What is counted."
)
def release(flag: str, value: str, audience: str, steps: str, hours: float, margin: float, unit: str) -> None:
    """Release VALUE of FLAG to more and more, step by step, and take it back where it does worse."""
    from bot.flags.order import FlagOrder, begin

    order = FlagOrder(flag=flag, value=value, audience=audience, unit=unit)
    models = _load().allowed_models

    def change(connection: Connection, by: Actor) -> str:
        return begin(connection, order, by, models, steps=steps, hours=hours, margin=margin)

    click.echo(_do(change))


@flags.command()
@click.argument("flag")
def stop(flag: str) -> None:
    """End the release of FLAG; nobody keeps its value."""
    from bot.flags.releases import stop_release

    _do(lambda connection, by: stop_release(connection, flag, by))
    click.echo(f"the release of {flag} is stopped: nobody has its value any more")


@flags.command("kill")
@click.option("--for", "scope", default="all", show_default=True, metavar="SCOPE", help=_SCOPE)
@click.option(
    "--running", is_flag=True, help="Stop running tasks too; one that is publishing finishes first."
)
@click.option("--reason", default="", help="Shown on the threads whose runs are stopped.")
def kill_switch(scope: str, running: bool, reason: str) -> None:
    """Stop beginning work, in every worker at once; requests are kept and go on with `resume`."""
    from bot.flags.kill import kill
    from bot.flags.known import FlagError

    done = _do(lambda connection, by: kill(connection, scope, by, running=running, reason=reason), own=True)
    said = f"; {done.stopped} runs stop within seconds" if running else "; what runs goes on to its end"
    click.echo(f"no task is begun in {scope} from now on{said}")
    if done.left:
        raise FlagError(f"{done.left} runs could not be stopped, as the database holds their rows: repeat it")


@flags.command("resume")
@click.option("--for", "scope", default="all", show_default=True, metavar="SCOPE", help=_SCOPE)
def resume_work(scope: str) -> None:
    """Begin work again after `kill`."""
    from bot.flags.kill import resume

    there = _do(lambda connection, by: resume(connection, scope, by))
    click.echo(f"{scope}: tasks are begun again within seconds" if there else f"{scope} was not paused")


def _load() -> Settings:
    from bot.settings import load

    return load()


def _do(change: Callable[[Connection, Actor], T], *, own: bool = False) -> T:
    """Carry out ``change`` in one transaction, or in its ``own``, in the name of the user of this machine."""
    return asyncio.run(_carry_out(_load(), change, own))


async def _carry_out(settings: Settings, change: Callable[[Connection, Actor], T], own: bool) -> T:
    from bot.flags.records import Actor
    from bot.serve.process import open_migrated_database

    by = Actor(login=_find_user(), address=platform.node())
    async with open_migrated_database(settings) as database:
        engine = database.engine
        async with engine.connect() if own else engine.begin() as connection:
            return await connection.run_sync(lambda plain: change(plain, by))


def _find_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
