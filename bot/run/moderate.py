"""A run's result is moderated before it is published: its texts, and the lines that it adds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bot.domain import ProvenChange, Result, TaskEnd
from bot.errors import UserError
from bot.moderation.messages import name_reason, render_not_published
from bot.run.job import Job
from bot.text.token_shapes import find_token_shapes

MOST_CHARS = 200_000  # of words and added lines together that the moderator reads


async def refuse_unfit(job: Job, made: ProvenChange | TaskEnd) -> None:
    """Raise UserError when what was made must not be published; stores and counts what moderation refuses.

    A token's shape in its words or added lines is reason enough. Raises Outage while the moderator cannot be
    asked.
    """
    if made.result is None:
        return
    text = await asyncio.to_thread(_join_texts, made.result)
    if kinds := await asyncio.to_thread(find_token_shapes, text):
        raise UserError(
            f"What I made contains what looks like a secret ({', '.join(kinds)}), so nothing was published. "
            "If it is a test value, ask for one that does not look real.",
            phase="gate",
        )
    verdict = await job.parts.moderator.judge(text[:MOST_CHARS])
    if verdict is None:
        return
    await job.store.note_refused_task(job.task, name_reason(verdict), f"published: {verdict.by}")
    contact = job.parts.settings.contact
    appeal = f" If that is a mistake, write to who runs this Hob: {contact}" if contact else ""
    raise UserError(f"{render_not_published(verdict)}{appeal}", phase="moderation")


def _join_texts(result: Result) -> str:
    return "\n".join(_list_texts(result))


def _list_texts(result: Result) -> Iterator[str]:
    outcome = result.outcome
    yield from (outcome.title, outcome.summary)
    yield from (step.text for step in outcome.plan)
    yield from (note.text for note in outcome.notes)
    yield from (reply.text for reply in outcome.replies)
    lines = result.diff.splitlines()
    yield from (line[1:] for line in lines if line.startswith("+") and not line.startswith("+++ "))
