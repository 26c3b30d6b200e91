"""What was held back, offered to a maintainer: bound to the very tree that comes of it.

An offer is computed the same way when it is shown and when it is approved: from stored change sets and the
commit that they go on top of. So an approval is of what was shown, or of nothing. What cannot be shown whole
is not offered.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.domain import ChangeSet, Held, OutcomeKind, Release, Result
from bot.git.commit import build_tree
from bot.git.diff import unified_diff
from bot.run.job import Job
from bot.run.prepare.prepare import Prepared
from bot.run.strategies.held_paths import find_waiting

MOST_SHOWN = 20_000  # characters of a diff, in a body of at most 65,536


TOO_LONG = "all that is held is too much to be shown here, so nobody can approve it"


_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Co", "Cn")  # Unicode categories


# Letters and marks that fonts leave blank: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


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
    held = tuple(
        item if item.change is None else replace(item, why=f"{item.why}; {TOO_LONG}", change=None)
        for item in changes.held
    )
    return replace(result, changes=replace(changes, held=held))


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
