"""The path of one task, top to bottom: prepare, think, prove, publish.

A job only says "look at task N". ``work`` claims the task under a lease, carries it out, and ends it in
exactly one visible outcome. Whatever happens in between is one of a few exceptions, each with its own end.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog

from bot.agent.models import choose
from bot.domain import Phase, Run, Task, TaskState
from bot.errors import Cancelled, LeaseLost, Parked, Retry, UserError
from bot.github.app import GitHub, RepoApi
from bot.redact import Redactor
from bot.run import report
from bot.run.attempt import attempt, model_name
from bot.run.checkout import Workshop
from bot.run.ending import Ended, leave, passing, stored_end, without_pull
from bot.run.handover import Handover, stored_handover
from bot.run.journal import RunJournal
from bot.run.prepare import prepare
from bot.run.publish import Identity, Publisher
from bot.settings import Settings
from bot.tasks.lease import Lease
from bot.tasks.store import Store

log = structlog.get_logger()

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a worker works with; ``bot.serve`` puts it together once."""

    store: Store
    github: GitHub
    workshop: Workshop
    redactor: Redactor
    settings: Settings
    identity: Identity
    worker: str


class Job:
    """One claimed task and everything its run needs."""

    lease: Lease

    def __init__(self, parts: Parts, task: Task, run: Run) -> None:
        self.parts, self.task, self.run, self.store = parts, task, run, parts.store
        self.api: RepoApi = parts.github.for_repo(
            task.installation, task.repo.id, task.repo.owner, task.repo.name
        )
        self.run_url = f"{parts.settings.base_url}/runs/{run.id}"
        self.publisher = Publisher(
            self.store, self.api, task, run, parts.identity, parts.redactor, run_url=self.run_url
        )
        self.journal = RunJournal(
            self.store, run, self.publisher, parts.redactor, edit_seconds=parts.settings.progress_seconds
        )


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
            with suppress(LeaseLost):
                await parts.store.release(
                    job.run, TaskState.QUEUED, "the worker was shut down", counted=False
                )
            raise


async def _held(job: Job) -> None:
    """The task from claim to end, under the lease; a person's wish to stop is an end like others."""
    try:
        async with Lease(job.store, job.run) as job.lease:
            ended = await _carried_out(job)
            if ended is not None:
                await _end(job, ended)
    except Cancelled:
        text, reason = "🛑 **Stopped**, as asked.", "stopped by a person"
        await _end(job, Ended(state=TaskState.CANCELLED, text=text, reason=reason))


async def _end(job: Job, ended: Ended) -> None:
    await leave(job.store, job.run, job.publisher, job.journal.steps, ended)


async def _carried_out(job: Job) -> Ended | None:
    """Every way a task can go; None when it was put back to be taken up again later."""
    try:
        return await carry_out(job)
    except UserError as error:
        message, tail = (job.parts.redactor.text(words) for words in (error.message, error.log))
        text = report.failure(message, phase=error.phase, log=tail)
        return Ended(state=TaskState.FAILED, text=text, reason=message)
    except Parked as parked:
        await job.store.release(job.run, TaskState.WAITING, parked.reason, after=parked.after, counted=False)
        return None
    except Retry as retry:
        return await _again(job, retry)
    except (Cancelled, LeaseLost):
        raise
    except Exception as error:
        if trouble := passing(error):
            return await _again(job, trouble)
        log.exception("run.bug")
        name = type(error).__name__
        text = report.failure(
            f"An error inside Hob ended this ({name}); its log says more.", phase="", log=""
        )
        return Ended(state=TaskState.FAILED, text=text, reason=f"internal error: {name}")


async def _again(job: Job, retry: Retry) -> Ended | None:
    """Back into the queue, or the end after as many attempts as there are."""
    if job.task.attempts < MAX_ATTEMPTS:
        await job.store.release(job.run, TaskState.QUEUED, retry.reason, after=retry.after)
        return None
    text = report.failure(f"{retry.reason} ({MAX_ATTEMPTS} attempts)", phase="", log="")
    return Ended(state=TaskState.FAILED, text=text, reason=retry.reason)


async def carry_out(job: Job) -> Ended:
    """The path. What an earlier run ended is only told, what it proved is only published."""
    saved = await job.store.changes(job.task.id)
    if ended := stored_end(saved):
        return ended
    await job.store.set_phase(job.run, Phase.PREPARE)
    await job.publisher.begin()
    handover = stored_handover(saved)
    if handover is None:
        made = await _make(job)
        if isinstance(made, Ended):
            return made
        handover = made
    return await _publish(job, handover)


async def _make(job: Job) -> Handover | Ended:
    """Prepare, think, prove."""
    parts = job.parts
    ground = await prepare(
        parts.workshop, job.store, parts.redactor, job.task, job.run, job.api, parts.settings.model
    )
    model = choose(model_name(ground.checkout, parts.settings.model))
    try:
        result = await attempt(
            ground.checkout,
            ground.brief,
            model=model,
            journal=job.journal,
            redactor=parts.redactor,
            set_phase=lambda phase: job.store.set_phase(job.run, phase),
        )
    finally:
        await model.aclose()
    ended = without_pull(result)
    if ended is not None:
        return ended
    handover = Handover(
        result=result, branch=ground.branch, head=ground.head, hidden=ground.hidden, run_url=job.run_url
    )
    await job.store.save_changes(job.run, handover.as_stored())
    return handover


async def _publish(job: Job, handover: Handover) -> Ended:
    """Publish what was proved, if the person who asked may still ask."""
    await job.store.set_phase(job.run, Phase.PUBLISH)
    task, mirror = job.task, job.parts.workshop.mirror
    if not (await job.api.permission(task.requester.login)).may_write:
        raise UserError(
            f"`@{task.requester.login}` may no longer write to this repository, so nothing was published.",
            phase="publish",
        )
    job.lease.commit()
    base = handover.result.changes.base
    if await mirror.resolve(task.repo.id, base) is None:
        specs = [f"{base}:refs/hob/base-{task.id}"]
        await mirror.fetch(task.repo.id, task.repo.clone_url, token=await job.api.token(), refspecs=specs)
    pull = await job.publisher.publish(mirror.path(task.repo.id), handover)
    text = report.done(pull, handover.result, here=task.thread.is_pull, refused=job.publisher.refused)
    return Ended(state=TaskState.DONE, text=text, result=handover.result)
