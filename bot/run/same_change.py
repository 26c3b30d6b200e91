"""A second issue about one fault: the change that an open pull request of Hob's own makes already.

Two issues about the same fault lead to the same change. A second pull request with it would only have to be
closed: the one that is open is named on the new issue, and the issue is noted there.
"""

from __future__ import annotations

from collections.abc import Iterable

from dulwich.objects import Blob

from bot.domain import ChangeKind, ChangeSet, ProvenChange, TaskEnd, TaskKind, TaskState
from bot.github.answers import Pull, PullFile
from bot.run.job import Job
from bot.run.messages.ends import render_same_change
from bot.run.publish.description import add_reference

MOST_COMPARED = 10  # of Hob's open pull requests, the newest first
REMOVED = "removed"


async def end_with_same_change(job: Job, proven: ProvenChange) -> TaskEnd | None:
    """The end that points to the pull request with the same change; None where there is none.

    Only for a change of an issue that has no branch yet: what was begun is carried through.
    """
    if job.task.kind is not TaskKind.CHANGE or proven.head is not None or proven.fork:
        return None
    if await job.api.commits.find_branch_head(proven.branch) is not None:
        return None
    pull = await _find_same_change(job, proven.result.changes)
    if pull is None:
        return None
    await job.publisher.try_step(
        "the note on the other pull request",
        add_reference(job.publisher.context, pull, job.task.thread.number),
    )
    text = render_same_change(pull, proven.result, refused=job.publisher.refused)
    return TaskEnd(state=TaskState.DONE, text=text, result=proven.result)


async def _find_same_change(job: Job, changes: ChangeSet) -> Pull | None:
    made = list_blobs(changes)
    for pull in (await job.api.pulls.list_own_open(job.task.repo.default_branch))[:MOST_COMPARED]:
        if list_pull_blobs(await job.api.pulls.list_files(pull.number)) == made:
            return pull
    return None


def list_blobs(changes: ChangeSet) -> dict[str, str]:
    """What a change set makes of each path: the name of its content, or that it is removed."""
    return {
        file.path: REMOVED
        if file.kind is ChangeKind.DELETED
        else Blob.from_string(file.data).id.decode("ascii")
        for file in changes.files
    }


def list_pull_blobs(files: Iterable[PullFile]) -> dict[str, str]:
    """The same of a pull request's files, where a renamed one is one removed and one made."""
    found = {}
    for file in files:
        if file.previous and file.status == "renamed":
            found[file.previous] = REMOVED
        found[file.path] = REMOVED if file.status == REMOVED else file.blob
    return found
