"""``hob hub``: a GitHub on this machine, to try Hob with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bot.cli import importing
from bot.errors import HobError


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; 0: any free one.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder for its state.")
@click.option("--webhook", help="URL that gets its webhooks.")
def hub(port: int, data: Path, webhook: str | None) -> None:
    """Serve a local GitHub on this machine."""
    with importing():
        from localhub.server import serve

    try:
        asyncio.run(serve(port, data, webhook))
    except OSError as error:
        raise HobError(f"the local GitHub cannot serve {data} on port {port}: {error}") from None
