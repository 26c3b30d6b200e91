"""``hob forecast``: how many workers, how much money, how long people wait, which limit binds first."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.forecast.workload import Workload
    from bot.settings import Settings

LOADS = ("10:50", "200:2000", "5000:100000")
_REMARK = """Waits are from the request to its beginning, in the busiest hour. Behind a limit of GitHub
or of the model that is used up, tasks end later and later. How far to trust this: docs/capacity.md"""


@click.command()
@click.argument("loads", nargs=-1, metavar="[REPOSITORIES:TASKS]...")
@click.option(
    "--cpus", type=click.IntRange(1, 1024), help="Processors of a worker's machine; default this one's."
)
@click.option(
    "--memory-gib", type=click.FloatRange(0.5, 65536), help="Its memory in GiB; default this one's."
)
@click.option("--tokens-per-minute", type=click.FloatRange(1), help="Limit of the model's account.")
@click.option(
    "--workers", type=click.IntRange(1, 100_000), help="Simulate this many instead of as many as are needed."
)
@click.option(
    "--wait", "patience", default=60.0, show_default=True, help="Seconds that 99% of tasks may wait."
)
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=NUMBER", help="Override a value of a task, as listed."
)
@click.option("--defaults", is_flag=True, help="Use the stated defaults, even where measured.")
def forecast(
    loads: tuple[str, ...],
    cpus: int | None,
    memory_gib: float | None,
    tokens_per_minute: float | None,
    workers: int | None,
    patience: float,
    changes: tuple[str, ...],
    defaults: bool,
) -> None:
    """Compute what TASKS a day in REPOSITORIES need, from measurements in this database."""
    from bot.forecast.forecast import forecast as compute
    from bot.forecast.forecast import read_load, render_table
    from bot.forecast.workload import Workload
    from bot.serve.capacity import Machine, compute_capacity, read_machine
    from bot.settings import load

    settings, here = load(), read_machine()
    workload = Workload() if defaults else asyncio.run(_measure(settings))
    for change in changes:
        name, _, value = change.partition("=")
        workload = workload.change(name.strip(), value)
    memory = int(memory_gib * 1024**3) if memory_gib else here.memory
    machine = Machine(memory=memory, cpus=cpus or here.cpus)
    capacity = compute_capacity(settings, machine)
    _print_inputs(workload)
    click.echo(
        f"a worker: {machine.cpus} processors, {machine.memory / 1024**3:.0f} GiB, "
        f"{capacity.runs} runs and {capacity.commands} commands at once\n"
    )
    wanted = [read_load(each) for each in loads or LOADS]
    made = [
        compute(
            workload,
            each,
            capacity,
            cpus=machine.cpus,
            tokens_per_minute=tokens_per_minute,
            workers=workers,
            patience=patience,
        )
        for each in wanted
    ]
    for line in render_table(made):
        click.echo(line)
    click.echo(f"\n{_REMARK}")


def _print_inputs(workload: Workload) -> None:
    """Print what a task needs, and the origin of each value."""
    click.echo("a task:")
    for each in fields(workload):
        if each.name in ("hours", "origin"):
            continue
        value = workload.mean_turns if each.name == "turns" else getattr(workload, each.name)
        click.echo(f"  {each.name:18} {value:>10,.6g}  {workload.origin.get(each.name, 'default')}")
    hours = workload.origin.get("hours", "default")
    click.echo(f"  {'busiest hour':18} {workload.busiest_hour:>10.1%}  of a day's tasks, {hours}")


async def _measure(settings: Settings) -> Workload:
    from bot.forecast.measure import measure_workload
    from bot.serve.process import open_migrated_database

    async with open_migrated_database(settings) as database, database.engine.connect() as connection:
        return await connection.run_sync(measure_workload)
