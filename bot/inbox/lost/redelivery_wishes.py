"""Ask GitHub at once to redeliver what an operator ordered; the outcome goes to the audit log."""

from __future__ import annotations

import asyncio

import structlog

from bot.errors import HobError
from bot.github.app import GitHub
from bot.inbox.lost.reconcile import wait_for_stop
from bot.tasks.database.transactions import is_unreachable
from bot.tasks.store import Store

log = structlog.get_logger(__name__)

EVERY = 5.0  # seconds between looks for wishes
MOST_TOLD = 5  # refusals in the audit log


class RedeliveryWishes:
    """What operators want delivered again; whichever worker looks first asks for it."""

    def __init__(self, store: Store, github: GitHub) -> None:
        self._store, self._github = store, github

    async def run(self, stop: asyncio.Event, *, every: float = EVERY) -> None:
        """Look now and then until ``stop``. Whatever goes wrong is logged, and looked for again."""
        while not await wait_for_stop(stop, every):
            try:
                while await self.fulfil():
                    pass
            except Exception as trouble:  # the loop's boundary: the next look may fare better
                if not is_unreachable(trouble):
                    log.exception("redelivery.bug")

    async def fulfil(self) -> int:
        """Ask for what one operator wanted at one time; returns how many deliveries that were."""
        wishes = await self._store.take_redelivery_wishes()
        refusals: list[str] = []
        for wish in wishes:
            try:
                await self._github.webhook_deliveries.redeliver(wish.attempt)
            except HobError as refused:
                refusals.append(f"{wish.guid} not: {refused}")
                log.warning("redelivery.refused", delivery=wish.guid, reason=str(refused))
                continue
            await self._store.note_redelivery_asked(wish.guid)
            log.info("redelivery.asked", delivery=wish.guid)
        if wishes:
            asked = len(wishes) - len(refusals)
            said = [f"GitHub delivers {asked} again", *refusals[:MOST_TOLD]]
            await self._store.tell_audit(wishes[0].entry, "; ".join(said))
        return len(wishes)
