"""The web process: receives webhooks and stores them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import structlog

from bot.inbox.metrics import Metrics
from bot.inbox.routes import ROUTES
from bot.inbox.webhook import create_app, create_metrics_app, make_runner
from bot.serve.metrics.server import METRICS_PORT, SHARED, add_build_info, listen
from bot.serve.process import make_stop_event, open_database_or_wait, start_process
from bot.settings import Settings
from bot.tasks.store import Store

log = structlog.get_logger()


async def serve_web(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Receive webhooks until ``stop``, by default a signal. Raises HobError when a port cannot be opened.

    While the database is away it listens and answers 503, which GitHub keeps for redelivery.
    """
    start_process(settings, "web")
    if settings.private_key is not None:
        log.warning("web.needless_secret", mend="unset HOB_PRIVATE_KEY here: only `hob worker` needs the key")
    stop = stop or make_stop_event()
    async with open_database_or_wait(settings, stop) as database:
        store = Store(database.engine)
        known = frozenset(name for name, _ in ROUTES)
        metrics = Metrics()
        add_build_info(metrics.registry, "web")
        app = create_app(
            store,
            secrets=settings.webhook_secrets,
            known=known,
            actions=frozenset(ROUTES),
            metrics=metrics,
        )
        async with AsyncExitStack() as runners:
            everywhere = "0.0.0.0"  # noqa: S104 - GitHub must reach it
            await listen(runners, make_runner(app), everywhere, settings.port, "PORT")
            port = settings.find_metrics_port("web")
            if port is not None:
                runner = make_runner(create_metrics_app(app))
                await listen(runners, runner, settings.metrics_host, port, METRICS_PORT, SHARED)
            log.info("web.started", port=settings.port, metrics_port=port)
            await stop.wait()
