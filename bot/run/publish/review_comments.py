"""What is said on the lines of a pull request: Hob's own findings, and its answers to people's remarks.

All findings of a run are one review. All answers are one request, each in its thread: what was done and in
which commit, or why not. A thread is resolved when its concern is met: the agent says so and the change
touches the file, or a suggestion stands in the file as it was written, or a finding's line is gone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.domain import ChangeKind, ChangeSet, EffectKind, Note, Result, Task, TriggerKind
from bot.errors import UserError
from bot.git.diff import commentable_lines
from bot.github.answers import Review
from bot.github.review_threads import SeenRemark, SeenThread, Settlement
from bot.run.messages import report
from bot.run.publish.context import PublishContext
from bot.run.publish.findings import find_settled, identify_finding, select_new
from bot.text.defuse import defuse
from bot.text.fit import mark

ON_LINES = frozenset({TriggerKind.REVIEW, TriggerKind.REVIEW_COMMENT})
_SUGGESTION = re.compile(r"^(`{3,}|~{3,})[ \t]*suggestion[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)


async def post_review(
    context: PublishContext, pull: int, sha: str, result: Result, threads: Sequence[SeenThread]
) -> None:
    """One review with the notes that are new; a note that is off the diff stands in the review's body."""
    on, off = split_by_diff(select_new(result.outcome.notes, result.changes, threads), result.diff)
    if not on and not off:
        return
    key = f"review:{sha}"
    body = context.safe(report.render_review(off, key))
    await context.effects.once_as(
        Review,
        f"task:{context.task.id}:review:{sha}",
        EffectKind.REVIEW,
        find=lambda: context.api.reviews.find(pull, key),
        do=lambda: context.api.reviews.create(
            pull, sha, body, make_inline_comments(context, on, result.changes)
        ),
    )


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


async def answer_threads(
    context: PublishContext, sha: str, result: Result, threads: Sequence[SeenThread]
) -> None:
    """Reply in each thread of the review that asked, and resolve what is done. ``sha`` '': no commit.

    May be done again: a thread that has its reply gets no second one. Raises UserError when the remark that
    asked was deleted: it has no answer then.
    """
    told = f"reply:task:{context.task.id}"
    settlements = []
    for thread in threads:
        asked = [one for one in thread.remarks if not one.own and _is_asked(context.task, one)]
        if asked and not thread.has_own_comment(told):
            words, done, settle = _judged(context.task, thread, asked, result, sha)
            body = context.safe(report.render_reply(words, sha if done else "", told))
            settlements.append(Settlement(thread=thread.id, body=body, resolve=settle))
    seen = {one.thread for one in settlements}
    gone = find_settled(result.changes, threads) if sha else []
    settlements += [Settlement(thread=one.id, resolve=True) for one in gone if one.id not in seen]
    if settlements:
        await context.effects.once(
            f"task:{context.task.id}:replies:{sha}",
            EffectKind.REPLY,
            find=None,
            do=lambda: _settle(context, settlements),
        )
    trigger = context.task.trigger
    there = any(one.id == trigger.id for thread in threads for one in thread.remarks)
    if trigger.kind is TriggerKind.REVIEW_COMMENT and not there:
        raise UserError("the remark that asked was deleted")


async def _settle(context: PublishContext, settlements: Sequence[Settlement]) -> dict[str, int]:
    await context.api.review_threads.settle(settlements)
    return {"threads": len(settlements)}


def _is_asked(task: Task, one: SeenRemark) -> bool:
    """Whether a remark belongs to what asked for this task."""
    trigger = task.trigger
    if trigger.kind is TriggerKind.REVIEW:
        return one.review == trigger.id
    return trigger.kind is TriggerKind.REVIEW_COMMENT and (
        one.id == trigger.id or 0 < trigger.review == one.review
    )


def _judged(
    task: Task, thread: SeenThread, asked: Sequence[SeenRemark], result: Result, sha: str
) -> tuple[str, bool, bool]:
    """The words for a thread, whether the commit is the answer to it, and whether that settles it.

    The agent's words and judgement where it gave them, else what the change itself shows. Nothing is settled
    while the change breaks a test.
    """
    ids = {one.id for one in thread.remarks}
    said = next((reply for reply in result.outcome.replies if reply.comment in ids), None)
    touched = bool(sha) and any(file.path == thread.path for file in result.changes.files)
    applied = touched and _applied(asked, thread.path, result.changes)
    sound = not any(check.broken for check in result.proof.checks)
    if said is not None:
        settle = sound and (applied or (said.fixed and touched))
        return said.text, bool(sha) and (said.fixed or applied), settle
    if result.changes and not sha:
        return "I made a change, but it breaks tests that passed before, so it was not pushed.", False, False
    if any(one.id == task.trigger.id for one in asked):
        return result.outcome.summary, bool(sha), sound and applied
    if applied:
        return "The suggestion is in.", True, sound
    if touched:
        return f"`{thread.path}` was changed for this review.", True, False
    if sha:
        later = "If it still matters, say what you want and mention me."
        return f"Nothing was changed for this in {sha[:12]}. {later}", False, False
    return "Nothing was changed; my comment on this pull request says why.", False, False


def _applied(asked: Sequence[SeenRemark], path: str, changes: ChangeSet) -> bool:
    """Whether every suggestion of these remarks stands in the changed file as it was written."""
    wanted = [block for one in asked for block in read_suggestions(one.body)]
    file = next((file for file in changes.files if file.path == path), None)
    if not wanted or not all(wanted) or file is None or file.kind is ChangeKind.DELETED:
        return False
    now = "\n" + file.data.decode("utf-8", "replace").replace("\r\n", "\n")
    return all(f"\n{block}" in now for block in wanted)


def read_suggestions(body: str) -> list[str]:
    """The contents of a remark's suggestion blocks, each with its last line's end; '' takes lines out.

    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/incorporating-feedback-in-your-pull-request
    """
    return [found[1] for found in _SUGGESTION.findall(body.replace("\r\n", "\n"))]
