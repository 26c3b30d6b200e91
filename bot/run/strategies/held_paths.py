"""What was held back, offered to a maintainer and released: bound to the very tree that comes of it.

An offer is computed the same way when it is told and when it is approved: from stored change sets and the
commit that they go on top of. So an approval is of what was shown, or of nothing. What cannot be shown whole
is not offered.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bot.domain import ChangeSet, Held, OutcomeKind, Release, Result, Task
from bot.errors import UserError
from bot.git.commit import build_tree
from bot.git.diff import unified_diff
from bot.git.transplant import move_held
from bot.run.job import Job
from bot.run.prepare.prepare import Prepared
from bot.tasks.attempts import AttemptRecord
from bot.tasks.store import Store

MOST_SHOWN = 20_000  # characters of a diff, in a body of at most 65,536
TOO_LONG = "all that is held is too much to be shown here, so nobody can approve it"
_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Co", "Cn")  # Unicode categories
# Letters and marks that fonts leave blank: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
MOST_ROOTS = 20  # requests on one pull request whose held paths are looked for

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAttempt:
    """A stored attempt that holds something back, and at whose request it was made."""

    root: Task
    attempt: AttemptRecord
    changes: ChangeSet


async def add_release_offer(job: Job, prepared: Prepared, result: Result, *, ordinal: int) -> Result:
    """``result`` with what a maintainer may release beside it, on a pull request also what waits there.

    Nothing on top of a fork's commits: nothing protected is pushed there. When all of the change waits, the
    attempt ``ordinal`` is noted as the one that was taken.
    """
    if prepared.foreign or result.outcome.kind not in (OutcomeKind.CHANGED, OutcomeKind.LIMIT):
        return result
    if not (result.changes or result.changes.releasable):
        return result
    repo = job.parts.workshop.mirror.path(job.task.repo.id)
    changes = result.changes
    if prepared.head is not None:
        changes = add_waiting_paths(changes, await find_waiting(job, changes.base))
    if not changes.releasable:
        return result
    release = await asyncio.to_thread(make_release_offer, repo, changes, job.parts.slug)
    if release is not None:
        if not result.changes:
            await job.store.choose_attempt(job.run, job.task.root, ordinal)
        return replace(result, release=release)
    told = tuple(
        item if item.change is None else replace(item, why=f"{item.why}; {TOO_LONG}", change=None)
        for item in changes.held
    )
    return replace(result, changes=replace(changes, held=told))


def add_waiting_paths(changes: ChangeSet, waiting: Sequence[Held]) -> ChangeSet:
    """``changes`` that also hold back what waits already, but for paths of their own."""
    own = {file.path for file in changes.files} | {item.path for item in changes.held}
    return replace(changes, held=(*changes.held, *(item for item in waiting if item.path not in own)))


def make_release_offer(repo: Path, changes: ChangeSet, slug: str) -> Release | None:
    """The release of everything that ``changes`` hold back, on top of the rest of them; None when it cannot
    be shown whole or does not fit. ``repo`` has their base. Blocking.
    """
    only = ChangeSet(base=changes.base, files=changes.releasable)
    try:
        digest, _ = build_tree(repo, base=changes.base, changes=changes.whole)
        diff = escape_invisible(unified_diff(repo, changes.base, only))
    except ValueError:  # a file where the rest of the change has a folder
        return None
    if not diff or len(diff) > MOST_SHOWN:
        return None
    paths = tuple(file.path for file in only.files)
    return Release(digest=digest, paths=paths, diff=diff, command=f"@{slug} approve {digest}")


def escape_invisible(diff: str) -> str:
    """A diff in which what nobody sees on a page is spelt out: controls, bidirectional and joining ones."""
    return "".join(
        f"\\u{{{ord(char):x}}}"
        if (char not in "\n\t" and unicodedata.category(char) in _UNSEEN) or _BLANK.match(char)
        else char
        for char in diff
    )


async def find_waiting(job: Job, head: str) -> tuple[Held, ...]:
    """What waits for a maintainer on the thread's open pull request, as it is on the commit ``head``.

    The newest word on a path counts.
    """
    repo = job.parts.workshop.mirror.path(job.task.repo.id)
    found: dict[str, Held] = {}
    for kept in await list_held_attempts(job):
        if not kept.attempt.chosen:
            continue
        try:
            await job.ready(kept.changes)
        except UserError as gone:
            log.warning("release.no_base", task_of=kept.root.id, reason=gone.message)
            continue
        for item in await asyncio.to_thread(move_held, repo, kept.changes, onto=head):
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
    mine = set() if job.approves else {job.task.id, job.task.root}
    for root in await _roots(store, job.task, mine):
        known = await store.attempts(root.id)
        chosen = [each for each in known if each.chosen]
        for attempt in chosen or known:
            changes = await store.attempt_changes(attempt)
            if changes is not None and changes.releasable:
                found.append(HeldAttempt(root=root, attempt=attempt, changes=changes))
    return found


async def _roots(store: Store, task: Task, mine: Set[int]) -> list[Task]:
    """The requests that were made on the thread or its newest pull request and not published elsewhere."""
    here = await store.tasks_on(task.thread_key)
    pull = task.thread.number if task.thread.is_pull else max((each.pull for each in here), default=0)
    if pull:
        here += await store.tasks_of_pull(task.repo.id, pull)
    published: dict[int, set[int]] = {}
    for each in here:
        if not each.kind.produces_only_text:
            published.setdefault(each.root, set()).update({each.pull} - {0})
    numbers = sorted(root for root, where in published.items() if not where or pull in where)
    roots = [await store.task(number) for number in numbers[-MOST_ROOTS:] if number not in mine]
    return [root for root in roots if root is not None]
