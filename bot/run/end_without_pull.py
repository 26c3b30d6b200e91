"""Results that leave no pull request: how their tasks end, and the text that says why."""

from __future__ import annotations

from dataclasses import replace

from bot.domain import OutcomeKind, Result, TaskEnd, TaskState
from bot.run.messages.ends import render_outcome, render_worse
from bot.run.messages.held_paths import render_held_paths, render_waiting
from bot.run.messages.proof import render_blocked


def end_without_pull(result: Result, choice: str = "") -> TaskEnd | None:
    """The end of a run that leaves no pull request, or None when there is something to publish.

    ``choice`` is a line about the attempts that were made; it follows the text.
    """
    end = _end(result)
    return replace(end, text=f"{end.text}\n\n{choice}") if end and choice else end


def _end(result: Result) -> TaskEnd | None:
    kind = result.outcome.kind
    commit = "" if result.changes.parents else result.changes.base  # which only Hob's mirror has, of a merge
    parts = (
        render_outcome(result.outcome, commit),
        render_blocked(result.proof),
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
            state=TaskState.FAILED, text=render_worse(result), reason="it breaks tests", result=result
        )
    return None
