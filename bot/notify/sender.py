"""Sends notices until each is taken, or has been refused too often; any number of senders share the work.

A notice is marked as sent after it was taken. Between the two a process may die, and then it is sent again:
what is promised is once or more, always with the same id, by which the other side can tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.notify.mail import mail_notice
from bot.notify.webhook import NoticeRefused, post_notice
from bot.settings import NotifySettings
from bot.tasks.database.transactions import first_line, is_unreachable
from bot.tasks.notices.records import DueNotice, NoticeRecords

log = structlog.get_logger(__name__)

Send = Callable[[DueNotice, NotifySettings], Awaitable[None]]

LOOK_SECONDS = 5.0
CLAIM_SECONDS = 120.0  # longer than all that are claimed at once may take
MOST_TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0
_SENDERS: Mapping[str, Send] = {"webhook": post_notice, "e-mail": mail_notice}


class NoticeSender:
    """One worker's sender."""

    def __init__(self, store: NoticeRecords, settings: NotifySettings) -> None:
        self._store, self._settings = store, settings

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until ``stop``; a database that is away is waited for."""
        while not stop.is_set():
            try:
                await self.send_due()
                await self._store.purge_notices()
            except Exception as trouble:
                if not is_unreachable(trouble):
                    raise
                log.warning("notices.database_away", error=first_line(trouble))
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue

    async def send_due(self) -> int:
        """Send what is due now; returns how many were taken."""
        due = await self._store.claim_notices(seconds=CLAIM_SECONDS)
        return sum(await asyncio.gather(*(self._send(each) for each in due)))

    async def _send(self, notice: DueNotice) -> bool:
        try:
            await _SENDERS[notice.target.rpartition(" ")[2]](notice, self._settings)
        except NoticeRefused as refused:
            over = refused.for_good or notice.tries >= MOST_TRIES
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (notice.tries - 1))
            log.warning(
                "notice.refused", notice=notice.id, target=notice.target, reason=str(refused), over=over
            )
            await self._store.note_refused(notice, str(refused), again=None if over else pause)
            return False
        await self._store.note_sent(notice)
        log.info("notice.sent", notice=notice.id, key=notice.key, target=notice.target)
        return True
