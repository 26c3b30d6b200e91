"""The attempts of a job at one brief, written down in its notebook."""

from __future__ import annotations

from bot.agent.models import choose
from bot.domain import Brief
from bot.run.attempt import model_name
from bot.run.attempts import best_of, ceiling
from bot.run.checkout import Checkout
from bot.run.job import Job
from bot.run.judge import Picked
from bot.run.notebook import Notebook


async def tried_out(job: Job, checkout: Checkout, brief: Brief, *, asked: int | None = None) -> Picked:
    """The best of the attempts at ``brief``: as many as a person ``asked`` for at once, else as needed.

    Raises what ``best_of`` raises.
    """
    name = model_name(checkout, job.parts.settings.model)
    job.notebook = Notebook(job.store, job.run, job.task, job.board, job.parts.redactor, checkout)
    await job.notebook.look()
    picked = await best_of(
        checkout,
        brief,
        most=1 if brief.kind.is_words else ceiling(checkout.config, name, asked=asked),
        new_model=lambda: choose(name),
        kept=job.notebook,
        redactor=job.parts.redactor,
        set_phase=lambda phase: job.store.set_phase(job.run, phase),
        at_once=asked is not None,
    )
    await job.notebook.settle()
    job.spent, job.board.steps = picked.spent, picked.result.outcome.plan
    return picked
