"""What Hob writes on GitHub when words were asked for: a review's body, and the comment that points to it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import Note, OutcomeKind, Result, Task
from bot.github.answers import Review
from bot.run.messages import report
from bot.text.defuse import defuse, table_cell


def render_review_body(
    task: Task, result: Result, sha: str, off: Sequence[Note], *, hidden: Sequence[str], run_url: str
) -> str:
    """The body of a review: what was looked at, the words, remarks off the diff, how the checks ended."""
    parts = [
        f"**Review of `{sha[:12]}`**, asked for by `@{task.requester.login}`. It neither approves nor asks "
        "for changes: that is for people.",
        "⏳ A limit ended it early; this is what there was then."
        if result.outcome.kind is OutcomeKind.LIMIT
        else "",
        defuse(result.outcome.summary),
        *(f"**`{table_cell(note.path)}`, line {note.line}**\n\n{defuse(note.text)}" for note in off),
        "### Checks\n\n" + report.render_proof(result.proof),
        report.render_invisible_text(hidden),
        report.render_run_link(run_url),
    ]
    return "\n\n".join(part for part in parts if part)


def render_review_done(review: Review, sha: str, remarks: int) -> str:
    """The task's last words when it was a review."""
    count = "no remark" if not remarks else "1 remark" if remarks == 1 else f"{remarks} remarks"
    return f"✅ **Reviewed** `{sha[:12]}`, with {count}{f': [review]({review.url})' if review.url else ''}."
