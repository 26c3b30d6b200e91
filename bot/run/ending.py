"""How a task is left when its run is over."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import OutcomeKind, Result, TaskState
from bot.run import report


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the task is left, and what the progress comment says."""

    state: TaskState
    text: str
    reason: str = ""
    result: Result | None = None


def without_pull(result: Result) -> Ended | None:
    """The end of a run that leaves no pull request, or None when there is something to publish."""
    kind, text = result.outcome.kind, report.outcome_text(result.outcome)
    if kind in (OutcomeKind.ANSWERED, OutcomeKind.NOTHING):
        return Ended(state=TaskState.DONE, text=text, result=result)
    if kind is OutcomeKind.BLOCKED or not result.changes:
        return Ended(state=TaskState.FAILED, text=text, reason=kind.value, result=result)
    if any(check.broken for check in result.proof.checks):
        return Ended(
            state=TaskState.FAILED, text=report.worse(result), reason="it breaks tests", result=result
        )
    return None
