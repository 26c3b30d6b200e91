"""A new pull request's description."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import ChangeSet, Outcome, OutcomeKind, Result, Task
from bot.run.messages.held_paths import render_held_paths
from bot.run.messages.invisible_text import render_invisible_text
from bot.run.messages.origin import render_origin, render_run_link
from bot.run.messages.proof import render_proof
from bot.text.defuse import defuse, table_cell


def render_pull_body(
    task: Task, result: Result, *, hidden: Sequence[str], run_url: str, choice: str = ""
) -> str:
    """The pull request's description, made from the whole difference and the proof."""
    closes = f"Fixes #{task.thread.number}" if not task.thread.is_pull else ""
    parts = [
        defuse(result.outcome.summary),
        _render_limit_note(result.outcome),
        closes,
        "### What changed\n\n" + _list_files(result.changes),
        "### Proof\n\n" + render_proof(result.proof),
        choice,
        render_held_paths(result),
        render_invisible_text(hidden),
        f"{render_origin(task)} {render_run_link(run_url)}",
    ]
    return "\n\n".join(part for part in parts if part)


def _list_files(changes: ChangeSet) -> str:
    rows = [f"- `{table_cell(change.path)}` {change.kind.value}" for change in changes.files[:50]]
    if len(changes.files) > 50:
        rows.append(f"- and {len(changes.files) - 50} more files")
    return "\n".join(rows)


def _render_limit_note(outcome: Outcome) -> str:
    if outcome.kind is not OutcomeKind.LIMIT:
        return ""
    return "⏳ A limit ended the work early; this is what existed then."
