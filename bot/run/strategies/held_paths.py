"""What is held back on a thread: by which stored attempts, and what of it still waits for a maintainer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass

import structlog

from bot.domain import ChangeSet, Held, Task
from bot.errors import UserError
from bot.git.transplant import move_held
from bot.run.job import Job
from bot.tasks.attempts import AttemptRecord
from bot.tasks.store import Store

MOST_ROOTS = 20  # requests on one pull request whose held paths are looked for

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAttempt:
    """A stored attempt that holds something back, and at whose request it was made."""

    root: Task
    attempt: AttemptRecord
    changes: ChangeSet


async def find_waiting(job: Job, head: str) -> tuple[Held, ...]:
    """What waits for a maintainer on the thread's open pull request, as it is on the commit ``head``.

    Of several attempts that change a path the newest counts.
    """
    repo = job.parts.workshop.mirror.path(job.task.repo.id)
    found: dict[str, Held] = {}
    for stored in await list_held_attempts(job):
        if not stored.attempt.chosen:
            continue
        try:
            await job.fetch_base(stored.changes)
        except UserError as gone:
            log.warning("release.no_base", task_of=stored.root.id, reason=gone.message)
            continue
        for item in await asyncio.to_thread(move_held, repo, stored.changes, onto=head):
            if item.change is not None:
                found[item.path] = item
            else:
                found.pop(item.path, None)
    return tuple(found[path] for path in sorted(found))


async def list_held_attempts(job: Job) -> Sequence[HeldAttempt]:
    """The attempts of this thread that hold something back, the oldest request first.

    Of each request the attempt that was taken, or all where none was.
    """
    store, found = job.store, []
    mine = set() if job.is_approval else {job.task.id, job.task.root}
    for root in await _find_requests(store, job.task, mine):
        known = await store.list_attempts(root.id)
        chosen = [each for each in known if each.chosen]
        for attempt in chosen or known:
            changes = await store.load_attempt_changes(attempt)
            if changes is not None and changes.releasable:
                found.append(HeldAttempt(root=root, attempt=attempt, changes=changes))
    return found


async def _find_requests(store: Store, task: Task, mine: Set[int]) -> list[Task]:
    """The requests that were made on the thread or its newest pull request and not published elsewhere."""
    here = await store.list_tasks_on(task.thread_key)
    pull = task.thread.number if task.thread.is_pull else max((each.pull for each in here), default=0)
    if pull:
        here += await store.list_tasks_of_pull(task.repo.id, pull)
    published: dict[int, set[int]] = {}
    for each in here:
        if not each.kind.produces_only_text:
            published.setdefault(each.root, set()).update({each.pull} - {0})
    numbers = sorted(root for root, where in published.items() if not where or pull in where)
    roots = [await store.get_task(number) for number in numbers[-MOST_ROOTS:] if number not in mine]
    return [root for root in roots if root is not None]
