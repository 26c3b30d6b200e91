"""The long-running processes: web, worker, dashboard. Each is put together here from settings.

What only one of them needs is imported when it starts: the model adapters alone take a second.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import web

from bot.errors import HobError
from bot.log import configure
from bot.settings import Settings, make_home
from bot.tasks.database.connection import Database, open_database
from bot.tasks.database.schema import migrate
from bot.tasks.store import Store
from bot.text.redact import Redactor

if TYPE_CHECKING:
    from bot.github.app import GitHub
    from bot.github.repository import AppInfo
    from bot.replay.replay import ReplayReport
    from bot.run.pipeline import Parts
    from bot.workspace.checkout import Workshop
    from sandbox.spec import Limits

log = structlog.get_logger()

GRACE_SECONDS = 20.0
# Sandboxes that this process has seen hold: (backend, image, engine).
_HOLDS: set[tuple[str, str, str]] = set()


def _begin(settings: Settings) -> Redactor:
    """State directory, redactor and log: the same first steps for every process."""
    make_home(settings)
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


async def serve_web(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Receive webhooks until ``stop``, by default a signal."""
    from bot.inbox.routes import ROUTES
    from bot.inbox.webhook import create_app, runner

    _begin(settings)
    stop = stop or _stop_event()
    async with _database(settings) as database:
        store = Store(database.engine)
        serving = runner(
            create_app(store, secrets=settings.webhook_secrets, known=frozenset(name for name, _ in ROUTES))
        )
        await serving.setup()
        try:
            await _listen(serving, settings.port)
            log.info("web.started", port=settings.port)
            await stop.wait()
        finally:
            await serving.cleanup()


async def _listen(serving: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(serving, "0.0.0.0", port).start()  # noqa: S104 - GitHub must reach it
    except OSError as error:
        raise HobError(f"PORT: cannot listen on {port}: {os.strerror(error.errno or 0)}") from None


async def serve_worker(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Take deliveries and tasks until ``stop``, by default a signal.

    Raises HobError when the sandbox does not hold: then no work is taken.
    """
    from bot.agent.models.direct import choose_model
    from bot.inbox.decision import AppIdentity
    from bot.inbox.delivery_context import OperatorConfig
    from bot.inbox.intake import Intake
    from bot.inbox.reconcile import Reconciler
    from bot.run.end_without_run import notify_end
    from bot.run.pipeline import work
    from bot.run.publish.branch import remove_branch
    from bot.tasks.queue import Queue

    redactor = _begin(settings)
    stop = stop or _stop_event()
    choose_model(settings.model)
    workshop = await _workshop(settings)
    async with _database(settings) as database, aiohttp.ClientSession() as session:
        github = _github(settings, session, redactor)
        app = await github.app()
        parts = _parts(settings, workshop, Store(database.engine), github, app, redactor)
        bot = AppIdentity(id=app["id"], slug=app["slug"], bot_id=app["bot_id"], bots=settings.bots)
        operator = OperatorConfig(
            label=settings.label,
            base_url=settings.base_url,
            daily_usd=settings.daily_usd,
            shown=settings.shown(),
            safe=redactor.text,
        )
        intake = Intake(parts.store, github, bot, operator, remove_branch=remove_branch)
        log.info("worker.started", concurrency=settings.concurrency, model=settings.model)
        reconciling = asyncio.create_task(Reconciler(parts.store, github, bot).run(stop))
        try:
            await Queue(database, grace=GRACE_SECONDS).run(
                on_delivery=intake.take,
                on_task=lambda task_id: work(parts, task_id),
                on_ended=lambda task_id: notify_end(parts, task_id),
                concurrency=settings.concurrency,
                stop=stop,
            )
        finally:
            reconciling.cancel()
            await asyncio.wait({reconciling})


async def run_replay(settings: Settings, run_id: int, attempt: int | None) -> ReplayReport:
    """Drive a stored run again. Raises HobError when it cannot be."""
    from bot.replay.replay import replay

    redactor = _begin(settings)
    workshop = _made(settings)
    async with _database(settings) as database:
        return await replay(Store(database.engine), workshop, redactor, run_id, attempt=attempt)


def sandbox_limits(settings: Settings) -> Limits:
    """What one sandbox may use of this machine."""
    from sandbox.spec import Limits, MiB

    return Limits(memory_bytes=settings.memory_mib * MiB, workspace_bytes=settings.workspace_mib * MiB)


def _made(settings: Settings) -> Workshop:
    from bot.workspace.checkout import Workshop

    return Workshop(
        settings.home,
        backend=settings.sandbox,
        image=settings.image,
        engine=settings.docker,
        internet=settings.internet != "off",
        limits=sandbox_limits(settings),
    )


async def _workshop(settings: Settings) -> Workshop:
    """Layers and sandbox, when the sandbox holds on this machine."""
    workshop = _made(settings)
    await asyncio.to_thread(workshop.layers.prune)
    await _tested(settings)
    return workshop


async def _tested(settings: Settings) -> None:
    """Have the sandbox attacked, once in a process; raises HobError when something gets through."""
    from sandbox.probe import probe

    what = (settings.sandbox, settings.image, settings.docker)
    if what in _HOLDS:
        return
    report = await probe(
        backend=settings.sandbox,
        scratch=settings.home / "scratch",
        layers=settings.home / "layers",  # as a workshop has them
        image=settings.image,
        engine=settings.docker,
    )
    if not report.ok:
        failed = "; ".join(f"{f.name}: {f.detail}" for f in report.findings if not f.ok)
        raise HobError(f"the sandbox does not hold on this machine, so no work is taken: {failed}")
    log.info("sandbox.ready", backend=report.backend, limits=report.limits_by)
    _HOLDS.add(what)


def _github(settings: Settings, session: aiohttp.ClientSession, redactor: Redactor) -> GitHub:
    from bot.github.app import GitHub

    return GitHub(
        session,
        api_url=settings.github_url,
        app_id=settings.app.app_id,
        private_key=settings.app.private_key.get_secret_value(),
        write_spacing=settings.write_seconds,
        on_token=redactor.add,
    )


def _parts(
    settings: Settings,
    workshop: Workshop,
    store: Store,
    github: GitHub,
    app: AppInfo,
    redactor: Redactor,
) -> Parts:
    from bot.run.pipeline import Parts
    from bot.run.publish.publisher import Identity
    from bot.tasks.lease import worker_name

    return Parts(
        store=store,
        github=github,
        workshop=workshop,
        redactor=redactor,
        settings=settings,
        identity=Identity(login=app["bot_login"], id=app["bot_id"], email_domain=_email_domain(settings)),
        worker=worker_name(),
    )


def _email_domain(settings: Settings) -> str:
    """GitHub attributes ``ID+LOGIN@users.noreply.<host>`` to the account; other hosts have their own."""
    host = urlsplit(settings.github_url).hostname or "localhost"
    return "users.noreply.github.com" if host == "api.github.com" else f"users.noreply.{host}"


def serve_dashboard(settings: Settings) -> None:
    """Serve the pages with gunicorn until a signal comes."""
    from bot.dashboard.server import serve
    from bot.tasks.database.connection import sqlalchemy_url
    from bot.tasks.database.embedded import embedded

    _begin(settings)
    if settings.database_url:
        serve(settings, sqlalchemy_url(settings.database_url))
        return
    with embedded(settings.home) as url:
        serve(settings, sqlalchemy_url(url))
