"""``hob web``, ``hob worker`` and ``hob dashboard``, and ``hob migrate`` before them."""

from __future__ import annotations

import asyncio

import click

from bot.cli import importing


@click.command()
def web() -> None:
    """Receive webhooks: POST /webhook, /healthz, /readyz on PORT; /metrics on HOB_METRICS_PORT."""
    with importing():
        from bot.serve.web import serve_web
        from bot.settings import load

    asyncio.run(serve_web(load("webhook_secret")))


@click.command()
def worker() -> None:
    """Process deliveries and tasks; any number of workers may run, on any number of machines."""
    with importing():
        from bot.serve.worker import serve_worker
        from bot.settings import load

    asyncio.run(serve_worker(load("app_id", "private_key")))


@click.command()
def dashboard() -> None:
    """Serve the pages for people on HOB_DASHBOARD_PORT."""
    with importing():
        from bot.serve.dashboard import serve_dashboard
        from bot.settings import load

    serve_dashboard(load())


@click.command()
def migrate() -> None:
    """Bring the database to this version's schema; safe to repeat."""
    with importing():
        from bot.serve.process import run_migrate
        from bot.settings import load

    asyncio.run(run_migrate(load()))
