"""A proven change is published: commit, pull request, and the final text about them."""

from __future__ import annotations

import asyncio

from bot.domain import ProvenChange, TaskEnd, TaskState
from bot.git.push import PushRefused
from bot.run.job import Job
from bot.run.messages.attempts import TOO_LATE
from bot.run.messages.ends import render_done
from bot.run.messages.push_refused import render_push_refused
from bot.run.same_change import end_with_same_change


async def publish_change(job: Job, proven: ProvenChange) -> TaskEnd:
    """Push the change and open or update its pull request; where GitHub refuses the push, end with a patch.

    Raises UserError, Retry.
    """
    task, result = job.task, proven.result
    await job.fetch_base(result.changes)
    if known := await end_with_same_change(job, proven):
        return known
    try:
        pull, sha = await job.publisher.publish(job.parts.workshop.mirror.path(task.repo.id), proven)
    except PushRefused as refused:
        text = render_push_refused(proven, refused.reason, slug=job.parts.slug)
        return TaskEnd(state=TaskState.FAILED, text=text, reason=refused.message, result=result)
    if proven.ordinal:
        await job.store.choose_attempt(job.run, proven.root or task.root, proven.ordinal)
    text = await asyncio.to_thread(
        render_done,
        pull,
        result,
        here=sha if task.thread.is_pull else "",
        where=job.publisher.where,
        refused=job.publisher.refused,
        choice=proven.choice,
    )
    late = f"\n\n{TOO_LATE}" if await job.store.is_cancel_requested(job.run) else ""
    return TaskEnd(state=TaskState.DONE, text=text + late, result=result)
