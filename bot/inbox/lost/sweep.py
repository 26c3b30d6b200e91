"""Look for mentions that no delivery reported, in every repository that the app can see.

For such a mention a delivery is made from what GitHub's API says, and is handled like all others, permissions
included. Most repositories are quiet: one request tells of fifty when something was last written there, and
only those are looked through in which that was since the last time, the longest ago first. What is too much
for one sweep is left to the next, and looked through from where it was left.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from bot.errors import HobError, Parked
from bot.github.app import GitHub
from bot.github.lost.installations import AT_ONCE, Installation, InstalledRepository
from bot.github.lost.recent import ISSUES, RecentItem, count_requests
from bot.inbox.decision import AppIdentity
from bot.inbox.mentions import find_mentions
from bot.tasks.deliveries.arrivals import ArrivedDelivery
from bot.tasks.store import Store

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(hours=2)
FARTHEST = timedelta(days=14)
SETTLE = timedelta(minutes=2)  # a delivery may still be under way
# What was written so shortly before the last look may not have been seen: clocks differ, replicas lag.
UNSURE = timedelta(minutes=15)
MOST_REPOSITORIES = 5_000  # of an installation, those that GitHub lists first
# Reads of an installation in one sweep: four sweeps an hour take less than half of the smallest hourly limit.
MOST_REQUESTS = 500


class Sweep:
    """Looks through all installations, and remembers until when each repository is known."""

    def __init__(self, store: Store, github: GitHub, app: AppIdentity, *, discussions: bool = False) -> None:
        """``discussions`` are looked through, too, where an installation lets the app read them."""
        self._discussions = discussions
        self._store = store
        self._github = github
        self._app = app
        self._begin: datetime | None = None
        self._listed: dict[int, datetime] = {}  # installation -> when its repositories were listed
        self._known: dict[int, datetime] = {}  # repository -> until when all that was written is known
        self._talking: set[int] = set()  # repositories with discussions that may be read
        self._tried: dict[int, datetime] = {}  # repository -> when it was last to be looked through

    async def run(self) -> int:
        """Find mentions for which no delivery came; how many there were.

        The first time it goes back to the newest delivery that came, at most two weeks, then two hours. What
        fails in one installation or repository is logged, and stops nothing in the others.
        """
        now, found = datetime.now(UTC), 0
        if self._begin is None:
            self._begin = min(now, await self._store.find_newest_delivery_time() or now)
        for installation in await self._github.installations.list():
            if installation.is_suspended:
                continue
            try:
                found += await self._look_through(installation, now)
            except HobError as trouble:
                log.warning("reconcile.installation", installation=installation.id, reason=str(trouble))
        return found

    async def _look_through(self, installation: Installation, now: datetime) -> int:
        repositories = await self._list_repositories(installation, now)
        changes = await self._find_changes(installation, repositories)
        due: list[InstalledRepository] = []
        for one in repositories:
            if self._is_due(one, changes):
                due.append(one)
            else:
                self._known[one.id], self._tried[one.id] = now - UNSURE, now
        due.sort(key=lambda one: self._tried.get(one.id, self._known[one.id]))
        found, spent = 0, 0
        for at, repository in enumerate(due):
            if spent >= MOST_REQUESTS:
                log.info("reconcile.postponed", installation=installation.id, repositories=len(due) - at)
                break
            self._tried[repository.id] = now
            try:
                here, requests = await self._look_in(repository, now)
            except Parked:
                raise
            except HobError as trouble:
                log.warning("reconcile.repository", repository=repository.full_name, reason=str(trouble))
                spent += 1
                continue
            self._known[repository.id] = now - UNSURE
            found, spent = found + here, spent + requests
        return found

    async def _list_repositories(
        self, installation: Installation, now: datetime
    ) -> list[InstalledRepository]:
        """Those that somebody can write in, each with the time from which on it is to be looked through."""
        repositories: list[InstalledRepository] = []
        async for repository in self._github.installations.repositories(installation.id):
            if len(repositories) >= MOST_REPOSITORIES:
                log.warning("reconcile.too_many_repositories", installation=installation.id)
                break
            if not repository.is_archived:
                repositories.append(repository)
        begin = max(self._begin or now, min(installation.created_at, now))
        for repository in repositories:
            self._known.setdefault(repository.id, self._listed.get(installation.id, begin) - LOOK_BACK)
        self._listed[installation.id] = now
        return repositories

    async def _find_changes(
        self, installation: Installation, repositories: Sequence[InstalledRepository]
    ) -> dict[int, datetime | None]:
        """When something was last written, by repository; one of which that is not known is left out."""
        changes: dict[int, datetime | None] = {}
        for start in range(0, len(repositories), AT_ONCE):
            some = repositories[start : start + AT_ONCE]
            try:
                changes |= await self._github.installations.find_changes(installation.id, some)
            except Parked:
                raise
            except HobError as trouble:
                log.warning("reconcile.changes", installation=installation.id, reason=str(trouble))
        talking = [one for one in repositories if self._discussions and one.has_discussions]
        talks: Mapping[int, datetime] = {}
        try:
            talks = await self._github.recent_discussions.find_changes(installation.id, talking)
        except Parked:
            raise
        except HobError as trouble:  # most likely the permission was not given
            log.info("reconcile.discussions", installation=installation.id, reason=str(trouble))
        for repository in changes.keys() & talks.keys():
            known, newest = changes[repository], talks[repository]
            changes[repository] = newest if known is None else max(known, newest)
        self._talking = self._talking - {one.id for one in repositories} | set(talks)
        return changes

    def _is_due(self, repository: InstalledRepository, changes: Mapping[int, datetime | None]) -> bool:
        """Whether something was written since it was looked through, or nobody can tell."""
        if repository.id not in changes:
            return True
        newest = changes[repository.id]
        return newest is not None and newest > self._known[repository.id]

    async def _look_in(self, repository: InstalledRepository, now: datetime) -> tuple[int, int]:
        """How many mentions were found that no delivery reported, and how many requests that took."""
        api = self._github.for_repo(repository.installation, repository.id, repository.owner, repository.name)
        since = max(min(self._known[repository.id], now - LOOK_BACK), now - FARTHEST)
        since = since.replace(minute=0, second=0, microsecond=0)  # one address an hour, which has an ETag
        found, items = 0, await api.recent.list_items(since)
        if repository.id in self._talking:
            items += await self._list_in_discussions(repository, since)
        for item in items:
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
        return found, count_requests(items)

    async def _list_in_discussions(
        self, repository: InstalledRepository, since: datetime
    ) -> Sequence[RecentItem]:
        """What was written in discussions lately; nothing where that cannot be read."""
        try:
            return await self._github.recent_discussions.list_items(repository, since)
        except Parked:
            raise
        except HobError as trouble:
            log.warning("reconcile.discussions", repository=repository.full_name, reason=str(trouble))
            return []

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
