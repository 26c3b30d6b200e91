"""Review threads are answered, and resolved where their concern is met.

All answers are in one request to GitHub, each in its thread: what was done and in which commit, or why not.
What is resolved is another one, since GitHub may refuse it where it takes the answers. A concern is met when
the agent says so and the change touches the file, when a suggestion stands in the file as it was written, or
when the line of one of Hob's own findings is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.domain import EffectKind, Result, Task, TriggerKind
from bot.errors import UserError
from bot.github.graphql.review_threads import SeenRemark, SeenThread, ThreadReply
from bot.run.messages.reviews import render_reply
from bot.run.publish.context import PublishContext
from bot.run.publish.findings import find_settled
from bot.run.publish.suggestions import are_suggestions_applied


async def answer_threads(
    context: PublishContext, sha: str, result: Result, threads: Sequence[SeenThread]
) -> None:
    """Reply in each thread of the review that asked. ``sha`` '': no commit.

    May be repeated: a thread that has its reply gets no second one. Raises UserError when the remark that
    asked was deleted: it has no answer then.
    """
    replies = await asyncio.to_thread(draft_replies, context, sha, result, threads)

    async def do() -> dict[str, int]:
        await context.api.review_threads.reply(replies)
        return {"threads": len(replies)}

    if replies:
        await context.effects.once(replies_key(context.task, sha), EffectKind.REPLY, find=None, do=do)
    require_asked(context.task, threads)


def replies_key(task: Task, sha: str) -> str:
    """The effect's key of the replies about commit ``sha``."""
    return f"task:{task.id}:replies:{sha}"


def draft_replies(
    context: PublishContext, sha: str, result: Result, threads: Sequence[SeenThread]
) -> list[ThreadReply]:
    """The replies in the threads of the review that asked, but for those that have one."""
    key = f"reply:task:{context.task.id}"
    replies = []
    for thread, asked in _list_asked(context.task, threads):
        if not thread.has_own_comment(key):
            text, done, _ = decide_reply(context.task, thread, asked, result, sha)
            body = context.safe(render_reply(text, sha if done else "", key))
            replies.append(ThreadReply(thread=thread.id, body=body))
    return replies


def require_asked(task: Task, threads: Sequence[SeenThread]) -> None:
    """Raise UserError when the remark that asked was deleted: it has no answer then."""
    trigger = task.trigger
    there = any(one.id == trigger.id for thread in threads for one in thread.remarks)
    if trigger.kind is TriggerKind.REVIEW_COMMENT and not there:
        raise UserError("the remark that asked was deleted")


def list_said(task: Task, sha: str, result: Result, threads: Sequence[SeenThread]) -> set[str]:
    """The texts that ``answer_threads`` puts into threads."""
    asked = _list_asked(task, threads)
    return {decide_reply(task, thread, remarks, result, sha)[0] for thread, remarks in asked}


async def resolve_met_threads(
    context: PublishContext, sha: str, result: Result, threads: Sequence[SeenThread]
) -> None:
    """Resolve the threads whose concern commit ``sha`` meets; ``sha`` '', no commit, meets none.

    Raises UserError when GitHub refuses.
    """
    if not sha:
        return
    met = [
        thread.id
        for thread, asked in _list_asked(context.task, threads)
        if decide_reply(context.task, thread, asked, result, sha)[2]
    ]
    met += [thread.id for thread in find_settled(result.changes, threads) if thread.id not in met]
    await resolve_once(context, f"task:{context.task.id}:resolved:{sha}", met)


async def resolve_once(context: PublishContext, key: str, threads: Sequence[str]) -> None:
    """Resolve the threads with these ids, recorded under ``key``. Raises UserError when GitHub refuses."""

    async def do() -> dict[str, int]:
        await context.api.review_threads.resolve(threads)
        return {"threads": len(threads)}

    if threads:
        await context.effects.once(key, EffectKind.REPLY, find=None, do=do)


def _list_asked(task: Task, threads: Sequence[SeenThread]) -> list[tuple[SeenThread, list[SeenRemark]]]:
    """The threads with remarks that asked for this task, each with those remarks."""
    every = [
        (thread, [one for one in thread.remarks if not one.own and _is_asked(task, one)])
        for thread in threads
    ]
    return [(thread, asked) for thread, asked in every if asked]


def _is_asked(task: Task, one: SeenRemark) -> bool:
    """Whether a remark belongs to what asked for this task."""
    trigger = task.trigger
    if trigger.kind is TriggerKind.REVIEW:
        return one.review == trigger.id
    return trigger.kind is TriggerKind.REVIEW_COMMENT and (
        one.id == trigger.id or 0 < trigger.review == one.review
    )


def decide_reply(
    task: Task, thread: SeenThread, asked: Sequence[SeenRemark], result: Result, sha: str
) -> tuple[str, bool, bool]:
    """The reply to a thread, whether the commit is the answer to it, and whether that resolves it.

    The agent's own reply where it gave one, else what the change itself shows. Nothing is resolved while the
    change breaks a test.
    """
    ids = {one.id for one in thread.remarks}
    said = next((reply for reply in result.outcome.replies if reply.comment in ids), None)
    touched = bool(sha) and any(file.path == thread.path for file in result.changes.files)
    applied = touched and are_suggestions_applied(asked, thread.path, result.changes)
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
