"""The web process: receives webhooks and stores them."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

import structlog
from aiohttp import web

from bot.errors import HobError
from bot.inbox.routes import ROUTES
from bot.inbox.webhook import create_app, create_metrics_app, make_runner
from bot.serve.process import make_stop_event, open_database_or_wait, start_process
from bot.settings import Settings
from bot.tasks.store import Store

log = structlog.get_logger()


async def serve_web(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Receive webhooks until ``stop``, by default a signal. Raises HobError when a port cannot be had.

    While the database is away it listens and answers 503, which GitHub keeps for redelivery.
    """
    start_process(settings)
    if settings.private_key is not None:
        log.warning("web.needless_secret", mend="unset HOB_PRIVATE_KEY here: only `hob worker` needs the key")
    stop = stop or make_stop_event()
    async with open_database_or_wait(settings, stop) as database:
        store = Store(database.engine)
        known = frozenset(name for name, _ in ROUTES)
        app = create_app(store, secrets=settings.webhook_secrets, known=known, actions=frozenset(ROUTES))
        async with AsyncExitStack() as runners:
            everywhere = "0.0.0.0"  # noqa: S104 - GitHub must reach it
            await _listen(runners, app, everywhere, settings.port, "PORT")
            if settings.metrics_port is not None:
                metrics = create_metrics_app(app)
                await _listen(
                    runners, metrics, settings.metrics_host, settings.metrics_port, "HOB_METRICS_PORT"
                )
            log.info("web.started", port=settings.port, metrics_port=settings.metrics_port)
            await stop.wait()


async def _listen(runners: AsyncExitStack, app: web.Application, host: str, port: int, variable: str) -> None:
    runner = make_runner(app)
    await runner.setup()
    runners.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise HobError(f"{variable}: cannot listen on {port}: {os.strerror(error.errno or 0)}") from None
