"""What may still be asked for: an installation's daily budget, and the limits that hob.yml sets for itself.

The operator's limits by hour are looked at when a request arrives. A repository's own are known only once its
file is read, which a run does anyway; they can lower the operator's and not raise them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.errors import Parked, UserError
from bot.repo_config import PATH, RepoConfig
from bot.run.job import Job
from bot.tasks.safety.limits import RequestLimits, find_exceeded_limit
from bot.workspace.checkout import Checkout

WAIT_SECONDS = 900.0  # until it is asked again whether the last 24 hours leave something
TOO_MUCH_HERE = "too much asked in this repository"


async def refuse_over_limit(job: Job, config: RepoConfig) -> None:
    """Raise UserError when the task is more than the repository's file allows in its hour or day.

    Tasks of its hour that are older count, and what runs of the last 24 hours cost in the repository.
    """
    task, here = job.task, config.limits
    exceeded = await find_exceeded_limit(
        job.store,
        RequestLimits(
            person=here.person,
            repository=here.repository,
            person_usd=here.person_usd,
            repository_usd=here.repository_usd,
        ),
        person=task.requester,
        repo=task.repo,
        installation=task.installation,
        task=task.id,
    )
    if exceeded:
        await job.store.note_refused_task(task, TOO_MUCH_HERE, exceeded)
        raise UserError(f"{exceeded} `limits` in `{PATH}` says so; ask again later.", phase="limits")


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
        day = datetime.now(UTC).date().isoformat()
        await job.note_event("budget", reason, key=f"budget:installation {job.task.installation}:{day}")
        raise Parked(reason, after=WAIT_SECONDS)
    share = left / max(1, await job.store.count_running(job.task.installation))
    budget = checkout.config.budget
    capped = budget.model_copy(update={"usd": min(budget.usd, share)})
    return replace(checkout, config=checkout.config.model_copy(update={"budget": capped}))
