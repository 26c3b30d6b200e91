"""An installation's daily budget: what its runs may still cost, in US dollars of the last 24 hours."""

from __future__ import annotations

from dataclasses import replace

from bot.errors import Parked
from bot.run.job import Job
from bot.workspace.checkout import Checkout

WAIT_SECONDS = 900.0  # until it is asked again whether the last 24 hours leave something


async def cap_by_daily_budget(job: Job, checkout: Checkout) -> Checkout:
    """The checkout with no more dollars in its budget than the installation has left for 24 hours.

    Only runs that are over are counted, so runs side by side may each use what is left. Raises Parked
    when nothing is left.
    """
    most = job.parts.settings.daily_limit
    if most is None:
        return checkout
    left = (await job.store.load_daily_budget(job.task.installation, most)).left_usd
    if not left:
        reason = f"this installation has used its ${most:g} of the last 24 hours"
        raise Parked(reason, after=WAIT_SECONDS)
    budget = checkout.config.budget
    capped = budget.model_copy(update={"usd": min(budget.usd, left)})
    return replace(checkout, config=checkout.config.model_copy(update={"budget": capped}))
