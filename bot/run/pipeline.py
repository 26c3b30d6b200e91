"""The path of one task, top to bottom: claim, lease, strategy, publish, end.

A job in the queue only says "look at task N". ``work`` claims the task under a lease, has the strategy for it
make a proven change (or end it), publishes that, and ends the task in exactly one state that users see.
Errors on the way become an end, or put the task back for later: ``bot.run.classify_error``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress

import structlog

from bot.domain import Phase, ProvenChange, TaskEnd, TaskState
from bot.errors import Cancelled, LeaseLost, UserError
from bot.run.classify_error import classify_error
from bot.run.job import Job, Parts
from bot.run.messages.attempts import render_stopped
from bot.run.moderate import refuse_unfit
from bot.run.prepare.take_flags import take_flags
from bot.run.stored import dump_proven_change, load_proven_change, load_task_end
from bot.run.strategies.table import Strategy, choose_strategy
from bot.run.task_end import end_task
from bot.tasks.database.transactions import first_line, is_unreachable
from bot.tasks.leases.renew import Lease
from bot.trace import span

__all__ = ["Parts", "work"]

log = structlog.get_logger()


async def work(parts: Parts, task_id: int) -> bool:
    """Claim the task, work on it and end it; False at once when it cannot be claimed."""
    claimed = await parts.store.claim(task_id, parts.worker)
    if claimed is None:
        return False
    job = Job(parts, *claimed)
    with structlog.contextvars.bound_contextvars(task=job.task.id, run=job.run.id), _trace(job):
        async with _under_lease(job), job.show_commands():
            try:
                saved = await job.store.load_changes(job.task.id)
                end = load_task_end(saved)
                if end is None:
                    strategy = choose_strategy(job.task)
                    await job.store.set_phase(job.run, Phase.PREPARE)
                    await job.follow_repository()
                    proven = load_proven_change(saved)
                    await take_flags(job, publishing=proven is not None)
                    await job.publisher.begin()
                    made = proven or await strategy.make(job)
                    if proven is None:
                        await refuse_unfit(job, made)
                    end = made if isinstance(made, TaskEnd) else await _publish(job, strategy, made)
            except (Cancelled, LeaseLost):
                raise
            except Exception as error:
                end = await classify_error(job, error)
            if end is not None:
                await end_task(job, end)
    return True


def _trace(job: Job) -> AbstractContextManager[None]:
    task = job.task
    return span("run", delivery=task.delivery, task=task.id, run=job.run.id, kind=task.kind.value)


@asynccontextmanager
async def _under_lease(job: Job) -> AsyncIterator[None]:
    """Hold the task's lease during the block.

    A person's wish to stop ends the task. When the lease is lost, nothing more is written; when the worker is
    shut down, the task goes back into the queue and the cancellation is raised again.
    """
    try:
        begun = await job.store.has_begun_publishing(
            job.task.id
        )  # then it is published whole, whoever wants to stop
        try:
            looks = job.parts.looks
            async with Lease(job.store, job.run, committed=begun, looks=looks) as job.lease:
                yield
        except Cancelled:
            left = await job.attempt_store.stop() if job.attempt_store else {}
            now = await job.store.get_task(job.task.id)
            why = now.cancel_reason if now else ""
            text = render_stopped(left, slug=job.parts.slug, url=job.compare_url, why=why)
            reason = why or "stopped by a person"
            await end_task(job, TaskEnd(state=TaskState.CANCELLED, text=text, reason=reason))
    except LeaseLost:
        log.warning("run.lease_lost")
        await _hand_back(job)
    except asyncio.CancelledError:
        with suppress(LeaseLost):  # shielded: a second cancel must not keep the task running
            await asyncio.shield(
                job.store.release(job.run, TaskState.QUEUED, "the worker was shut down", counted=False)
            )
        raise


async def _hand_back(job: Job) -> None:
    """Queue the task again at once, uncounted, when no other worker has claimed it since.

    The lease could not be renewed in time: the database was away, or this machine stood still.
    """
    try:
        await job.store.release(job.run, TaskState.QUEUED, "the lease could not be renewed", counted=False)
    except LeaseLost:
        return
    except Exception as trouble:
        if not is_unreachable(trouble):
            raise
        log.warning("run.not_handed_back", error=first_line(trouble))


async def _publish(job: Job, strategy: Strategy, proven: ProvenChange) -> TaskEnd:
    """Publish what was proved. Raises UserError when the requester is no longer allowed to ask for it.

    It is stored first, so that any worker can publish it.
    """
    await job.store.save_changes(job.run, dump_proven_change(proven))
    await job.store.set_phase(job.run, Phase.PUBLISH)
    if not await job.is_requester_allowed():
        what = "release what is held back in" if job.is_approval else "write to"
        raise UserError(
            f"`@{job.task.requester.login}` may no longer {what} this repository, so nothing was published.",
            phase="publish",
        )
    job.lease.commit()
    with span("publish"):
        return await strategy.publish(job, proven)
