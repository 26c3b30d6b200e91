"""The strategy for ``@hob approve 3f2a...``: release held paths, as the very tree that was approved."""

from __future__ import annotations

import asyncio
from contextlib import closing

from dulwich.repo import Repo

from bot.domain import ProvenChange, TaskEnd, TaskState
from bot.errors import UserError
from bot.git.trees import BaseTree
from bot.run.job import Job
from bot.run.prepare.prepare import prepare
from bot.run.strategies.release_held_paths import end_without_offer, list_offers, prove_release
from bot.workspace.checkout import Checkout

FORK = (
    "This stands on commits from a fork, on top of which I publish nothing that is protected. Whoever may "
    "push there can make the change by hand."
)
THERE = "✅ **That is what is there already.** Nothing was left to be done."


async def approve_held_change(job: Job) -> ProvenChange | TaskEnd:
    """The change that the digest names, on the branch as it is now, proved.

    The task is ended when what would come of it now is another tree. Raises UserError on a fork's commits.
    """
    digest = job.task.directive.digest if job.task.directive else ""
    prepared = await prepare(job, merging=False)
    if prepared.foreign:
        raise UserError(FORK, phase="prepare")
    if prepared.head and (await asyncio.to_thread(_read_tree, prepared.checkout)).startswith(digest):
        return TaskEnd(state=TaskState.DONE, text=THERE)
    offers = await list_offers(job, prepared)
    approved = [each for each in offers if each.release.digest.startswith(digest)]
    if len(approved) != 1:
        return end_without_offer(offers, prepared)
    return await prove_release(job, prepared, approved[0])


def _read_tree(checkout: Checkout) -> str:
    """The tree id of the checkout's commit."""
    with closing(Repo(str(checkout.repo))) as opened:
        return BaseTree(opened.object_store, checkout.base).root.sha.decode("ascii")
