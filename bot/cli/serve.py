"""``hob web``, ``hob worker`` and ``hob dashboard``, and ``hob migrate`` before them."""

from __future__ import annotations

import asyncio
import gc

import click


@click.command()
def web() -> None:
    """Receive webhooks: POST /webhook, /healthz, /readyz on PORT; /metrics on HOB_METRICS_PORT."""
    from bot.serve.web import serve_web
    from bot.settings import load

    _keep_imported()
    asyncio.run(serve_web(load("webhook_secret")))


@click.command()
def worker() -> None:
    """Process deliveries and tasks; any number of workers may run, on any number of machines."""
    from bot.serve.worker import serve_worker
    from bot.settings import load

    asyncio.run(serve_worker(load("app_id", "private_key")))


@click.command()
def dashboard() -> None:
    """Serve the pages for people on HOB_DASHBOARD_PORT."""
    from bot.serve.dashboard import serve_dashboard
    from bot.settings import load

    _keep_imported()
    serve_dashboard(load())


@click.command()
def migrate() -> None:
    """Bring the database to this version's schema; safe to repeat."""
    from bot.serve.process import run_migrate
    from bot.settings import load

    asyncio.run(run_migrate(load()))


def _keep_imported() -> None:
    """Exclude what was imported from garbage collection: scanning all of it blocks requests for 0.1 s."""
    gc.freeze()
