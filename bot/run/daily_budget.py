"""An installation's daily budget: what its runs may still cost, in US dollars of the last 24 hours."""

from __future__ import annotations

from dataclasses import replace

from bot.errors import Parked
from bot.run.job import Job
from bot.workspace.checkout import Checkout

WAIT_SECONDS = 900.0  # until it is asked again whether the last 24 hours leave something


async def cap_by_daily_budget(job: Job, checkout: Checkout) -> Checkout:
    """The checkout with no more dollars in its budget than the installation has left for 24 hours.

    Runs under way count by what they used so far, and what is left is shared evenly among them and this one.
    Raises Parked when nothing is left.
    """
    most = job.parts.settings.daily_limit
    if most is None:
        return checkout
    left = (await job.store.load_daily_budget(job.task.installation, most)).left_usd
    if not left:
        reason = f"this installation has used its ${most:g} of the last 24 hours"
        raise Parked(reason, after=WAIT_SECONDS)
    share = left / max(1, await job.store.count_running(job.task.installation))
    budget = checkout.config.budget
    capped = budget.model_copy(update={"usd": min(budget.usd, share)})
    return replace(checkout, config=checkout.config.model_copy(update={"budget": capped}))
