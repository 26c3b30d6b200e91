"""``hob status``: what goes on now, for a person at a terminal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from bot.dashboard.operations import Operations
    from bot.settings import Settings
    from bot.tasks.database.connection import Database

SHOWN = 20  # rows of each list
GIB, MIB = 1 << 30, 1 << 20


@click.command()
def status() -> None:
    """Show what is queued, what each worker does, what waits for what, what failed, and the disk."""
    from bot.settings import load, make_home

    settings = load()
    make_home(settings)
    asyncio.run(_show(settings))


async def _show(settings: Settings) -> None:
    from sqlalchemy.exc import ProgrammingError

    from bot.dashboard.operations import Operations
    from bot.dashboard.server import engine_for
    from bot.errors import HobError
    from bot.tasks.database.connection import open_database, sqlalchemy_url

    async with open_database(settings.home, settings.database_url) as database:
        engine = engine_for(sqlalchemy_url(database.url))
        try:
            await _show_operations(database, Operations(engine, settings))
        except ProgrammingError:
            raise HobError("the database does not have this version's tables: run `hob migrate`") from None
        finally:
            engine.dispose()
    await _show_disk(settings)


async def _show_operations(database: Database, operations: Operations) -> None:
    from rich.console import Console
    from rich.markup import escape

    from bot.tasks.queue import count_live_workers
    from bot.tasks.store import Store
    from bot.text.terminal import escape_controls

    store, console = Store(database.engine), Console(highlight=False)
    counts = await store.count_tasks_by_state()
    workers = await count_live_workers(database.engine)
    console.print(", ".join(f"{count} {state}" for state, count in counts.items()), style="bold")
    if not workers:
        console.print("no worker gives a sign of life: start one with `hob worker`", style="red")
    else:
        console.print(f"{workers} {'worker' if workers == 1 else 'workers'}")

    def table(title: str, *columns: str) -> Table:
        from rich.table import Table

        made = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            made.add_column(column, overflow="fold")
        return made

    def show(made: Table, rows: Sequence[tuple[object, ...]]) -> None:
        for row in rows:
            made.add_row(*(escape(escape_controls(str(cell))) for cell in row))
        if rows:
            console.print()
            console.print(made)

    show(
        table("Queue", "installation", "state", "tasks", "oldest"),
        [
            (row["installation"], row["state"], row["n"], render_span(row["age"]))
            for row in operations.list_queue()
        ],
    )
    show(
        table("Workers", "worker", "version", "runs", "memory", "disk free", "last seen"),
        [
            (
                row["worker"],
                row["version"],
                f"{row['busy']} of {row['slots']}",
                f"{row['memory_bytes'] / MIB:.0f} MiB",
                f"{row['free_bytes'] / GIB:.1f} GiB" if row["free_bytes"] else "not measured yet",
                f"{render_span(row['silent'])} ago",
            )
            for row in operations.list_workers()
        ],
    )
    show(
        table("Under way", "task", "thread", "phase", "since", "lease", "worker"),
        [
            (
                row["id"],
                f"{row['repo_full_name']}#{row['thread_number']}",
                row["phase"] or "begins",
                render_span(row["seconds"]),
                render_span(row["lease"]),
                row["worker"],
            )
            for row in operations.list_working()
        ],
    )
    show(
        table("Waits", "task", "thread", "goes on in", "for"),
        [
            (each.id, each.thread, render_span(each.seconds), each.reason)
            for each in await store.list_waiting(SHOWN)
        ],
    )
    show(
        table("Paused", "scope", "since"),
        [(row["scope"], f"{row['since']:%F %H:%M}") for row in operations.list_pauses()],
    )
    if failed := await store.count_failed_deliveries():
        listed = [(each.guid, each.event, each.reason) for each in await store.list_failed_deliveries(SHOWN)]
        show(
            table(f"{failed} failed deliveries, `hob retry` handles them again", "guid", "event", "why"),
            listed,
        )


async def _show_disk(settings: Settings) -> None:
    from bot.git.mirror import Mirror
    from bot.workspace.disk_cache import DiskCache
    from sandbox.layers.store import LayerStore

    mirror, layers = Mirror(settings.home / "mirrors"), LayerStore(settings.home / "layers")
    use = await DiskCache(settings.home, mirror, layers, most_bytes=settings.cache_bytes).measure()
    click.echo(
        f"\ndisk: mirrors {use.mirrors / GIB:.1f} GiB, layers {use.layers / GIB:.1f}, "
        f"of {use.most / GIB:.1f} that they may take; {use.free / GIB:.1f} free for {settings.home}"
    )


def render_span(seconds: object) -> str:
    """Seconds in a readable unit: ``40 s``, ``12 min``, ``3 h``, ``5 d``; below 0 is 0."""
    value = max(0.0, float(str(seconds)))
    for unit, size, most in (("s", 1, 90), ("min", 60, 90 * 60), ("h", 3600, 48 * 3600)):
        if value < most:
            return f"{value / size:.0f} {unit}"
    return f"{value / 86400:.0f} d"
