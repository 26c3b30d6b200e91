"""The path of one task, top to bottom: prepare, think, prove, publish.

A job only says "look at task N". ``work`` claims the task under a lease, carries it out, and ends it in
exactly one visible outcome. Whatever happens in between is one of a few exceptions, each with its own end.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bot.domain import DirectiveWord, Phase, TaskState
from bot.errors import Cancelled, LeaseLost, Parked, Retry, UserError
from bot.git.remote import PushRefused
from bot.run.attempts.run_attempts import run_attempts
from bot.run.job import Job, Parts
from bot.run.messages import attempts, report
from bot.run.prepare.prepare import prepare
from bot.run.proven_change import ProvenChange, load_proven_change
from bot.run.publish.rebase import rebase_onto_new_head
from bot.run.strategies.approve import approve_held_change, end_rejected_push
from bot.run.strategies.held_paths import add_release_offer
from bot.run.strategies.text import produce_text, publish_text
from bot.run.strategies.use import end_comparison, find_earlier_request, use_attempt
from bot.run.task_end import TaskEnd, end_task, end_without_pull, load_task_end, park_task, retry_if_transient
from bot.tasks.lease import Lease
from bot.tasks.leases import MOST_LEASES

__all__ = ["Parts", "work"]

log = structlog.get_logger()


async def work(parts: Parts, task_id: int) -> None:
    """Claim the task if it is there to be claimed, carry it out, end it; return quietly if it is not."""
    claimed = await parts.store.claim(task_id, parts.worker)
    if claimed is None:
        return
    job = Job(parts, *claimed)
    with structlog.contextvars.bound_contextvars(task=job.task.id, run=job.run.id):
        try:
            await _held(job)
        except LeaseLost:
            log.warning("run.lease_lost")
        except asyncio.CancelledError:
            with suppress(
                LeaseLost
            ):  # shielded: a second cancel must not keep the task from being given back
                await asyncio.shield(
                    parts.store.release(job.run, TaskState.QUEUED, "the worker was shut down", counted=False)
                )
            raise


async def _held(job: Job) -> None:
    """The task from claim to end, under the lease; a person's wish to stop is an end like others."""
    begun = await job.store.publishing(job.task.id)  # then it is finished, whoever wants to stop
    try:
        async with Lease(job.store, job.run, committed=begun) as job.lease:
            ended = await _carried_out(job)
            if ended is not None:
                await _end(job, ended)
    except Cancelled:
        kept = await job.attempt_store.stop() if job.attempt_store else {}
        text = attempts.render_stopped(kept, slug=job.parts.slug, url=job.compare_url)
        await _end(job, TaskEnd(state=TaskState.CANCELLED, text=text, reason="stopped by a person"))


async def _end(job: Job, ended: TaskEnd) -> None:
    await end_task(job.store, job.run, job.publisher, job.progress.steps, ended, job.spent)


async def _carried_out(job: Job) -> TaskEnd | None:
    """Every way a task can go; None when it was put back to be taken up again later."""
    try:
        return await carry_out(job)
    except UserError as error:
        message, tail = (job.parts.redactor.text(words) for words in (error.message, error.log))
        text = report.render_failure(message, phase=error.phase, log=tail)
        return TaskEnd(state=TaskState.FAILED, text=text, reason=message)
    except Parked as parked:
        return await park_task(job, parked)
    except Retry as retry:
        return await _again(job, retry)
    except (Cancelled, LeaseLost):
        raise
    except Exception as error:
        if trouble := retry_if_transient(error):
            return await _again(job, trouble)
        log.exception("run.bug")
        name = type(error).__name__
        text = report.render_failure(
            f"An error inside Hob ended this ({name}); its log says more.", phase="", log=""
        )
        return TaskEnd(state=TaskState.FAILED, text=text, reason=f"internal error: {name}")


async def _again(job: Job, retry: Retry) -> TaskEnd | None:
    """Back into the queue, or the end after as many leases as a task may take."""
    reason = job.parts.redactor.text(retry.reason)
    if job.task.leases_taken < MOST_LEASES:
        await job.store.release(job.run, TaskState.QUEUED, reason, after=retry.after)
        return None
    text = report.render_failure(f"{reason} ({MOST_LEASES} attempts)", phase="", log="")
    return TaskEnd(state=TaskState.FAILED, text=text, reason=reason)


async def carry_out(job: Job) -> TaskEnd:
    """The path. What an earlier run ended is only told, what it proved is only published."""
    saved = await job.store.changes(job.task.id)
    if ended := load_task_end(saved):
        return ended
    await job.store.set_phase(job.run, Phase.PREPARE)
    await job.publisher.begin()
    proven = load_proven_change(saved)
    if proven is None:
        made = await _make(job)
        if isinstance(made, TaskEnd):
            return made
        proven = made  # stored before anything is published, so that any worker can publish it
        await job.store.save_changes(job.run, proven.as_stored())
    return await _publish(job, proven)


async def _make(job: Job) -> ProvenChange | TaskEnd:
    """Prepare, think, prove: words, attempts at a change, or one that was kept and a person chose."""
    directive = job.task.directive
    if job.task.kind.produces_only_text:
        return await produce_text(job)
    if directive and directive.word is DirectiveWord.USE:
        return await use_attempt(job, directive.number)
    if directive and directive.word is DirectiveWord.APPROVE:
        return await approve_held_change(job, directive.digest)
    before = await find_earlier_request(job)
    prepared = await prepare(
        job,
        subject=before.subject if before else None,
        at=before.base if before else "",
    )
    picked = await run_attempts(
        job, prepared.checkout, prepared.brief, asked=directive.number if directive else None
    )
    if before and before.pull:
        return end_comparison(job, picked, before)
    carried = await rebase_onto_new_head(job, prepared, picked.result)
    words = (attempts.render_choice(picked, url=job.compare_url), carried.words)
    choice = "\n\n".join(word for word in words if word)
    result = await add_release_offer(job, prepared, carried.result, ordinal=picked.chosen.ordinal)
    return end_without_pull(result, choice) or ProvenChange(
        result=result,
        branch=prepared.branch,
        head=carried.head,
        hidden=prepared.hidden,
        fork=prepared.fork,
        protected=prepared.checkout.config.protected_paths,
        run_url=job.run_url,
        ordinal=picked.chosen.ordinal,
        choice=choice,
    )


async def _publish(job: Job, proven: ProvenChange) -> TaskEnd:
    """Publish what was proved, if the person who asked may still ask."""
    await job.store.set_phase(job.run, Phase.PUBLISH)
    task, result = job.task, proven.result
    if not await job.still_may():
        what = "release what is held back in" if job.approves else "write to"
        told = f"`@{task.requester.login}` may no longer {what} this repository, so nothing was published."
        raise UserError(told, phase="publish")
    job.lease.commit()
    if task.kind.produces_only_text:
        return await publish_text(job, proven)
    await job.ready(result.changes)
    try:
        pull, sha = await job.publisher.publish(job.parts.workshop.mirror.path(task.repo.id), proven)
    except PushRefused as refused:
        if job.approves:
            return end_rejected_push(proven, refused)
        raise
    if proven.ordinal:
        await job.store.choose_attempt(job.run, proven.root or task.root, proven.ordinal)
    text = report.render_done(
        pull,
        result,
        here=sha if task.thread.is_pull else "",
        told=job.publisher.where,
        refused=job.publisher.refused,
        choice=proven.choice,
    )
    late = f"\n\n{attempts.TOO_LATE}" if await job.store.look(job.run) else ""
    return TaskEnd(state=TaskState.DONE, text=text + late, result=result)
