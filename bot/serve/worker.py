"""The worker process: takes deliveries and tasks. What these need is put together here from settings."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import structlog

from bot.flags.releases import step_releases
from bot.git.mirror import Mirror
from bot.github.app import GitHub
from bot.github.http.pace import CREATING_HOUR, CREATING_MINUTE
from bot.github.repository import AppInfo
from bot.github_hosts import find_email_domain
from bot.inbox.decision import AppIdentity
from bot.inbox.delivery_context import OperatorConfig
from bot.inbox.intake import Intake
from bot.inbox.lost.reconcile import Reconciler
from bot.inbox.lost.redelivery_wishes import RedeliveryWishes
from bot.moderation.verdict import Moderator
from bot.notify.sender import NoticeSender
from bot.offline.registry import MODELS
from bot.run.end_without_run import notify_end
from bot.run.pipeline import Parts, work
from bot.run.publish.branch import remove_branch
from bot.run.publish.context import Identity
from bot.serve.capacity import compute_capacity, read_machine
from bot.serve.loop_watchdog import watch_loop
from bot.serve.metrics.measured_store import MeasuredStore
from bot.serve.metrics.server import add_build_info, serve_worker_metrics
from bot.serve.metrics.worker import WorkerMetrics
from bot.serve.moderation import make_moderator
from bot.serve.presence import report_presence
from bot.serve.process import identify_or_wait, make_stop_event, open_migrated_database, start_process
from bot.serve.sandbox import open_workshop
from bot.settings import Settings
from bot.tasks.database.connection import Database, wait_for_database
from bot.tasks.database.transactions import is_unreachable
from bot.tasks.deletion.by_age import Retention
from bot.tasks.leases.renew import CancelLooks, worker_name
from bot.tasks.live.records import WatchedRuns
from bot.tasks.queue import Queue
from bot.tasks.safety.limits import RequestLimits
from bot.tasks.store import Store
from bot.tasks.write_turns import WriteTurns
from bot.text.redact import Redactor
from bot.workspace.workshop import Workshop

log = structlog.get_logger()

GRACE_SECONDS = 20.0
LOOK_FOR_REMOVED = 60.0  # seconds between looks for mirrors of repositories that are gone


async def serve_worker(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Take deliveries and tasks until ``stop``, by default a signal.

    Raises HobError when the sandbox does not hold: then no work is taken.
    """
    redactor = start_process(settings, "worker")
    if settings.webhook_secret is not None:
        log.warning(
            "worker.needless_secret", mend="unset HOB_WEBHOOK_SECRET here: only `hob web` checks signatures"
        )
    stop = stop or make_stop_event()
    MODELS.choose(settings.model)
    capacity = compute_capacity(settings, read_machine())
    metrics = WorkerMetrics(slots=capacity.runs)
    add_build_info(metrics.registry, "worker")
    workshop = await open_workshop(settings, commands=capacity.commands, observe_command=metrics.note_command)
    metrics.disk_cache = workshop.disk_cache
    if settings.database_url and not await wait_for_database(settings.database_url, stop):
        return
    async with (
        AsyncExitStack() as runners,
        open_migrated_database(settings) as database,
        aiohttp.ClientSession() as session,
    ):
        port = await serve_worker_metrics(runners, settings, metrics.text)
        turns = WriteTurns(
            database.engine, per_minute=int(CREATING_MINUTE[0]), per_hour=int(CREATING_HOUR[0])
        )
        github = _make_github(settings, session, redactor, metrics, turns)
        app = await identify_or_wait(github, stop)
        if app is None:
            return
        moderator = make_moderator(settings, session)
        store = MeasuredStore(database.engine, metrics)
        parts = _make_parts(settings, workshop, store, github, app, redactor, metrics, moderator)
        bot = AppIdentity(id=app.id, slug=app.slug, bot_id=app.bot_id, bots=settings.bots)
        operator = OperatorConfig(
            label=settings.label,
            create_label=settings.create_label,
            discussions=settings.discussions,
            base_url=settings.base_url,
            daily_usd=settings.daily_limit,
            public_settings=settings.list_public_values(),
            allowed_models=settings.allowed_models,
            safe=redactor.text,
            limits=RequestLimits(
                person=settings.person_hourly,
                repository=settings.repository_hourly,
                installation=settings.installation_hourly,
                person_usd=settings.person_usd,
                repository_usd=settings.repository_usd,
            ),
            holds_first_requests=settings.first_requests == "hold",
            moderator=moderator,
            contact=settings.contact,
        )
        intake = Intake(parts.store, github, bot, operator, remove_branch=remove_branch)
        log.info(
            "worker.started",
            runs=capacity.runs,
            commands=capacity.commands,
            model=settings.model,
            metrics_port=port,
        )
        presence = report_presence(store, parts.worker, capacity.runs, metrics, workshop.disk_cache)
        reconciler = Reconciler(
            parts.store, github, bot, worker=parts.worker, discussions=settings.discussions
        )
        beside = [
            asyncio.create_task(presence, name="presence"),
            asyncio.create_task(reconciler.run(stop), name="reconcile"),
            asyncio.create_task(RedeliveryWishes(parts.store, github).run(stop), name="redeliveries"),
            asyncio.create_task(NoticeSender(parts.store, settings.notify).run(stop), name="notices"),
            asyncio.create_task(workshop.disk_cache.keep_within_bounds(), name="disk"),
            asyncio.create_task(_remove_mirrors_of_removed(store, workshop.mirror), name="removed"),
        ]
        try:
            retention = Retention(
                payload_days=settings.keep_payload_days, transcript_days=settings.keep_transcript_days
            )
            _rest_collector()
            with watch_loop():
                await Queue(database, grace=GRACE_SECONDS, retention=retention).run(
                    on_delivery=intake.take,
                    on_task=lambda task_id: work(parts, task_id),
                    on_ended=lambda task_id: notify_end(parts, task_id),
                    on_failed=intake.report_failure,
                    on_swept=metrics.note_sweep,
                    every_minute=lambda: _step_releases(database),
                    concurrency=capacity.runs,
                    stop=stop,
                )
        finally:
            for each in beside:
                each.cancel()
            await asyncio.wait(beside)


async def _step_releases(database: Database) -> None:
    """Move releases of flags on or back, as their guards say."""
    async with database.engine.begin() as connection:
        await connection.run_sync(step_releases)


async def _remove_mirrors_of_removed(store: Store, mirror: Mirror) -> None:
    """Remove this machine's mirrors of repositories from which the app was removed, for ever."""
    while True:
        try:
            for number in await store.list_removed_repositories():
                if await mirror.remove(number):
                    log.info("worker.mirror_removed", repo=number)
        except Exception as trouble:  # the loop's boundary: the next look may fare better
            if not is_unreachable(trouble):
                log.exception("worker.mirror_not_removed")
        await asyncio.sleep(LOOK_FOR_REMOVED)


def _rest_collector() -> None:
    """Let the garbage collector leave what was made until now alone, and look at the rest less often.

    A whole collection of a worker's heap stops the event loop for a third of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _make_github(
    settings: Settings,
    session: aiohttp.ClientSession,
    redactor: Redactor,
    metrics: WorkerMetrics,
    turns: WriteTurns,
) -> GitHub:
    return GitHub(
        session,
        api_url=settings.github_url,
        app_id=settings.app.app_id,
        private_key=settings.app.private_key.get_secret_value(),
        write_spacing=settings.write_seconds,
        shared_turns=turns,
        on_token=redactor.add_token,
        observe=metrics.note_exchange,
    )


def _make_parts(
    settings: Settings,
    workshop: Workshop,
    store: Store,
    github: GitHub,
    app: AppInfo,
    redactor: Redactor,
    metrics: WorkerMetrics,
    moderator: Moderator,
) -> Parts:
    return Parts(
        store=store,
        github=github,
        workshop=workshop,
        redactor=redactor,
        settings=settings,
        identity=Identity(
            login=app.bot_login, id=app.bot_id, email_domain=find_email_domain(settings.github_url)
        ),
        models=replace(
            MODELS,
            first_event_seconds=settings.model_seconds,
            windows=settings.model_window,
            observe=metrics.note_model_try,
        ),
        worker=worker_name(),
        looks=CancelLooks(store),
        watched=WatchedRuns(store),
        moderator=moderator,
    )
