"""The strategy for a task that produces only text: a review of a pull request, or an answer. Never a change.

What the agent did to files is dropped where it ends (``bot.run.attempts``), so nothing here could publish it.
"""

from __future__ import annotations

import asyncio

from bot.domain import OutcomeKind, ProvenChange, TaskEnd, TaskKind, TaskState
from bot.run.attempts.best_of import run_best_of
from bot.run.end_without_pull import end_without_pull
from bot.run.job import Job
from bot.run.messages import reviews
from bot.run.messages.ends import render_outcome, render_refused
from bot.run.messages.invisible_text import render_invisible_text
from bot.run.prepare.examine import prepare_examination
from bot.run.strategies.build_proven_change import build_proven_change
from bot.run.strategies.plan_attempts import plan_attempts
from bot.run.strategies.publish_review import publish_review


async def make_text(job: Job) -> ProvenChange | TaskEnd:
    """Prepare, run the agent and, for a review, the checks on both sides.

    Returns the text to publish, or the end of the task when there is none.
    """
    prepared = await prepare_examination(job)
    selection = await run_best_of(await plan_attempts(job, prepared))
    result = selection.result
    end = end_without_pull(result)
    cut_short = job.task.kind is TaskKind.REVIEW and result.outcome.kind is OutcomeKind.LIMIT
    if end and end.state is not TaskState.DONE and not (cut_short and result.outcome.notes):
        return end
    return build_proven_change(
        job,
        prepared,
        result,
        head=prepared.checkout.base,
        hidden=prepared.hidden,
        ordinal=selection.chosen.ordinal,
    )


async def publish_text(job: Job, proven: ProvenChange) -> TaskEnd:
    """Publish the text: a review as one review, an answer as the task's own comment."""
    result = proven.result
    if job.task.kind is TaskKind.REVIEW:
        review = await publish_review(job, proven)
        text = reviews.render_review_done(review.review, proven.head or "", review.remarks)
        undone = render_refused(job.publisher.refused)
        parts = (text, undone)
        return TaskEnd(state=TaskState.DONE, text="\n\n".join(part for part in parts if part), result=result)
    end = end_without_pull(result, render_invisible_text(proven.hidden))
    text = await asyncio.to_thread(render_outcome, result.outcome)
    return end or TaskEnd(state=TaskState.DONE, text=text, result=result)
