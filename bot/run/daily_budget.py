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

    They are reserved for this run: what is reserved and what is used never come to more than the day's.
    Raises Parked when nothing is left.
    """
    most = job.parts.settings.daily_limit
    if most is None:
        return checkout
    budget = checkout.config.budget
    usd = await job.store.reserve_daily_budget(
        job.run, job.task.installation, limit_usd=most, most_usd=budget.usd
    )
    if not usd:
        reason = (
            f"this installation's ${most:g} of the last 24 hours are used, or reserved for runs under way"
        )
        day = datetime.now(UTC).date().isoformat()
        await job.note_event("budget", reason, key=f"budget:installation {job.task.installation}:{day}")
        raise Parked(reason, after=WAIT_SECONDS)
    capped = budget.model_copy(update={"usd": usd})
    return replace(checkout, config=checkout.config.model_copy(update={"budget": capped}))
