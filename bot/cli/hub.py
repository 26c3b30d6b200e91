"""``hob hub``: a GitHub on this machine, to try Hob with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bot.errors import HobError


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Where its state is kept.")
@click.option("--webhook", help="Where it delivers webhooks to.")
def hub(port: int, data: Path, webhook: str | None) -> None:
    """Serve a GitHub on this machine."""
    from localhub.server import serve

    try:
        asyncio.run(serve(port, data, webhook))
    except OSError as error:
        raise HobError(f"the local GitHub cannot serve {data} on port {port}: {error}") from None
