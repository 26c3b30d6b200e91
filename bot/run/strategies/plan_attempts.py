"""How many attempts a job may make, with which model and what budget, and where they are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.agent.models.calls import ModelCall, RetryPolicy
from bot.agent.models.direct import DirectCall
from bot.agent.models.scripted import call, make_scripted_model
from bot.run.attempts.attempt import choose_model_name
from bot.run.attempts.attempt_store import AttemptStore
from bot.run.attempts.best_of import AttemptPlan, explain_fewer, limit_attempts
from bot.run.ceilings import limit_to_ceilings
from bot.run.daily_budget import cap_by_daily_budget, refuse_over_limit
from bot.run.job import Job
from bot.run.prepare.prepare import Prepared
from bot.run.prepare.take_flags import add_flagged_attempts, note_overruled_flags
from bot.workspace.base_merge import BaseMerge


async def plan_attempts(job: Job, prepared: Prepared, *, asked: int | None = None) -> AttemptPlan:
    """The attempts at the brief of ``prepared``: as many as a person ``asked`` for at once, else as needed.

    Opens the job's attempt store. Raises Parked while the installation's budget is used up,
    UserError for a model that the operator does not allow, and over the repository's own limits.
    """
    await note_overruled_flags(job, prepared.checkout.config)
    await refuse_over_limit(job, prepared.checkout.config)
    config = limit_to_ceilings(add_flagged_attempts(prepared.checkout.config, job.flags), job.parts.settings)
    checkout = await cap_by_daily_budget(job, replace(prepared.checkout, config=config))
    brief = prepared.brief
    asked = min(asked, job.parts.settings.max_attempts) if asked else asked
    name = choose_model_name(checkout, job.parts.settings.model)
    job.attempt_store = AttemptStore(job.store, job.run, job.task, job.progress, job.parts.redactor, checkout)
    await job.attempt_store.find_first()
    most = 1 if brief.kind.produces_only_text else limit_attempts(checkout.config, name, asked=asked)
    return AttemptPlan(
        checkout=checkout,
        brief=brief,
        most=most,
        new_model=_skip_model_for_merge(checkout.base_merge, lambda: job.parts.models.choose(name)),
        sink=job.attempt_store,
        redactor=job.parts.redactor,
        set_phase=lambda phase: job.store.set_phase(job.run, phase),
        at_once=asked is not None,
        remark=explain_fewer(name, asked=asked, most=most),
        system_prompt=job.system_prompt,
    )


def _skip_model_for_merge(
    merge: BaseMerge | None, new_model: Callable[[], ModelCall]
) -> Callable[[], ModelCall]:
    """``new_model``, unless a merge is all that was asked for and has no conflicts.

    Then the first attempt has nothing left to do and asks no model.
    """
    if merge is None or not merge.only or merge.conflicts:
        return new_model
    summary = (
        f"`{merge.name}` is merged into this branch; there were no conflicts."
        if merge.merged
        else f"This branch has all of `{merge.name}` already."
    )
    script = make_scripted_model([call("finish", kind="nothing", summary=summary)])
    first = [DirectCall("merge", script, retry_policy=RetryPolicy(), streamed=False, metered=False)]
    return lambda: first.pop() if first else new_model()
