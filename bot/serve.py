"""The long-running processes: web, worker, dashboard. Each is put together here from settings."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import web

from bot.errors import HobError
from bot.log import configure
from bot.redact import Redactor
from bot.settings import Settings
from bot.tasks.database import Database, open_database
from bot.tasks.schema import migrate

log = structlog.get_logger()

GRACE_SECONDS = 20.0


def _begin(settings: Settings) -> Redactor:
    """State directory, redactor and log: the same first steps for every process."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    redactor = Redactor(settings.secrets())
    configure(json=settings.log == "json", redact=redactor.value)
    return redactor


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    async with open_database(settings.home, settings.database_url) as database:
        await migrate(database)
        yield database


def _stop_event() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def run_migrate(settings: Settings) -> None:
    """Bring the schema up to date and leave."""
    _begin(settings)
    async with _database(settings):
        log.info("database.migrated")


async def serve_web(settings: Settings) -> None:
    """Receive webhooks until a signal comes."""
    from bot.inbox.routes import ROUTES
    from bot.inbox.webhook import create_app, runner
    from bot.tasks.store import Store

    _begin(settings)
    stop = _stop_event()
    async with _database(settings) as database:
        store = Store(database.engine)
        serving = runner(
            create_app(store, secrets=settings.webhook_secrets, known=frozenset(name for name, _ in ROUTES))
        )
        await serving.setup()
        try:
            site = web.TCPSite(serving, "0.0.0.0", settings.port)  # noqa: S104 - GitHub must reach it
            await site.start()
            log.info("web.started", port=settings.port)
            await stop.wait()
        finally:
            await serving.cleanup()


async def serve_worker(settings: Settings) -> None:
    """Take deliveries and tasks until a signal comes. Refuses to start when the sandbox does not hold."""
    from bot.agent.models import choose
    from bot.github.app import GitHub
    from bot.inbox.decision import AppIdentity
    from bot.inbox.intake import Intake
    from bot.run.aftermath import tell_end
    from bot.run.checkout import Workshop
    from bot.run.pipeline import Parts, work
    from bot.run.publish import Identity
    from bot.tasks.lease import worker_name
    from bot.tasks.queue import Queue
    from bot.tasks.store import Store
    from sandbox.probe import probe

    redactor = _begin(settings)
    stop = _stop_event()
    choose(settings.model)
    workshop = Workshop(settings.home, backend=settings.sandbox)
    await asyncio.to_thread(workshop.layers.prune)
    report = await probe(backend=settings.sandbox, scratch=settings.home / "scratch")
    if not report.ok:
        failed = "; ".join(f"{f.name}: {f.detail}" for f in report.findings if not f.ok)
        raise HobError(f"the sandbox does not hold on this machine, so no work is taken: {failed}")
    log.info("sandbox.ready", backend=report.backend, limits=report.limits_by)
    async with _database(settings) as database, aiohttp.ClientSession() as session:
        github = GitHub(
            session,
            api_url=settings.github_url,
            app_id=settings.app.app_id,
            private_key=settings.app.private_key.get_secret_value(),
            write_spacing=settings.write_seconds,
            on_token=redactor.add,
        )
        app = await github.app()
        store = Store(database.engine)
        parts = Parts(
            store=store,
            github=github,
            workshop=workshop,
            redactor=redactor,
            settings=settings,
            identity=Identity(login=app["bot_login"], id=app["bot_id"], email_domain=_email_domain(settings)),
            worker=worker_name(),
        )
        bot = AppIdentity(id=app["id"], slug=app["slug"], bot_id=app["bot_id"])
        intake = Intake(store, github, bot, label=settings.label)
        log.info("worker.started", concurrency=settings.concurrency, model=settings.model)
        await Queue(database, grace=GRACE_SECONDS).run(
            on_delivery=intake.take,
            on_task=lambda task_id: work(parts, task_id),
            on_ended=lambda task_id: tell_end(parts, task_id),
            concurrency=settings.concurrency,
            stop=stop,
        )


def _email_domain(settings: Settings) -> str:
    """GitHub attributes ``ID+LOGIN@users.noreply.<host>`` to the account; other hosts have their own."""
    host = urlsplit(settings.github_url).hostname or "localhost"
    return "users.noreply.github.com" if host == "api.github.com" else f"users.noreply.{host}"


def serve_dashboard(settings: Settings) -> None:
    """Serve the pages with gunicorn until a signal comes."""
    from bot.dashboard.server import serve
    from bot.tasks.database import sqlalchemy_url
    from bot.tasks.embedded import embedded

    _begin(settings)
    if settings.database_url:
        serve(settings, sqlalchemy_url(settings.database_url))
        return
    with embedded(settings.home) as url:
        serve(settings, sqlalchemy_url(url))
