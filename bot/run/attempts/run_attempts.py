"""The attempts of a job at one brief, written to its attempt store."""

from __future__ import annotations

from dataclasses import replace

from bot.domain import Brief
from bot.errors import Parked
from bot.run.attempts.attempt import model_name
from bot.run.attempts.attempt_store import AttemptStore
from bot.run.attempts.best_of import attempt_limit, best_of
from bot.run.attempts.ranking import Selection
from bot.run.job import Job
from bot.workspace.base_merge import models
from bot.workspace.checkout import Checkout

WAIT_SECONDS = 900.0  # between looks whether the last 24 hours leave something


async def run_attempts(job: Job, checkout: Checkout, brief: Brief, *, asked: int | None = None) -> Selection:
    """The best of the attempts at ``brief``: as many as a person ``asked`` for at once, else as needed.

    Raises what ``best_of`` raises, and Parked while the installation's budget is used up.
    """
    checkout = await _within_budget(job, checkout)
    name = model_name(checkout, job.parts.settings.model)
    job.attempt_store = AttemptStore(job.store, job.run, job.task, job.progress, job.parts.redactor, checkout)
    await job.attempt_store.look()
    picked = await best_of(
        checkout,
        brief,
        most=1 if brief.kind.produces_only_text else attempt_limit(checkout.config, name, asked=asked),
        new_model=models(checkout.joined, lambda: job.parts.models.choose(name)),
        kept=job.attempt_store,
        redactor=job.parts.redactor,
        set_phase=lambda phase: job.store.set_phase(job.run, phase),
        at_once=asked is not None,
    )
    await job.attempt_store.settle()
    job.spent, job.progress.steps = picked.spent, picked.result.outcome.plan
    return picked


async def _within_budget(job: Job, checkout: Checkout) -> Checkout:
    """The checkout with no more dollars in its budget than the installation has left for 24 hours.

    Only runs that are over are counted, so runs side by side may each use what is left.
    """
    most = job.parts.settings.daily_usd
    if most is None:
        return checkout
    left = most - (await job.store.spent(installation=job.task.installation, hours=24)).usd
    if left <= 0:
        words = f"this installation has used its ${most:g} of the last 24 hours"
        await job.publisher.show((), (f"⏸️ I wait: {words}.",))
        raise Parked(words, after=WAIT_SECONDS)
    budget = checkout.config.budget
    capped = budget.model_copy(update={"usd": min(budget.usd, left)})
    return replace(checkout, config=checkout.config.model_copy(update={"budget": capped}))
