"""Ask GitHub again for what it could not deliver, and now and then look for mentions that it never sent.

GitHub never delivers again by itself and keeps a failed delivery for three days
(https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries). A repeated delivery
has the GUID of the first, so one that did arrive is recognised.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import text

from bot.backoff import compute_backoff
from bot.errors import HobError
from bot.github.app import GitHub
from bot.github.http.responses import NotFound
from bot.github.lost.webhook_deliveries import KEPT_FOR, DeliveryAttempt, LostDelivery, find_lost
from bot.inbox.decision import AppIdentity
from bot.inbox.lost.sweep import Sweep
from bot.inbox.payload import is_by_app, may_be_by_app
from bot.inbox.routes import ROUTES
from bot.tasks.database.tables import DeliveryState
from bot.tasks.deliveries.undelivered import Undelivered
from bot.tasks.store import Store

log = structlog.get_logger(__name__)

EVERY = 300.0  # seconds between looks for failed deliveries
FIRST_LOOK = 20.0  # seconds after the start: a worker that is restarted often looks, too
SWEEPS = 3  # looks to one sweep for mentions: every 15 minutes
FIRST, RAREST = 30.0, 10_800.0  # seconds before a failed delivery is asked for again, by its attempts
LOCK = 0x686F62  # the advisory lock of whoever reconciles


class Reconciler:
    """Finds what GitHub sent and Hob never got; of a database's workers one does it, as long as it is there.

    So requests do not grow with workers, and what one look learned serves the next.
    """

    def __init__(
        self,
        store: Store,
        github: GitHub,
        app: AppIdentity,
        *,
        worker: str | None = None,
        discussions: bool = False,
    ) -> None:
        """``worker`` is this worker's name among others; None where it is the only one.

        With ``discussions`` mentions in them are looked for, too.
        """
        self._worker = worker
        self._store = store
        self._github = github
        self._app = app
        self._sweep = Sweep(store, github, app, discussions=discussions)
        self._looks = 0
        self._own: dict[str, bool] = {}  # by GUID, whether a failed delivery tells of what the App did itself

    async def run(self, stop: asyncio.Event, *, every: float = EVERY) -> None:
        """Look soon after the start and then now and then, until ``stop``, where this is the worker to do it.

        Whatever goes wrong is logged and tried again the next time.
        """
        pause = min(FIRST_LOOK, every)
        while not await wait_for_stop(stop, pause):
            pause = every
            try:
                await self.look()
            except HobError as trouble:
                log.warning("reconcile.postponed", reason=str(trouble))
            except Exception:
                log.exception("reconcile.bug")

    async def look(self) -> bool:
        """Ask for failed deliveries, and each third time look for mentions; whether it was this one's turn.

        Raises UserError, Retry and Parked when GitHub cannot be asked.
        """
        if self._worker is not None and not await self._store.is_first_worker(self._worker):
            return False
        async with self._try_lock() as alone:
            if alone:
                number, self._looks = self._looks, self._looks + 1
                await self.redeliver()
                if number % SWEEPS == 0:
                    await self.sweep()
        return alone

    async def redeliver(self) -> int:
        """Ask GitHub for the deliveries that did not arrive; how many were asked for.

        Raises UserError, Retry and Parked when GitHub cannot be asked.
        """
        now, deliveries = datetime.now(UTC), self._github.webhook_deliveries
        asked, missing = 0, []
        failed = find_lost(await deliveries.list_failed(now - KEPT_FOR))
        listed = {each.newest.guid for each in failed}
        self._own = {guid: own for guid, own in self._own.items() if guid in listed}
        for lost in failed:
            newest = lost.newest
            if not _is_routed(newest) or await self._has_arrived(newest.guid):
                continue
            if not await self._is_own(newest):
                missing.append(lost)
        await self._store.note_undelivered([_describe(lost) for lost in missing])
        for lost in missing:
            attempt = lost.newest
            pause = compute_backoff(lost.attempts, first=FIRST, longest=RAREST)
            if (now - attempt.at).total_seconds() < pause:
                continue
            await deliveries.redeliver(attempt.id)
            await self._store.note_redelivery_asked(attempt.guid)
            asked += 1
            log.info("reconcile.redelivery", delivery=attempt.guid, attempts=lost.attempts)
        return asked

    async def _is_own(self, attempt: DeliveryAttempt) -> bool:
        """Whether it tells of what the App did itself.

        That is never stored, so that it would count as missing after each time it came.
        """
        if not may_be_by_app(attempt.event, attempt.action):
            return False
        if attempt.guid not in self._own:
            try:
                payload = await self._github.webhook_deliveries.read_payload(attempt.id)
            except NotFound:
                payload = {}
            self._own[attempt.guid] = is_by_app(attempt.event, payload, self._app.id)
        return self._own[attempt.guid]

    async def sweep(self) -> int:
        """Find mentions for which no delivery came; how many there were."""
        return await self._sweep.run()

    async def _has_arrived(self, guid: str) -> bool:
        known = await self._store.get_delivery(guid)
        return known is not None and known.state is not DeliveryState.FAILED

    @asynccontextmanager
    async def _try_lock(self) -> AsyncIterator[bool]:
        """Whether no other worker does this now."""
        async with self._store.engine.connect() as connection:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                yield bool(await connection.scalar(text(f"SELECT pg_try_advisory_lock({LOCK})")))
            finally:
                await connection.invalidate()  # closed, and the lock with it


def _is_routed(attempt: DeliveryAttempt) -> bool:
    """Whether a rule is about it, and so it is stored when it comes."""
    if attempt.action:
        return (attempt.event, attempt.action) in ROUTES
    return any(name == attempt.event for name, _ in ROUTES)


def _describe(lost: LostDelivery) -> Undelivered:
    """A lost delivery as operators see it."""
    newest = lost.newest
    return Undelivered(
        guid=newest.guid,
        event=newest.event,
        attempt=newest.id,
        attempts=lost.attempts,
        failed_at=newest.at,
        why=newest.why,
    )


async def wait_for_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until ``stop``; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
