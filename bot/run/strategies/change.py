"""The strategy for a change: prepare, make attempts, take the best one, rebase it where that is needed."""

from __future__ import annotations

from bot.domain import ProvenChange, TaskEnd, TaskState
from bot.run.attempts.best_of import run_best_of
from bot.run.end_without_pull import end_without_pull
from bot.run.job import Job
from bot.run.messages.attempts import render_choice, render_comparison
from bot.run.prepare.estimate import estimate, render_estimate
from bot.run.prepare.prepare import prepare
from bot.run.strategies.build_proven_change import build_proven_change
from bot.run.strategies.earlier_request import find_earlier_request
from bot.run.strategies.plan_attempts import plan_attempts
from bot.run.strategies.rebase import rebase_onto_new_head
from bot.run.strategies.release_offer import add_release_offer


async def make_change(job: Job) -> ProvenChange | TaskEnd:
    """The best attempt at the task's request, or at an earlier request for ``try``.

    Attempts beside a published one are only compared with it. Raises UserError, Retry, Parked, Cancelled.
    """
    directive, earlier = job.task.directive, await find_earlier_request(job)
    prepared = await prepare(
        job, subject=earlier.subject if earlier else None, at=earlier.base if earlier else ""
    )
    made = estimate(prepared.brief)
    await job.store.set_estimate(job.run, made)
    await job.progress.add_remark(render_estimate(made))
    asked = directive.number if directive else None
    selection = await run_best_of(await plan_attempts(job, prepared, asked=asked))
    if earlier and earlier.pull:
        text = render_comparison(
            selection,
            published=earlier.published,
            pull=earlier.pull,
            slug=job.parts.slug,
            url=job.compare_url,
        )
        return TaskEnd(state=TaskState.DONE, text=text, result=selection.result)
    ordinal = selection.chosen.ordinal
    rebased = await rebase_onto_new_head(job, prepared, selection.result)
    notes = (render_choice(selection, url=job.compare_url), rebased.note)
    choice = "\n\n".join(note for note in notes if note)
    result = await add_release_offer(job, prepared, rebased.result, ordinal=ordinal)
    return end_without_pull(result, choice) or build_proven_change(
        job, prepared, result, head=rebased.head, hidden=prepared.hidden, ordinal=ordinal, choice=choice
    )
