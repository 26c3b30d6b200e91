"""How a task is left when its run is over: decided, stored, told, and only then given back."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.domain import OutcomeKind, Result, Run, Step, TaskState, Usage
from bot.errors import Parked, Retry, UserError
from bot.run.job import Job
from bot.run.messages import report
from bot.run.messages.held_paths import render_held_paths, render_waiting
from bot.run.publish.publisher import Publisher
from bot.tasks.database.column_values import restore
from bot.tasks.database.transactions import is_unreachable
from bot.tasks.store import Store
from sandbox.spec import SandboxUnavailable

log = structlog.get_logger(__name__)

MOST_WAITED = timedelta(days=3)  # from the first run on, for a provider, for GitHub, for the day's budget
LONGEST_WAIT = 6 * 3600.0  # seconds, at once


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnd:
    """How the task is left, and what the progress comment says."""

    state: TaskState
    text: str
    reason: str = ""
    result: Result | None = None

    def as_stored(self) -> dict[str, Any]:
        """For ``Store.save_changes``."""
        return {"ended": {"state": self.state.value, "text": self.text, "reason": self.reason}}


def load_task_end(saved: Mapping[str, Any] | None) -> TaskEnd | None:
    """How an earlier run of the task ended, if it came that far: it is not done again, only told."""
    return restore(TaskEnd, saved["ended"]) if saved and "ended" in saved else None


async def end_task(
    store: Store,
    run: Run,
    publisher: Publisher,
    steps: Sequence[Step],
    ended: TaskEnd,
    spent: Usage | None = None,
) -> None:
    """Tell people and leave the task. What cannot be told now is told by the queue until it is seen.

    ``spent`` is what all attempts used, where it is more than the result's.

    The words are stored before they are told, so that whoever takes over after a crash says the same.
    """
    result = ended.result
    await store.finish_run(
        run,
        outcome=result.outcome if result else None,
        diff=result.diff if result else "",
        proof=result.proof if result else None,
        usage=spent or (result.outcome.usage if result else None),
        error=ended.reason,
    )
    await store.save_changes(run, ended.as_stored())
    try:
        if result is not None and end_without_pull(result) is not None:
            await publisher.answer(result)
        await publisher.end(ended.text, steps, state=ended.state)
        told = True
    except (UserError, Retry, Parked) as error:
        log.warning("task.untold", reason=str(error))
        told = False
    await store.release(run, ended.state, ended.reason, told=told)
    log.info("task.ended", state=ended.state.value, reason=ended.reason)


def end_without_pull(result: Result, choice: str = "") -> TaskEnd | None:
    """The end of a run that leaves no pull request, or None when there is something to publish.

    ``choice`` is a line about the attempts that were made.
    """
    ended = _without_pull(result)
    return replace(ended, text=f"{ended.text}\n\n{choice}") if ended and choice else ended


def _without_pull(result: Result) -> TaskEnd | None:
    kind = result.outcome.kind
    parts = (
        report.render_outcome(result.outcome),
        report.render_blocked(result.proof),
        render_held_paths(result),
    )
    text = "\n\n".join(part for part in parts if part)
    if kind in (OutcomeKind.ANSWERED, OutcomeKind.NOTHING):
        return TaskEnd(state=TaskState.DONE, text=text, result=result)
    if result.release and not result.changes:
        return TaskEnd(state=TaskState.DONE, text=render_waiting(result), reason="held back", result=result)
    if kind is OutcomeKind.BLOCKED or not result.changes:
        return TaskEnd(state=TaskState.FAILED, text=text, reason=kind.value, result=result)
    if any(check.broken for check in result.proof.checks):
        return TaskEnd(
            state=TaskState.FAILED, text=report.render_worse(result), reason="it breaks tests", result=result
        )
    return None


async def park_task(job: Job, parked: Parked) -> TaskEnd | None:
    """Let the task wait as was asked, without counting it; its end when it has waited for ``MOST_WAITED``.

    Raises LeaseLost.
    """
    reason = job.parts.redactor.text(parked.reason)
    waited = datetime.now(UTC) - (await job.store.runs(job.task.id))[0].started_at
    if waited < MOST_WAITED:
        await job.store.release(
            job.run, TaskState.WAITING, reason, after=min(parked.after, LONGEST_WAIT), counted=False
        )
        return None
    words = f"I waited for {waited.total_seconds() / 3600:.0f} hours, and still: {reason}"
    text = report.render_failure(f"{words}. Ask again when that is over.", phase="", log="")
    return TaskEnd(state=TaskState.FAILED, text=text, reason=words)


def retry_if_transient(error: Exception) -> Retry | None:
    """Trouble of this machine that may be over soon, as a Retry; None for everything else."""
    if isinstance(error, SandboxUnavailable):
        return Retry(f"No sandbox is to be had on the machine that runs Hob: {error}")
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return Retry("the disk of the machine that runs Hob is full", after=300.0) if full else None
    return Retry("Hob's database was away", after=5.0) if is_unreachable(error) else None
