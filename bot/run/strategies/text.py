"""The path of a task of which words come: a review of a pull request, or an answer. Never a change.

What the agent did to files is dropped where it ends (``run.attempt``), so nothing here could publish it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain import ChangeKind, ChangeSet, EffectKind, FileChange, Note, OutcomeKind, TaskKind, TaskState
from bot.errors import UserError
from bot.github.review_threads import SeenThread, Settlement
from bot.run.attempts.run_attempts import tried_out
from bot.run.job import Job
from bot.run.messages import report, reviews
from bot.run.prepare.examine import examine
from bot.run.proven_change import Handover
from bot.run.publish.context import Voice
from bot.run.publish.findings import known, new_ones, settled
from bot.run.publish.review_comments import inline, placed
from bot.run.task_end import Ended, without_pull
from bot.text.fit import mark


async def speak(job: Job) -> Handover | Ended:
    """Prepare, think and, for a review, run the checks on both sides; the words to publish, or why none."""
    ground = await examine(job)
    picked = await tried_out(job, ground.checkout, ground.brief)
    result = picked.result
    ended = without_pull(result)
    remarked = job.task.kind is TaskKind.REVIEW and result.outcome.kind is OutcomeKind.LIMIT
    if ended and ended.state is not TaskState.DONE and not (remarked and result.outcome.notes):
        return ended
    return Handover(
        result=result,
        branch="",
        head=ground.checkout.base,
        hidden=ground.hidden,
        run_url=job.run_url,
        ordinal=picked.chosen.ordinal,
    )


async def tell(job: Job, handover: Handover) -> Ended:
    """Publish the words: a review as one review, an answer as the task's own comment."""
    result = handover.result
    if job.task.kind is TaskKind.REVIEW:
        said, remarks = await _review(job, handover)
        text = reviews.reviewed(said, handover.head or "", remarks)
        return Ended(state=TaskState.DONE, text=text, result=result)
    hidden = report.hidden_text(handover.hidden)
    ended = without_pull(result, hidden)
    return ended or Ended(state=TaskState.DONE, text=report.outcome_text(result.outcome), result=result)


async def _review(job: Job, handover: Handover) -> tuple[Mapping[str, Any], int]:
    """One review with remarks on lines, and how many there are; it neither approves nor asks for changes."""
    voice, result = job.publisher.voice, handover.result
    number, sha = job.task.thread.number, handover.head or ""
    await job.fetched(sha)
    threads = await voice.api.review_threads(number)
    there = await _files(job, sha, result.outcome.notes, threads)
    on, off = placed(new_ones(result.outcome.notes, there, threads), result.diff)
    key = f"review:{job.task.id}:{sha}"
    body = reviews.review_of(
        job.task, handover.result, sha, off, hidden=handover.hidden, run_url=handover.run_url
    )
    said = await voice.effects.once(
        f"task:{job.task.id}:review:{sha}",
        EffectKind.REVIEW,
        find=lambda: voice.api.find_review(number, key),
        do=lambda: voice.api.review(
            number, sha, voice.safe(f"{mark(key)}\n\n{body}"), inline(voice, on, there)
        ),
    )
    await _settle(voice, there, threads)
    return said, len(on) + len(off)


async def _settle(voice: Voice, there: ChangeSet, threads: Sequence[SeenThread]) -> None:
    """Resolve what Hob remarked earlier where the line is gone."""
    gone = [Settlement(thread=one.id, resolve=True) for one in settled(there, threads)]
    if not gone:
        return

    async def do() -> dict[str, int]:
        await voice.api.settle_threads(gone)
        return {"threads": len(gone)}

    await voice.effects.once(f"task:{voice.task.id}:settled", EffectKind.REPLY, find=None, do=do)


async def _files(job: Job, sha: str, notes: Sequence[Note], threads: Sequence[SeenThread]) -> ChangeSet:
    """The files that are or were remarked on, as they are at a commit."""
    paths = {note.path for note in notes} | {one.path for one in threads if known(one)}
    files = []
    for path in sorted(paths):
        try:
            data = await job.parts.workshop.mirror.read_file(job.task.repo.id, sha, path)
        except UserError:  # too large to be looked at
            continue
        kind = ChangeKind.DELETED if data is None else ChangeKind.MODIFIED
        files.append(FileChange(path=path, kind=kind, mode=0o100644, data=data or b""))
    return ChangeSet(base=sha, files=tuple(files))
