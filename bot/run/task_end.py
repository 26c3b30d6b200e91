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
from bot.run.messages.held_paths import held, waits
from bot.run.publish.publisher import Publisher
from bot.tasks.database.column_values import restore
from bot.tasks.database.transactions import unreachable
from bot.tasks.store import Store
from sandbox.spec import SandboxUnavailable

log = structlog.get_logger(__name__)

MOST_WAITED = timedelta(days=3)  # from the first run on, for a provider, for GitHub, for the day's budget
LONGEST_WAIT = 6 * 3600.0  # seconds, at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the task is left, and what the progress comment says."""

    state: TaskState
    text: str
    reason: str = ""
    result: Result | None = None

    def as_stored(self) -> dict[str, Any]:
        """For ``Store.save_changes``."""
        return {"ended": {"state": self.state.value, "text": self.text, "reason": self.reason}}


def stored_end(saved: Mapping[str, Any] | None) -> Ended | None:
    """How an earlier run of the task ended, if it came that far: it is not done again, only told."""
    return restore(Ended, saved["ended"]) if saved and "ended" in saved else None


async def leave(
    store: Store,
    run: Run,
    publisher: Publisher,
    steps: Sequence[Step],
    ended: Ended,
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
        if result is not None and without_pull(result) is not None:
            await publisher.answer(result)
        await publisher.end(ended.text, steps, state=ended.state)
        told = True
    except (UserError, Retry, Parked) as error:
        log.warning("task.untold", reason=str(error))
        told = False
    await store.release(run, ended.state, ended.reason, told=told)
    log.info("task.ended", state=ended.state.value, reason=ended.reason)


def without_pull(result: Result, choice: str = "") -> Ended | None:
    """The end of a run that leaves no pull request, or None when there is something to publish.

    ``choice`` is a line about the attempts that were made.
    """
    ended = _without_pull(result)
    return replace(ended, text=f"{ended.text}\n\n{choice}") if ended and choice else ended


def _without_pull(result: Result) -> Ended | None:
    kind = result.outcome.kind
    parts = (report.outcome_text(result.outcome), report.blocked(result.proof), held(result))
    text = "\n\n".join(part for part in parts if part)
    if kind in (OutcomeKind.ANSWERED, OutcomeKind.NOTHING):
        return Ended(state=TaskState.DONE, text=text, result=result)
    if result.release and not result.changes:
        return Ended(state=TaskState.DONE, text=waits(result), reason="held back", result=result)
    if kind is OutcomeKind.BLOCKED or not result.changes:
        return Ended(state=TaskState.FAILED, text=text, reason=kind.value, result=result)
    if any(check.broken for check in result.proof.checks):
        return Ended(
            state=TaskState.FAILED, text=report.worse(result), reason="it breaks tests", result=result
        )
    return None


async def set_aside(job: Job, parked: Parked) -> Ended | None:
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
    text = report.failure(f"{words}. Ask again when that is over.", phase="", log="")
    return Ended(state=TaskState.FAILED, text=text, reason=words)


def passing(error: Exception) -> Retry | None:
    """Trouble of this machine that may be over soon, as a Retry; None for everything else."""
    if isinstance(error, SandboxUnavailable):
        return Retry(f"No sandbox is to be had on the machine that runs Hob: {error}")
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return Retry("the disk of the machine that runs Hob is full", after=300.0) if full else None
    return Retry("Hob's database was away", after=5.0) if unreachable(error) else None
