"""Ask GitHub again for what it could not deliver, and look for mentions that it never sent.

GitHub never delivers again by itself, keeps a failed delivery for three days, and does not send some at all
(https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries). A repeated delivery
has the GUID of the first, so one that did arrive is no second one. For a mention without a delivery one is
made here from what GitHub's API says, and is handled like all others, permissions included.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text

from bot.backoff import compute_backoff
from bot.errors import HobError
from bot.github.app import GitHub
from bot.github.recent import ISSUES, RecentItem
from bot.github.webhook_deliveries import KEPT_FOR, InstalledRepository, find_lost
from bot.inbox.decision import AppIdentity
from bot.inbox.mentions import find_mentions
from bot.inbox.routes import ROUTES
from bot.tasks.database.tables import DeliveryState
from bot.tasks.deliveries.records import ArrivedDelivery
from bot.tasks.store import Store

log = structlog.get_logger(__name__)

EVERY = 300.0  # seconds between looks for failed deliveries
FIRST_LOOK = 20.0  # seconds after the start: a worker that is restarted often looks, too
SWEEPS = 3  # looks to one sweep for mentions: every 15 minutes
FIRST, RAREST = 30.0, 10_800.0  # seconds before a failed delivery is asked for again, by its attempts
LOOK_BACK = timedelta(hours=2)
FARTHEST = timedelta(days=14)
SETTLE = timedelta(minutes=2)  # a delivery may still be under way
MOST_REPOSITORIES = 500
LOCK = 0x686F62  # the advisory lock of whoever reconciles
KNOWN = frozenset(name for name, _ in ROUTES)


class Reconciler:
    """Finds what GitHub sent and Hob never got; only one works at a time per database."""

    def __init__(self, store: Store, github: GitHub, app: AppIdentity) -> None:
        self._store = store
        self._github = github
        self._app = app
        self._since: datetime | None = None

    async def run(self, stop: asyncio.Event, *, every: float = EVERY) -> None:
        """Look soon after the start and then now and then, until ``stop``.

        Whatever goes wrong is logged and tried again the next time.
        """
        look, pause = 0, min(FIRST_LOOK, every)
        while not await _wait_for_stop(stop, pause):
            pause = every
            try:
                async with self._try_lock() as alone:
                    if alone:
                        await self.redeliver()
                    if alone and look % SWEEPS == 0:
                        await self.sweep()
            except HobError as trouble:
                log.warning("reconcile.put_off", reason=str(trouble))
            except Exception:
                log.exception("reconcile.bug")
            look += 1

    async def redeliver(self) -> int:
        """Ask GitHub for the deliveries that did not arrive; how many were asked for.

        Raises UserError, Retry and Parked when GitHub cannot be asked.
        """
        now, deliveries = datetime.now(UTC), self._github.webhook_deliveries
        asked = 0
        for lost in find_lost(await deliveries.list_failed(now - KEPT_FOR)):
            attempt = lost.newest
            if attempt.event not in KNOWN or await self._has_arrived(attempt.guid):
                continue
            pause = compute_backoff(lost.attempts, first=FIRST, longest=RAREST)
            if (now - attempt.at).total_seconds() < pause:
                continue
            await deliveries.redeliver(attempt)
            asked += 1
            log.info("reconcile.redelivery", delivery=attempt.guid, attempts=lost.attempts)
        return asked

    async def sweep(self) -> int:
        """Find mentions for which no delivery came; how many there were.

        The first time it goes back to the newest delivery that came, at most two weeks, then two hours.
        """
        now = datetime.now(UTC)
        back = self._since or min(now, await self._store.find_newest_delivery_time() or now)
        since = max(min(back, now) - LOOK_BACK, now - FARTHEST).replace(minute=0, second=0, microsecond=0)
        found, looked = 0, 0
        async for repository in self._github.webhook_deliveries.repositories():
            if repository.is_archived:
                continue
            looked += 1
            if looked > MOST_REPOSITORIES:
                log.warning("reconcile.too_many_repositories", looked=MOST_REPOSITORIES)
                break
            try:
                found += await self._sweep(repository, since, now)
            except HobError as trouble:
                log.warning("reconcile.repository", repository=repository.full_name, reason=str(trouble))
        self._since = now
        return found

    async def _sweep(self, repository: InstalledRepository, since: datetime, now: datetime) -> int:
        api = self._github.for_repo(repository.installation, repository.id, repository.owner, repository.name)
        found = 0
        for item in await api.recent.list_items(since):
            if not await asyncio.to_thread(
                self._mentions_bot, item, since, now
            ) or await self._store.has_delivery_about(item.event, item.url, since - FARTHEST):
                continue
            guid = f"sweep-{item.event.replace('_', '-')}-{item.id}"
            body = json.dumps(await api.recent.webhook_payload(item, repository)).encode()
            lost = ArrivedDelivery(
                guid=guid,
                event=item.event,
                body=body,
                headers={},
                installation=repository.installation,
                about=item.url,
            )
            if await self._store.add_deliveries([lost]) == ["new"]:
                log.warning("reconcile.lost_mention", delivery=guid, url=item.url)
                found += 1
        return found

    def _mentions_bot(self, item: RecentItem, since: datetime, now: datetime) -> bool:
        """Whether a person mentioned the bot here, in that time. What was edited may be another's words."""
        if item.pull is not None:  # opening one asks for nothing
            return False
        if item.author.is_bot or item.author.id == self._app.bot_id:
            return False
        if not since <= item.created_at <= now - SETTLE:
            return False
        if item.updated_at != item.created_at and item.event != ISSUES:
            return False
        return any(find_mentions(text, self._app.slug) for text in item.texts)

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


async def _wait_for_stop(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
