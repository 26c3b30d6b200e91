"""A review is published: one review with remarks on lines, and earlier remarks resolved that are settled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain import ChangeKind, ChangeSet, EffectKind, FileChange, Note, ProvenChange
from bot.errors import UserError
from bot.github.answers import Review
from bot.github.graphql.review_threads import SeenThread
from bot.run.job import Job
from bot.run.messages import reviews
from bot.run.publish.answer_threads import resolve_once
from bot.run.publish.findings import find_settled, parse_finding, select_new
from bot.run.publish.review_comments import make_inline_comments, split_by_diff
from bot.text.fit import mark


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedReview:
    """The review, and how many remarks it has."""

    review: Review
    remarks: int


async def publish_review(job: Job, proven: ProvenChange) -> PublishedReview:
    """Publish one review with remarks on lines; it neither approves nor asks for changes."""
    context, result = job.publisher.context, proven.result
    number, sha = job.task.thread.number, proven.head or ""
    await job.fetch(sha)
    threads = await context.api.review_threads.list_threads(number)
    files = await _read_files(job, sha, result.outcome.notes, threads)
    new = await asyncio.to_thread(select_new, result.outcome.notes, files, threads)
    on, off = await asyncio.to_thread(split_by_diff, new, result.diff)
    key = f"review:{job.task.id}:{sha}"

    def render() -> str:
        body = reviews.render_review_body(
            job.task, result, sha, off, hidden=proven.hidden, run_url=proven.run_url
        )
        return context.safe(f"{mark(key)}\n\n{body}")

    body = await asyncio.to_thread(render)
    comments = await asyncio.to_thread(make_inline_comments, context, on, files)
    review = await context.effects.once_as(
        Review,
        f"task:{job.task.id}:review:{sha}",
        EffectKind.REVIEW,
        find=lambda: context.api.reviews.find(number, key),
        do=lambda: context.api.reviews.create(number, sha, body, comments),
    )
    gone = [one.id for one in find_settled(files, threads)]
    settled = resolve_once(context, f"task:{job.task.id}:settled", gone)
    await job.publisher.try_step("resolved threads", settled)
    return PublishedReview(review=review, remarks=len(on) + len(off))


async def _read_files(job: Job, sha: str, notes: Sequence[Note], threads: Sequence[SeenThread]) -> ChangeSet:
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
