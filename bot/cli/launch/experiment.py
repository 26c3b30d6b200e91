"""``hob experiment``: whether variants of a flag differ on live work, and how many tasks more it needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.experiments.outcomes import VariantOutcomes
    from bot.settings import Settings


@click.command()
@click.argument("flag")
@click.option("--days", default=30, show_default=True, help="Count tasks that began in the last N days.")
@click.option("--against", metavar="VALUE", help="The value to compare with; default the most frequent.")
def experiment(flag: str, days: int, against: str | None) -> None:
    """Show how tasks ended by their value of FLAG; prompt-version compares system prompts."""
    from bot.experiments.compare import compare_variants, render_experiment
    from bot.experiments.outcomes import NOT_SET
    from bot.flags.known import FlagError
    from bot.settings import load

    variants = asyncio.run(_load(load(), flag, days))
    wanted = "" if against == NOT_SET else against
    base = next((each for each in variants if wanted in (None, each.name)), None)
    if base is None and variants:
        names = ", ".join(each.name or NOT_SET for each in variants)
        raise FlagError(f"no task that ended had {flag} = {against}; there are {names}")
    comparisons = compare_variants(variants, base) if base else []
    for line in render_experiment(flag, variants, comparisons, base.name if base else ""):
        click.echo(line)


async def _load(settings: Settings, flag: str, days: int) -> list[VariantOutcomes]:
    from bot.experiments.outcomes import load_outcomes
    from bot.serve.process import open_migrated_database

    async with open_migrated_database(settings) as database, database.engine.connect() as connection:
        return await connection.run_sync(lambda plain: load_outcomes(plain, flag, days=days))
