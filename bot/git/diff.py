"""A change set, or two commits, as a unified diff made by git; ``bot.text.diffs`` reads what is made here.

git's own diff, because a hostile file makes difflib run for minutes, and because GitHub shows the same
hunks (with renames found), which is where review comments may stand. No attribute, textconv or external
diff has a say.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Lock

from cachetools import LRUCache
from dulwich.objects import ShaFile

from bot.domain import ChangeSet
from bot.git.checkout import check_sha
from bot.git.commit import build_tree
from bot.git.program import run_now
from bot.text.diffs import limit_to_whole_files

_ARGS = (
    *("diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-indent-heuristic"),
    *("-M50%", "-l400", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers"),
)
MOST_CHARS = 2_000_000  # of a diff between commits; GitHub shows 1 MB
_KEPT_BYTES = 4 << 20

# By commit, tree and options, which all name what they are: the same diff is asked for after a turn, for the
# proof and where it is published.
_last_diffs: LRUCache[tuple[str, str, tuple[str, ...]], bytes] = LRUCache(_KEPT_BYTES, len)
_lock = Lock()


def unified_diff(repo: Path, base: str, changes: ChangeSet) -> str:
    """The diff from commit ``base`` to ``changes`` on top of it, to be read: bytes that are not UTF-8 become
    U+FFFD, and of binary files it says no more than that they differ.

    Blocking: tens of milliseconds.
    """
    return _diff_changes(repo, base, changes).decode("utf-8", "replace")


def make_patch(repo: Path, base: str, changes: ChangeSet) -> bytes:
    """The same for ``git apply``: every byte as it is, binary files whole. Blocking."""
    return _diff_changes(repo, base, changes, "--binary", "--full-index")


def _diff_changes(repo: Path, base: str, changes: ChangeSet, *more: str) -> bytes:
    if not changes:
        return b""
    tree, objects = build_tree(repo, base=base, changes=changes)
    asked = (base, tree, more)
    with _lock:
        known = _last_diffs.get(asked)
    if known is not None:
        return known
    with tempfile.TemporaryDirectory(prefix="hob-diff-") as scratch:
        _write_loose_objects(Path(scratch), objects)
        env = {
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.fspath(repo.resolve() / "objects"),
        }
        made = run_now(repo, *_ARGS, *more, base, tree, env=env).out
    with _lock, suppress(ValueError):  # larger than all that is kept
        _last_diffs[asked] = made
    return made


def diff_between(repo: Path, base: str, head: str) -> str:
    """The diff from one commit to another: as many whole files as ``MOST_CHARS`` take; bytes that are not
    UTF-8 become U+FFFD. Blocking.
    """
    diff = run_now(repo, *_ARGS, check_sha(base), check_sha(head)).out.decode("utf-8", "replace")
    return limit_to_whole_files(diff, MOST_CHARS)


def _write_loose_objects(folder: Path, objects: list[ShaFile]) -> None:
    for made in objects:
        name = made.id.decode("ascii")
        (folder / name[:2]).mkdir(exist_ok=True)
        (folder / name[:2] / name[2:]).write_bytes(made.as_legacy_object())
