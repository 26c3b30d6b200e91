"""Ending a task: store the end, publish it on GitHub, then release the task's lease."""

from __future__ import annotations

import structlog

from bot.domain import OutcomeKind, TaskEnd, TaskState
from bot.errors import Parked, Retry, UserError
from bot.run.end_without_pull import end_without_pull
from bot.run.job import Job
from bot.run.stored import dump_task_end

log = structlog.get_logger(__name__)


async def end_task(job: Job, end: TaskEnd) -> None:
    """Store the end, publish it on GitHub and release the task. Raises LeaseLost.

    The text is stored before it is published, so that whoever takes over after a crash publishes the same.
    What GitHub does not take now is written later by the queue (``bot.run.end_without_run``).
    """
    store, run, publisher, result = job.store, job.run, job.publisher, end.result
    await store.finish_run(
        run,
        outcome=result.outcome if result else None,
        diff=result.diff if result else "",
        proof=result.proof if result else None,
        usage=job.spent or (result.outcome.usage if result else None),
        error=end.reason,
    )
    await store.save_changes(run, dump_task_end(end))
    try:
        if result is not None and end_without_pull(result) is not None:
            await publisher.answer(result)
        usage = job.spent or (result.outcome.usage if result else None)
        text = publisher.leave_out_said(end.text, result)
        await publisher.end(text, job.progress.steps, state=end.state, usage=usage)
        published = True
    except (UserError, Retry, Parked) as error:
        log.warning("task.unnotified", reason=str(error))
        published = False
    for event in find_events(end):
        await job.note_event(event, end.reason)
    await store.release(run, end.state, end.reason, notified=published)
    log.info("task.ended", state=end.state.value, reason=end.reason)


def find_events(end: TaskEnd) -> list[str]:
    """The events of this end that people may be notified of outside GitHub."""
    result = end.result
    events = ["failed"] if end.state is TaskState.FAILED else []
    if result is not None and end.state is TaskState.DONE and result.changes.releasable:
        events.append("approval")
    if result is not None and result.outcome.kind is OutcomeKind.LIMIT:
        events.append("budget")
    return events
