"""What an error means for its task: an end that users see, a retry, or a wait."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from bot.backoff import compute_backoff
from bot.disk import find_disk_trouble
from bot.domain import TaskEnd, TaskState
from bot.errors import Outage, Parked, Retry, UserError
from bot.git.remote import NoAccess, Unauthorized
from bot.github.http.responses import GitHubRefused
from bot.run.job import Job
from bot.run.messages.ends import render_failure, render_left_branch
from bot.run.messages.push_refused import render_push_refused
from bot.run.stored import load_proven_change
from bot.tasks.database.transactions import WAIT_SECONDS, is_unreachable, retry_while_away
from bot.tasks.leases.expire import MAX_LEASES
from bot.tasks.runs import RunRecord
from sandbox.spec import SandboxUnavailable

log = structlog.get_logger(__name__)

MOST_WAITED = timedelta(days=3)  # from the first run on, for a provider, for GitHub, for the day's budget
LONGEST_WAIT = 6 * 3600.0  # seconds, at once
LONGEST_PAUSE = 600.0  # seconds between looks whether an outage is over
PATIENCE = (5.0, 30.0, 120.0)  # seconds after which what was refused is asked for again, before it is an end
WORTH_TELLING = 60.0  # seconds: shorter waits are not shown on the thread
TELLING_SECONDS = 10.0  # that this may take


async def classify_error(job: Job, error: Exception) -> TaskEnd | None:
    """How the task ends by ``error``; None when the task was put back to be run again later.

    Raises LeaseLost.
    """
    redact = job.parts.redactor.text
    if isinstance(error, UserError):
        message = redact(error.message)
        if error.may_pass and await _wait_for_refusal(job, message):
            return None
        refused = isinstance(error, NoAccess | Unauthorized | GitHubRefused)
        if refused and (kept := await _end_with_patch(job, message)):
            return kept
        return await fail_task(job, message, phase=error.phase, log=redact(error.log))
    if isinstance(error, Retry) and not isinstance(error, Outage):
        return await requeue_task(job, error)
    if parked := error if isinstance(error, Parked | Outage) else retry_if_transient(error):
        if find_disk_trouble(error):
            await _free_disk(job)
        return await park_task(job, parked)
    log.error("run.bug", exc_info=error)
    name = type(error).__name__
    said = f"An error inside Hob ended this ({name}); its log says more."
    return await fail_task(job, said, reason=f"internal error: {name}")


async def fail_task(job: Job, message: str, *, phase: str = "", log: str = "", reason: str = "") -> TaskEnd:
    """The end of a task that cannot be done; a branch that is left without a pull request is named."""
    text = render_failure(message, phase=phase, log=log)
    now = await job.store.get_task(job.task.id)
    if now is not None and now.branch and not now.pull and await job.store.has_pushed(now.id):
        text = f"{text}\n\n{render_left_branch(now.branch)}"
    return TaskEnd(state=TaskState.FAILED, text=text, reason=reason or message)


async def _end_with_patch(job: Job, message: str) -> TaskEnd | None:
    """The end, with a patch, of a task whose proven change GitHub refuses; None without a proven change."""
    proven = load_proven_change(await job.store.load_changes(job.task.id))
    if proven is None or await job.store.has_pushed(job.task.id):
        return None
    text = render_push_refused(proven, message, slug=job.parts.slug)
    return TaskEnd(state=TaskState.FAILED, text=text, reason=message, result=proven.result)


async def requeue_task(job: Job, retry: Retry) -> TaskEnd | None:
    """Put the task back into the queue, or end it after ``MAX_LEASES``. Raises LeaseLost."""
    reason = job.parts.redactor.text(retry.reason)
    if job.task.leases_taken < MAX_LEASES:
        log.info("run.requeued", task=job.task.id, reason=reason, after=retry.after)
        await job.store.release(job.run, TaskState.QUEUED, reason, after=retry.after)
        return None
    text = render_failure(f"{reason} ({MAX_LEASES} attempts)", phase="", log="")
    return TaskEnd(state=TaskState.FAILED, text=text, reason=reason)


async def park_task(job: Job, parked: Parked | Outage) -> TaskEnd | None:
    """Let the task wait as was asked, without counting it; end it when it has waited for ``MOST_WAITED``.

    An outage is waited for with pauses that grow. Raises LeaseLost.
    """
    reason = job.parts.redactor.text(parked.reason)
    runs = await _list_runs(job)
    waited = datetime.now(UTC) - runs[0].started_at
    if waited < MOST_WAITED:
        after = min(parked.after, LONGEST_WAIT)
        if isinstance(parked, Outage):
            waits = await _count_waits(job)
            after = compute_backoff(waits + 1, first=after, longest=max(after, LONGEST_PAUSE), spread=0.2)
        log.info("run.waits", task=job.task.id, reason=reason, after=round(after))
        await _wait(job, reason, after=after)
        return None
    message = f"I waited for {waited.total_seconds() / 3600:.0f} hours, and still: {reason}"
    return await fail_task(job, f"{message}. Ask again when that is over.", reason=message)


def retry_if_transient(error: Exception) -> Outage | None:
    """Temporary trouble of this machine, as a wait; None for everything else."""
    if isinstance(error, SandboxUnavailable):
        return Outage(f"No sandbox is to be had on the machine that runs Hob: {error}")
    if trouble := find_disk_trouble(error):
        log.error("run.disk", trouble=trouble, error=str(error)[:500])
        return Outage(f"the disk of the machine that runs Hob cannot be used ({trouble})", after=60.0)
    if isinstance(error, OSError):
        return None
    return Outage("Hob's database was away", after=5.0) if is_unreachable(error) else None


async def _free_disk(job: Job) -> None:
    try:
        await job.parts.workshop.disk_cache.make_room()
    except OSError as trouble:
        log.error("run.disk", trouble="no room could be made", error=str(trouble))


async def _wait_for_refusal(job: Job, message: str) -> bool:
    """Put the task off when GitHub has not refused this often enough in a row; returns whether it was."""
    waits = await _count_waits(job, message)
    if waits >= len(PATIENCE):
        return False
    await _wait(job, message, after=PATIENCE[waits])
    return True


async def _wait(job: Job, reason: str, *, after: float) -> None:
    await job.store.finish_run(job.run, usage=job.spent, error=reason)
    if after >= WORTH_TELLING:
        try:
            async with asyncio.timeout(TELLING_SECONDS):
                await job.publisher.comment.show_wait(reason)
        except (UserError, Retry, Parked, TimeoutError) as trouble:
            log.warning("run.wait_not_shown", reason=str(trouble))
    await job.store.release(job.run, TaskState.WAITING, reason, after=after, counted=False)


async def _list_runs(job: Job) -> list[RunRecord]:
    return await retry_while_away(lambda: job.store.list_runs(job.task.id), seconds=WAIT_SECONDS)


async def _count_waits(job: Job, reason: str = "") -> int:
    """How many runs of the task in a row, up to the one before this, ended in a wait (for this reason)."""
    count = 0
    for run in reversed(await _list_runs(job)):
        if run.id == job.run.id:
            continue
        if run.state != TaskState.WAITING or (reason and run.error != reason):
            break
        count += 1
    return count
