"""The path of a task of which words come: a review of a pull request, or an answer. Never a change.

What the agent did to files is dropped where it ends (``run.attempt``), so nothing here could publish it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import ChangeKind, ChangeSet, EffectKind, FileChange, Note, OutcomeKind, TaskKind, TaskState
from bot.errors import UserError
from bot.github.answers import Review
from bot.github.review_threads import SeenThread, Settlement
from bot.run.attempts.run_attempts import run_attempts
from bot.run.job import Job
from bot.run.messages import report, reviews
from bot.run.prepare.examine import prepare_examination
from bot.run.proven_change import ProvenChange
from bot.run.publish.context import PublishContext
from bot.run.publish.findings import find_settled, parse_finding, select_new
from bot.run.publish.review_comments import make_inline_comments, split_by_diff
from bot.run.task_end import TaskEnd, end_without_pull
from bot.text.fit import mark


async def produce_text(job: Job) -> ProvenChange | TaskEnd:
    """Prepare, think and, for a review, run the checks on both sides; the words to publish, or why none."""
    prepared = await prepare_examination(job)
    picked = await run_attempts(job, prepared.checkout, prepared.brief)
    result = picked.result
    ended = end_without_pull(result)
    remarked = job.task.kind is TaskKind.REVIEW and result.outcome.kind is OutcomeKind.LIMIT
    if ended and ended.state is not TaskState.DONE and not (remarked and result.outcome.notes):
        return ended
    return ProvenChange(
        result=result,
        branch="",
        head=prepared.checkout.base,
        hidden=prepared.hidden,
        run_url=job.run_url,
        ordinal=picked.chosen.ordinal,
    )


async def publish_text(job: Job, proven: ProvenChange) -> TaskEnd:
    """Publish the words: a review as one review, an answer as the task's own comment."""
    result = proven.result
    if job.task.kind is TaskKind.REVIEW:
        said, remarks = await _review(job, proven)
        text = reviews.render_review_done(said, proven.head or "", remarks)
        return TaskEnd(state=TaskState.DONE, text=text, result=result)
    hidden = report.render_invisible_text(proven.hidden)
    ended = end_without_pull(result, hidden)
    return ended or TaskEnd(state=TaskState.DONE, text=report.render_outcome(result.outcome), result=result)


async def _review(job: Job, proven: ProvenChange) -> tuple[Review, int]:
    """One review with remarks on lines, and how many there are; it neither approves nor asks for changes."""
    context, result = job.publisher.context, proven.result
    number, sha = job.task.thread.number, proven.head or ""
    await job.fetched(sha)
    threads = await context.api.review_threads.list_threads(number)
    there = await _files(job, sha, result.outcome.notes, threads)
    on, off = split_by_diff(select_new(result.outcome.notes, there, threads), result.diff)
    key = f"review:{job.task.id}:{sha}"
    body = reviews.render_review_body(
        job.task, proven.result, sha, off, hidden=proven.hidden, run_url=proven.run_url
    )
    said = await context.effects.once_as(
        Review,
        f"task:{job.task.id}:review:{sha}",
        EffectKind.REVIEW,
        find=lambda: context.api.reviews.find(number, key),
        do=lambda: context.api.reviews.create(
            number, sha, context.safe(f"{mark(key)}\n\n{body}"), make_inline_comments(context, on, there)
        ),
    )
    await _settle(context, there, threads)
    return said, len(on) + len(off)


async def _settle(context: PublishContext, there: ChangeSet, threads: Sequence[SeenThread]) -> None:
    """Resolve what Hob remarked earlier where the line is gone."""
    gone = [Settlement(thread=one.id, resolve=True) for one in find_settled(there, threads)]
    if not gone:
        return

    async def do() -> dict[str, int]:
        await context.api.review_threads.settle(gone)
        return {"threads": len(gone)}

    await context.effects.once(f"task:{context.task.id}:settled", EffectKind.REPLY, find=None, do=do)


async def _files(job: Job, sha: str, notes: Sequence[Note], threads: Sequence[SeenThread]) -> ChangeSet:
    """The files that are or were remarked on, as they are at a commit."""
    paths = {note.path for note in notes} | {one.path for one in threads if parse_finding(one)}
    files = []
    for path in sorted(paths):
        try:
            data = await job.parts.workshop.mirror.read_file(job.task.repo.id, sha, path)
        except UserError:  # too large to be looked at
            continue
        kind = ChangeKind.DELETED if data is None else ChangeKind.MODIFIED
        files.append(FileChange(path=path, kind=kind, mode=0o100644, data=data or b""))
    return ChangeSet(base=sha, files=tuple(files))
