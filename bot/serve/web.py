"""The web process: receives webhooks and stores them."""

from __future__ import annotations

import asyncio
import os

import structlog
from aiohttp import web

from bot.errors import HobError
from bot.inbox.routes import ROUTES
from bot.inbox.webhook import create_app, make_runner
from bot.serve.process import make_stop_event, open_database_or_wait, start_process
from bot.settings import Settings
from bot.tasks.store import Store

log = structlog.get_logger()


async def serve_web(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Receive webhooks until ``stop``, by default a signal. Raises HobError when the port cannot be had.

    While the database is away it listens and answers 503, which GitHub keeps for redelivery.
    """
    start_process(settings)
    if settings.private_key is not None:
        log.warning("web.needless_secret", mend="unset HOB_PRIVATE_KEY here: only `hob worker` needs the key")
    stop = stop or make_stop_event()
    async with open_database_or_wait(settings, stop) as database:
        store = Store(database.engine)
        known = frozenset(name for name, _ in ROUTES)
        runner = make_runner(
            create_app(store, secrets=settings.webhook_secrets, known=known, actions=frozenset(ROUTES))
        )
        await runner.setup()
        try:
            await _listen(runner, settings.port)
            log.info("web.started", port=settings.port)
            await stop.wait()
        finally:
            await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104 - GitHub must reach it
    except OSError as error:
        raise HobError(f"PORT: cannot listen on {port}: {os.strerror(error.errno or 0)}") from None
