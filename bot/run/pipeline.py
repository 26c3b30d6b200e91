"""The path of one task, top to bottom: prepare, think, prove, publish.

A job only says "look at task N". ``work`` claims the task under a lease, carries it out, and ends it in
exactly one visible outcome. Whatever happens in between is one of a few exceptions, each with its own end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from bot.agent.models import choose
from bot.domain import OutcomeKind, Phase, Result, Run, Task, TaskState
from bot.errors import Cancelled, LeaseLost, Parked, Retry, UserError
from bot.github.app import GitHub
from bot.github.repository import RepoApi
from bot.redact import Redactor
from bot.run import report
from bot.run.attempt import attempt
from bot.run.checkout import Workshop
from bot.run.journal import RunJournal
from bot.run.prepare import prepare
from bot.run.publish import Identity, Publisher, answered
from bot.settings import Settings
from bot.tasks.effects import Effects
from bot.tasks.lease import Lease
from bot.tasks.runs import Runs
from bot.tasks.store import Store

log = structlog.get_logger()

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a worker works with; ``__main__`` puts it together once."""

    store: Store
    runs: Runs
    github: GitHub
    workshop: Workshop
    redactor: Redactor
    settings: Settings
    identity: Identity
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the task is left, and what the progress comment says."""

    state: TaskState
    text: str
    reason: str = ""
    result: Result | None = None


async def work(parts: Parts, task_id: int) -> None:
    """Claim the task if it is there to be claimed, carry it out, end it; return quietly if it is not."""
    claimed = await parts.store.claim(task_id, parts.worker)
    if claimed is None:
        return
    task, run = claimed
    structlog.contextvars.bind_contextvars(task=task.id, run=run.id)
    api = parts.github.for_repo(task.installation, task.repo.id, task.repo.owner, task.repo.name)
    publisher = Publisher(
        task=task,
        run=run,
        api=api,
        effects=Effects(parts.store, run),
        runs=parts.runs,
        identity=parts.identity,
        run_url=f"{parts.settings.base_url}/runs/{run.id}",
    )
    journal = RunJournal(
        parts.runs, run, publisher, parts.redactor, edit_seconds=parts.settings.progress_seconds
    )
    try:
        ended = await _under_lease(parts, task, run, api, publisher, journal)
        if ended is not None:
            await parts.runs.finish(run, ended.state, ended.result, error=ended.reason)
            await parts.store.release(run, to=ended.state, reason=ended.reason)
            log.info("task.ended", state=ended.state.value)
    except LeaseLost:
        log.warning("run.lease_lost")


async def _under_lease(
    parts: Parts, task: Task, run: Run, api: RepoApi, publisher: Publisher, journal: RunJournal
) -> Ended | None:
    """Carry the task out while the lease beats; None when it was put back to be taken up again."""
    try:
        async with Lease(parts.store, run):
            ended = await carry_out(parts, task, run, api, publisher, journal)
            await publisher.end(ended.text, journal.steps)
            return ended
    except UserError as error:
        ended = Ended(state=TaskState.FAILED, text=_failure(parts, error), reason=error.message)
    except Cancelled:
        ended = Ended(
            state=TaskState.CANCELLED, text="🛑 **Stopped**, as asked.", reason="stopped by a person"
        )
    except Parked as parked:
        await parts.store.release(run, to=TaskState.WAITING, reason=parked.reason, after=parked.after)
        return None
    except Retry as retry:
        if run.attempt < MAX_ATTEMPTS:
            await parts.store.release(run, to=TaskState.QUEUED, reason=retry.reason, after=retry.after)
            return None
        ended = Ended(
            state=TaskState.FAILED, text=report.failure(retry.reason, phase="", log=""), reason=retry.reason
        )
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("run.bug")
        ended = _bug(run, error)
    await publisher.end(ended.text, journal.steps)
    return ended


async def carry_out(
    parts: Parts, task: Task, run: Run, api: RepoApi, publisher: Publisher, journal: RunJournal
) -> Ended:
    """The four phases. Raises what ``_under_lease`` knows how to end."""
    await parts.runs.set_phase(run, Phase.PREPARE)
    await publisher.begin()
    ground = await prepare(parts.workshop, parts.runs, parts.redactor, task, run, api)
    publisher.task = replace(task, branch=ground.brief.branch)

    result = await attempt(
        ground.checkout,
        ground.brief,
        model=choose(ground.checkout.config.model or parts.settings.model),
        journal=journal,
        redactor=parts.redactor,
        set_phase=lambda phase: parts.runs.set_phase(run, phase),
    )
    await parts.runs.save_result(run, result)
    ended = without_pull(result)
    if ended is not None:
        return ended

    await parts.runs.set_phase(run, Phase.PUBLISH)
    if not (await api.permission(task.requester.login)).may_write:
        raise UserError(
            f"`@{task.requester.login}` may no longer write to this repository, so nothing was published.",
            phase="publish",
        )
    pull = await publisher.publish(ground.checkout, result, head=ground.head, hidden=ground.hidden)
    return Ended(state=TaskState.DONE, text=report.done(pull, result), result=result)


def without_pull(result: Result) -> Ended | None:
    """The end of a run that leaves no pull request, or None when there is something to publish."""
    kind = result.outcome.kind
    if kind in (OutcomeKind.ANSWERED, OutcomeKind.NOTHING):
        return Ended(state=TaskState.DONE, text=answered(result.outcome), result=result)
    if not result.changes:
        return Ended(state=TaskState.FAILED, text=answered(result.outcome), reason=kind.value, result=result)
    worse = [check for check in result.proof.checks if check.broken]
    if worse:
        return Ended(
            state=TaskState.FAILED, text=report.worse(result), reason="made tests fail", result=result
        )
    return None


def _failure(parts: Parts, error: UserError) -> str:
    return report.failure(error.message, phase=error.phase, log=parts.redactor.text(error.log))


def _bug(run: Run, error: Exception) -> Ended:
    text = report.failure(
        f"An error inside Hob ended run {run.id} ({type(error).__name__}); the operator finds it in the log.",
        phase="",
        log="",
    )
    return Ended(state=TaskState.FAILED, text=text, reason=f"internal error: {type(error).__name__}")
