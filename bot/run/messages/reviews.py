"""The texts of reviews: their bodies, the replies in threads, and the comment that points to a review."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import Note, OutcomeKind, Result, Task
from bot.github.answers import Review
from bot.run.messages.invisible_text import render_invisible_text, render_suspicions
from bot.run.messages.origin import render_run_link
from bot.run.messages.proof import render_proof
from bot.text.defuse import code_span, defuse
from bot.text.fit import mark


def render_review_body(
    task: Task, result: Result, sha: str, off: Sequence[Note], *, hidden: Sequence[str], run_url: str
) -> str:
    """The body of a review: what was looked at, the summary, remarks off the diff, how the checks ended."""
    parts = [
        f"**Review of `{sha[:12]}`**, asked for by `@{task.requester.login}`. It neither approves nor asks "
        "for changes: that is for people.",
        "⏳ A limit ended it early; this is what there was then."
        if result.outcome.kind is OutcomeKind.LIMIT
        else "",
        defuse(result.outcome.summary),
        *(f"**{code_span(note.path)}, line {note.line}**\n\n{defuse(note.text)}" for note in off),
        "### Checks\n\n" + render_proof(result.proof),
        render_suspicions(result.outcome.suspicions),
        render_invisible_text(hidden),
        render_run_link(run_url),
    ]
    return "\n\n".join(part for part in parts if part)


def render_review_done(review: Review, sha: str, remarks: int) -> str:
    """The task's final text when it was a review."""
    count = "no remark" if not remarks else "1 remark" if remarks == 1 else f"{remarks} remarks"
    return f"✅ **Reviewed** `{sha[:12]}`, with {count}{f': [review]({review.url})' if review.url else ''}."


def render_review(off_diff: Sequence[Note], key: str) -> str:
    """The body of the bot's review of its own change; it lists the notes whose line is not in the diff."""
    rows = [f"**{code_span(note.path)}, line {note.line}**\n\n{defuse(note.text)}" for note in off_diff]
    return "\n\n".join((mark(key), "What to look at:", *rows))


def render_reply(text: str, commit: str, key: str) -> str:
    """The answer in a review comment's thread: what was done and in which commit ('': none), or why not."""
    done = f"Done in {commit}." if commit else ""
    return "\n\n".join(part for part in (mark(key), defuse(text), done) if part)
