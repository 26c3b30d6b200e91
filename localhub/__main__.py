"""``python -m localhub``: a GitHub on this machine, for as long as it runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from localhub.server import serve


@click.command()
@click.option("--port", default=0, show_default=True, help="0 takes any free port, the same one again later.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where the state is kept."
)
@click.option("--webhook", help="Where webhooks are sent.")
@click.option("--enterprise", is_flag=True, help="The API is below /api/v3, as on an Enterprise Server.")
@click.option("--tls", is_flag=True, help="HTTPS, with a certificate of its own.")
def main(port: int, data: Path, webhook: str | None, enterprise: bool, tls: bool) -> None:
    """Serve a local GitHub and print one JSON line that says how to reach it."""
    try:
        asyncio.run(serve(port, data, webhook, enterprise=enterprise, tls=tls))
    except OSError as problem:
        raise click.ClickException(
            f"cannot listen on port {port} with the state in {data}: {problem}"
        ) from None


if __name__ == "__main__":
    main()
