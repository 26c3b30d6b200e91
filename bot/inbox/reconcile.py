"""Ask GitHub again for what it could not deliver, and look for mentions that it never sent.

GitHub never delivers again by itself, keeps a failed delivery for three days, and does not send some at all
(https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries). A repeated delivery
has the GUID of the first, so one that did arrive is no second one. For a mention without a delivery one is
made here from what GitHub's API says, and is handled like all others, permissions included.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text

from bot.errors import HobError
from bot.github.app import GitHub
from bot.github.issues import RECENT
from bot.github.webhook_deliveries import DeliveryAttempt
from bot.inbox.decision import AppIdentity
from bot.inbox.mentions import find_mentions
from bot.inbox.routes import ROUTES
from bot.tasks.database.tables import DeliveryState
from bot.tasks.store import Store

log = structlog.get_logger(__name__)

Json = dict[str, Any]
KEPT = timedelta(days=3)  # how long GitHub has a delivery
EVERY = 300.0  # seconds between looks for failed deliveries
SWEEPS = 3  # looks to one sweep for mentions: every 15 minutes
FIRST = timedelta(minutes=4)  # before a failed delivery is asked for again; doubling with each attempt
RAREST = timedelta(hours=3)
LOOK_BACK = timedelta(hours=2)
FARTHEST = timedelta(days=14)
SETTLE = timedelta(minutes=2)  # a delivery may still be under way
MOST_REPOSITORIES = 500
LOCK = 0x686F62  # the advisory lock of whoever reconciles
KNOWN = frozenset(name for name, _ in ROUTES)
MOST_PULLS = 20  # that changed lately, whose reviews are read
REVIEW = "pull_request_review"
EVENTS = dict(zip(RECENT, ("issues", "issue_comment", "pull_request_review_comment"), strict=True))


class Reconciler:
    """Finds what GitHub sent and Hob never got; only one works at a time per database."""

    def __init__(self, store: Store, github: GitHub, app: AppIdentity) -> None:
        self._store = store
        self._github = github
        self._app = app
        self._since: datetime | None = None

    async def run(self, stop: asyncio.Event, *, every: float = EVERY) -> None:
        """Look now and then until ``stop``. Whatever goes wrong is logged and tried again the next time."""
        look = 0
        while not await _wait_for_stop(stop, every):
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
        now, hook = datetime.now(UTC), self._github.hook
        attempts: dict[str, list[DeliveryAttempt]] = {}
        for attempt in await hook.failed(now - KEPT):
            if attempt.event in KNOWN:
                attempts.setdefault(attempt.guid, []).append(attempt)
        asked = 0
        for guid, failed in reversed(attempts.items()):
            if await self._has_arrived(guid) or now - failed[0].at < _pause(len(failed)):
                continue
            await hook.again(failed[0])
            asked += 1
            log.info("reconcile.redelivery", delivery=guid, attempts=len(failed))
        return asked

    async def sweep(self) -> int:
        """Find mentions for which no delivery came; how many there were.

        The first time it goes back to the newest delivery that came, at most two weeks, then two hours.
        """
        now = datetime.now(UTC)
        back = self._since or min(now, await self._store.newest_delivery() or now)
        since = max(min(back, now) - LOOK_BACK, now - FARTHEST).replace(minute=0, second=0, microsecond=0)
        found, looked = 0, 0
        async for installation, repository in self._github.hook.repositories():
            if repository.get("archived"):
                continue
            looked += 1
            if looked > MOST_REPOSITORIES:
                log.warning("reconcile.too_many_repositories", looked=MOST_REPOSITORIES)
                break
            try:
                found += await self._sweep(installation, repository, since, now)
            except HobError as trouble:
                log.warning("reconcile.repository", repository=repository["full_name"], reason=str(trouble))
        self._since = now
        return found

    async def _sweep(self, installation: int, repository: Json, since: datetime, now: datetime) -> int:
        owner, name = repository["owner"]["login"], repository["name"]
        api = self._github.for_repo(installation, int(repository["id"]), owner, name)
        found = 0
        listed = {event: await api.recent(what, since) for what, event in EVENTS.items()}
        pulls = [item["number"] for item in listed["issues"] if "pull_request" in item][:MOST_PULLS]
        listed[REVIEW] = [_add_times(one, pull) for pull in pulls for one in await api.reviews(pull)]
        for event, items in listed.items():
            for item in items:
                if not self._mentions_bot(item, since, now) or await self._store.has_delivery_containing(
                    event, _anchor(event, item), since - FARTHEST
                ):
                    continue
                payload = await self._payload(api, event, item)
                payload |= {"repository": repository, "installation": {"id": installation}}
                guid = f"sweep-{event.replace('_', '-')}-{item['id']}"
                body = json.dumps(payload).encode()
                if await self._store.add_delivery(guid, event, body, {}, installation=installation) == "new":
                    log.warning("reconcile.lost_mention", delivery=guid, url=item["html_url"])
                    found += 1
        return found

    def _mentions_bot(self, item: Mapping[str, Any], since: datetime, now: datetime) -> bool:
        """Whether a person mentioned the bot here, in that time. What was edited may be another's words."""
        if "pull_request" in item:  # opening one asks for nothing
            return False
        user, at = item.get("user") or {}, datetime.fromisoformat(item["created_at"])
        if user.get("type") == "Bot" or user.get("id") == self._app.bot_id or not since <= at <= now - SETTLE:
            return False
        if item["updated_at"] != item["created_at"] and "title" not in item:
            return False
        words: Sequence[str] = (item.get("title") or "", item.get("body") or "")
        return any(find_mentions(each, self._app.slug) for each in words)

    async def _payload(self, api: Any, event: str, item: Json) -> Json:
        """The payload that GitHub would have sent."""
        common = {"sender": item["user"]}
        if event == "issues":
            return common | {"action": "opened", "issue": item}
        if event == "issue_comment":
            issue = await api.issue(int(item["issue_url"].rsplit("/", 1)[1]))
            return common | {"action": "created", "comment": item, "issue": issue}
        pull = await api.pull(int(item["pull_request_url"].rsplit("/", 1)[1]))
        if event == REVIEW:
            return common | {"action": "submitted", "review": item, "pull_request": pull}
        return common | {"action": "created", "comment": item, "pull_request": pull}

    async def _has_arrived(self, guid: str) -> bool:
        known = await self._store.delivery(guid)
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


def _add_times(review: Json, pull: int) -> Json:
    """A review with the times that comments have; a pending one has none, and long ago asks for nothing."""
    at = review.get("submitted_at") or datetime.fromtimestamp(0, UTC).isoformat()
    return review | {"created_at": at, "updated_at": at, "pull_request_url": f"/pulls/{pull}"}


def _anchor(event: str, item: Mapping[str, Any]) -> str:
    """What stands in the body of every delivery about this and of no other."""
    return f'"{item["html_url"]}"'


def _pause(attempts: int) -> timedelta:
    return min(FIRST * (1 << min(attempts - 1, 10)), RAREST)


async def _wait_for_stop(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
