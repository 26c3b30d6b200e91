"""A new pull request's description."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain import Outcome, OutcomeKind, Proof, Result, Task, TriggerKind
from bot.domain.proof import ProofState
from bot.run.messages.changed_files import render_changed_files
from bot.run.messages.held_paths import render_held_paths
from bot.run.messages.invisible_text import render_invisible_text, render_suspicions
from bot.run.messages.origin import render_origin, render_run_link
from bot.run.messages.proof import render_proof
from bot.text.defuse import defuse

_CLOSING = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#([0-9]{1,10})(?![0-9])"
    r"|close[sd]?\s+(?:this|the)\s+issue(?![A-Za-z0-9]))",
    re.IGNORECASE,
)


def render_pull_body(
    task: Task, result: Result, *, hidden: Sequence[str], run_url: str, choice: str = ""
) -> str:
    """The pull request's description, made from the whole difference and the proof."""
    files = [(file.path, file.kind.value) for file in result.changes.files]
    parts = [
        defuse(result.outcome.summary),
        render_suspicions(result.outcome.suspicions),
        render_limit_note(result.outcome),
        _render_reference(task, result.proof),
        "### What changed\n\n" + render_changed_files(files),
        "### Proof\n\n" + render_proof(result.proof, output=False),
        choice,
        render_held_paths(result),
        render_invisible_text(hidden),
        f"{render_origin(task)} {render_run_link(run_url)}",
    ]
    return "\n\n".join(part for part in parts if part)


def _render_reference(task: Task, proof: Proof) -> str:
    """The line that ties the pull request to its issue: ``Fixes`` closes it at the merge, ``Refs`` does not.

    It closes when the issue itself is the request and its failing tests turned, or when a person says so.
    """
    number = task.thread.number
    if task.thread.is_pull:
        return ""
    is_request = task.trigger.kind in (TriggerKind.ISSUE, TriggerKind.LABEL)
    turned = proof.state is ProofState.PROVED and any(check.mended for check in proof.checks)
    return f"{'Fixes' if (is_request and turned) or _asks_to_close(task) else 'Refs'} #{number}"


def _asks_to_close(task: Task) -> bool:
    """Whether the request says that its pull request closes the issue: "fixes #3", "close this issue"."""
    said = _CLOSING.finditer(task.request)
    return any(found[1] is None or int(found[1]) == task.thread.number for found in said)


def render_limit_note(outcome: Outcome) -> str:
    """That a limit ended the work early; '' where none did."""
    if outcome.kind is not OutcomeKind.LIMIT:
        return ""
    return "⏳ A limit ended the work early; this is what existed then."
