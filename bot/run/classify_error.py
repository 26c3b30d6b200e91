"""What an error means for its task: an end that users see, a retry, or a wait."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta

import structlog

from bot.domain import TaskEnd, TaskState
from bot.errors import Parked, Retry, UserError
from bot.run.job import Job
from bot.run.messages.ends import render_failure
from bot.tasks.database.transactions import is_unreachable
from bot.tasks.leases import MAX_LEASES
from sandbox.spec import SandboxUnavailable

log = structlog.get_logger(__name__)

MOST_WAITED = timedelta(days=3)  # from the first run on, for a provider, for GitHub, for the day's budget
LONGEST_WAIT = 6 * 3600.0  # seconds, at once


async def classify_error(job: Job, error: Exception) -> TaskEnd | None:
    """How the task ends by ``error``; None when the task was put back to be taken up again later.

    Raises LeaseLost.
    """
    redact = job.parts.redactor.text
    if isinstance(error, UserError):
        message = redact(error.message)
        text = render_failure(message, phase=error.phase, log=redact(error.log))
        return TaskEnd(state=TaskState.FAILED, text=text, reason=message)
    if isinstance(error, Parked):
        return await park_task(job, error)
    if retry := error if isinstance(error, Retry) else retry_if_transient(error):
        return await requeue_task(job, retry)
    log.error("run.bug", exc_info=error)
    name = type(error).__name__
    text = render_failure(f"An error inside Hob ended this ({name}); its log says more.", phase="", log="")
    return TaskEnd(state=TaskState.FAILED, text=text, reason=f"internal error: {name}")


async def requeue_task(job: Job, retry: Retry) -> TaskEnd | None:
    """Put the task back into the queue, or end it after ``MAX_LEASES``. Raises LeaseLost."""
    reason = job.parts.redactor.text(retry.reason)
    if job.task.leases_taken < MAX_LEASES:
        await job.store.release(job.run, TaskState.QUEUED, reason, after=retry.after)
        return None
    text = render_failure(f"{reason} ({MAX_LEASES} attempts)", phase="", log="")
    return TaskEnd(state=TaskState.FAILED, text=text, reason=reason)


async def park_task(job: Job, parked: Parked) -> TaskEnd | None:
    """Let the task wait as was asked, without counting it; end it when it has waited for ``MOST_WAITED``.

    Raises LeaseLost.
    """
    reason = job.parts.redactor.text(parked.reason)
    waited = datetime.now(UTC) - (await job.store.list_runs(job.task.id))[0].started_at
    if waited < MOST_WAITED:
        await job.store.release(
            job.run, TaskState.WAITING, reason, after=min(parked.after, LONGEST_WAIT), counted=False
        )
        return None
    message = f"I waited for {waited.total_seconds() / 3600:.0f} hours, and still: {reason}"
    text = render_failure(f"{message}. Ask again when that is over.", phase="", log="")
    return TaskEnd(state=TaskState.FAILED, text=text, reason=message)


def retry_if_transient(error: Exception) -> Retry | None:
    """Trouble of this machine that may be over soon, as a Retry; None for everything else."""
    if isinstance(error, SandboxUnavailable):
        return Retry(f"No sandbox is to be had on the machine that runs Hob: {error}")
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return Retry("the disk of the machine that runs Hob is full", after=300.0) if full else None
    return Retry("Hob's database was away", after=5.0) if is_unreachable(error) else None
