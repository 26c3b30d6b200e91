"""A stored attempt's change set moved to the commit that the branch is at now."""

from __future__ import annotations

import asyncio

from bot.domain import ChangeSet
from bot.errors import UserError
from bot.git.transplant import Conflict, transplant
from bot.run.job import Job
from bot.workspace.checkout import Checkout

MOST_NAMED = 10
UNFIT = (
    "Attempt {} does not fit any more: somebody changed {} since. Nothing was overwritten; ask me for the "
    "change anew."
)


def report_unfit(number: int, changed: str) -> UserError:
    """The error that attempt ``number`` no longer fits, because of what somebody ``changed``."""
    return UserError(UNFIT.format(number, changed), phase="prepare")


async def move_attempt(
    job: Job, checkout: Checkout, number: int, wanted: ChangeSet, published: ChangeSet | None
) -> ChangeSet:
    """``wanted`` in the place of ``published``, on the checkout's commit. Raises UserError on a conflict."""
    for changes in (wanted, published):
        if changes and changes.base:
            await job.fetch_base(changes)
    try:
        return await asyncio.to_thread(
            transplant,
            checkout.repo,
            onto=checkout.base,
            wanted=wanted,
            published=published if published and published.base else None,
        )
    except Conflict as conflict:
        names = [f"`{path.replace('`', ' ')}`" for path in conflict.paths[:MOST_NAMED]]
        raise report_unfit(number, ", ".join(names)) from None
