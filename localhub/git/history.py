"""What a history says, read in this process while it is short; a process of git's costs ten times as much.

`LongHistory` is raised when more would have to be read than it should, or something is missing: then git
itself is to be asked.
"""

from __future__ import annotations

import heapq
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from dulwich.diff_tree import TreeChange, tree_changes
from dulwich.objects import Commit, ObjectID
from dulwich.repo import Repo

MOST_COMMITS = 200
MOST_FILES = 500  # that one commit changed
_RANGE = re.compile(r"(?P<hidden>\^)?(?:(?P<old>[0-9a-f]{40})\.\.)?(?P<new>[0-9a-f]{40})")


class LongHistory(Exception):
    """The answer would take long here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRanges:
    """What ``git rev-list`` is asked for, by full shas alone."""

    heads: tuple[ObjectID, ...]
    excluded: tuple[ObjectID, ...]
    most: int | None
    reverse: bool


def read_ranges(arguments: Sequence[str]) -> CommitRanges | None:
    """The arguments of ``git rev-list``; None where they say something else."""
    heads, excluded, most, reverse = list[ObjectID](), list[ObjectID](), None, False
    for argument in arguments:
        found = _RANGE.fullmatch(argument)
        if argument == "--reverse":
            reverse = True
        elif re.fullmatch(r"-\d+", argument):
            most = int(argument[1:])
        elif found is None:
            return None
        else:
            (excluded if found["hidden"] else heads).append(ObjectID(found["new"].encode()))
            if found["old"]:
                excluded.append(ObjectID(found["old"].encode()))
    return CommitRanges(heads=tuple(heads), excluded=tuple(excluded), most=most, reverse=reverse)


def collect_ancestors(repo: Repo, shas: Iterable[ObjectID]) -> set[ObjectID]:
    """These commits and all before them."""
    found: set[ObjectID] = set()
    waiting = list(shas)
    while waiting:
        sha = waiting.pop()
        if sha not in found:
            found.add(sha)
            waiting += _read_commit(repo, sha, len(found)).parents
    return found


def is_ancestor(repo: Repo, older: ObjectID, newer: ObjectID) -> bool:
    """Whether a commit is the other one or stands before it."""
    return older in collect_ancestors(repo, [newer])


def find_merge_bases(repo: Repo, left: ObjectID, right: ObjectID) -> set[ObjectID]:
    """The common ancestors that no other common one comes after."""
    common = collect_ancestors(repo, [left]) & collect_ancestors(repo, [right])
    before = {parent for sha in common for parent in _read_commit(repo, sha).parents}
    return common - before


def list_commits(repo: Repo, heads: Sequence[ObjectID], excluded: Iterable[ObjectID]) -> list[ObjectID]:
    """The commits below ``heads`` and not below ``excluded``, in the order of ``git rev-list``.

    That is the newest first by the committers' clocks, of those with one time the one that was met first.
    """
    hidden = collect_ancestors(repo, excluded)
    met: set[ObjectID] = set()
    waiting: list[tuple[int, int, ObjectID]] = []
    found: list[ObjectID] = []

    def meet(shas: Iterable[ObjectID]) -> None:
        for sha in shas:
            if sha not in met and sha not in hidden:
                met.add(sha)
                time = _read_commit(repo, sha, len(met)).commit_time
                heapq.heappush(waiting, (-time, len(met), sha))

    meet(heads)
    while waiting:
        *_, sha = heapq.heappop(waiting)
        found.append(sha)
        meet(_read_commit(repo, sha).parents)
    return found


def list_changed_paths(repo: Repo, sha: ObjectID, parent: ObjectID | None) -> list[tuple[str, str]]:
    """(git's status letter, path) of what a commit changed against a parent, or against nothing."""
    before = None if parent is None else _read_commit(repo, parent).tree
    changes = tree_changes(repo.object_store, before, _read_commit(repo, sha).tree, change_type_same=True)
    try:
        found = list(islice(map(_name_change, changes), MOST_FILES + 1))
    except KeyError as error:
        raise LongHistory(str(error)) from error
    if len(found) > MOST_FILES:
        raise LongHistory(f"{sha.decode()} changed many files")
    return sorted(found, key=lambda change: change[1].encode("utf-8", "surrogateescape"))


def list_touched_paths(repo: Repo, shas: Iterable[ObjectID]) -> Iterator[str]:
    """The paths that commits changed against any of their parents."""
    for sha in shas:
        for parent in _read_commit(repo, sha).parents or (None,):
            yield from (path for _, path in list_changed_paths(repo, sha, parent))


def _read_commit(repo: Repo, sha: ObjectID, number: int = 0) -> Commit:
    """The commit that is read as the ``number``th."""
    if number > MOST_COMMITS:
        raise LongHistory(f"more than {MOST_COMMITS} commits")
    try:
        found = repo[sha]
    except KeyError as error:
        raise LongHistory(f"{sha.decode()} is not there") from error
    if not isinstance(found, Commit):
        raise LongHistory(f"{sha.decode()} is not a commit")
    return found


def _name_change(change: TreeChange) -> tuple[str, str]:
    old, new = change.old, change.new
    if old is None or old.path is None:
        return "A", ((new and new.path) or b"").decode("utf-8", "replace")
    if new is None or new.mode is None:
        return "D", old.path.decode("utf-8", "replace")
    same = stat.S_IFMT(old.mode or 0) == stat.S_IFMT(new.mode)
    return "M" if same else "T", old.path.decode("utf-8", "replace")
