"""Hob's own findings on the lines of a pull request: all of a run are one review."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bot.domain import ChangeSet, Note, Result
from bot.github.graphql.review_threads import SeenThread
from bot.github.graphql.together import ReviewDraft
from bot.run.messages.reviews import render_review
from bot.run.publish.context import PublishContext
from bot.run.publish.findings import identify_finding, select_new
from bot.text.defuse import defuse
from bot.text.diffs import commentable_lines
from bot.text.fit import mark


async def draft_review(
    context: PublishContext, sha: str, result: Result, threads: Sequence[SeenThread]
) -> ReviewDraft | None:
    """One review with the notes that are new, None for none; a note outside the diff goes into its body."""
    new = await asyncio.to_thread(select_new, result.outcome.notes, result.changes, threads)
    on, off = await asyncio.to_thread(split_by_diff, new, result.diff)
    if not on and not off:
        return None
    body = await asyncio.to_thread(lambda: context.safe(render_review(off, review_mark(sha))))
    comments = await asyncio.to_thread(make_inline_comments, context, on, result.changes)
    return ReviewDraft(commit=sha, body=body, comments=comments)


def review_mark(sha: str) -> str:
    """The hidden mark of Hob's review of its own commit."""
    return f"review:{sha}"


def split_by_diff(notes: Sequence[Note], diff: str) -> tuple[list[Note], list[Note]]:
    """The notes whose lines are all in the diff, and the others."""
    lines = commentable_lines(diff)
    on: list[Note] = []
    off: list[Note] = []
    for note in notes:
        wanted = set(range(note.start or note.line, note.line + 1))
        (on if wanted and wanted <= lines.get(note.path, set()) else off).append(note)
    return on, off


def make_inline_comments(
    context: PublishContext, notes: Sequence[Note], changes: ChangeSet
) -> list[dict[str, Any]]:
    """The comments of a review, each with the hidden mark by which its finding is known again."""
    return [
        {
            "path": note.path,
            "line": note.line,
            "side": "RIGHT",
            "body": context.safe(f"{defuse(note.text)}\n\n{mark(identify_finding(note, changes).key)}"),
            **({"start_line": note.start, "start_side": "RIGHT"} if 0 < note.start < note.line else {}),
        }
        for note in notes
    ]
