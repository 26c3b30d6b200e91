"""A change set as a unified diff, made by git from objects in a scratch directory, and what can be read
from it.

git's own diff, because a hostile file makes difflib run for minutes, and because GitHub shows the same
hunks (with renames found), which is where review comments may stand. No attribute, textconv or external
diff has a say.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dulwich.objects import ShaFile
from unidiff.patch import Hunk, PatchSet

from bot.domain import ChangeSet
from bot.git.checkout import check_sha
from bot.git.commit import build_tree
from bot.git.program import run_now

_ARGS = (
    *("diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-indent-heuristic"),
    *("-M50%", "-l400", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers"),
)
MOST_CHARS = 2_000_000  # of a diff between commits; GitHub shows 1 MB
_FILE_START = re.compile(r"^diff --git ", re.MULTILINE)
_SIDES = re.compile(r"^(?:---|\+\+\+) (.+?)\t?$", re.MULTILINE)
_QUOTED = re.compile(rb'\\([abtnvfr"\\]|[0-7]{3})')
_ESCAPES = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13, b'"': 34, b"\\": 92}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diffstat:
    """How much a diff changes: files touched (binary ones too), lines added and removed."""

    files: int
    added: int
    removed: int


def unified_diff(repo: Path, base: str, changes: ChangeSet) -> str:
    """The diff from commit ``base`` to ``changes`` on top of it; bytes that are not UTF-8 become U+FFFD.

    Blocking: tens of milliseconds.
    """
    if not changes:
        return ""
    tree, objects = build_tree(repo, base=base, changes=changes)
    with tempfile.TemporaryDirectory(prefix="hob-diff-") as scratch:
        _write_loose(Path(scratch), objects)
        env = {
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.fspath(repo.resolve() / "objects"),
        }
        return run_now(repo, *_ARGS, base, tree, env=env).out.decode("utf-8", "replace")


def diff_between(repo: Path, base: str, head: str) -> str:
    """The diff from one commit to another: as many whole files as ``MOST_CHARS`` take; bytes that are not
    UTF-8 become U+FFFD. Blocking.
    """
    diff = run_now(repo, *_ARGS, check_sha(base), check_sha(head)).out.decode("utf-8", "replace")
    if len(diff) <= MOST_CHARS:
        return diff
    starts = [match.start() for match in _FILE_START.finditer(diff)]
    return diff[: max((start for start in starts if start <= MOST_CHARS), default=0)]


def split_by_file(diff: str) -> Iterator[tuple[str, str]]:
    """Each file's name (on the head side, where it is there) and its part of the diff, in their order."""
    starts = [match.start() for match in _FILE_START.finditer(diff)]
    for start, end in zip(starts, [*starts[1:], len(diff)], strict=False):
        part = diff[start:end]
        names = [
            unquote_path(name)[2:]
            for name in _SIDES.findall(part.partition("\n@@ ")[0])
            if name != "/dev/null"
        ]
        yield (names[-1] if names else part.partition("\n")[0].removeprefix("diff --git ")), part


def commentable_lines(diff: str) -> dict[str, set[int]]:
    """For each path of the head side, the lines inside hunks: where a review comment may stand (side
    RIGHT).
    """
    lines: dict[str, set[int]] = {}
    for path, hunks in _files(diff):
        found = {line.target_line_no for hunk in hunks for line in hunk if line.target_line_no is not None}
        if path is not None and found and "\ufffd" not in path:
            lines[path] = found
    return lines


def diffstat(diff: str) -> Diffstat:
    """Counts over the whole diff."""
    files = list(_files(diff))
    return Diffstat(
        files=len(files),
        added=sum(hunk.added for _, hunks in files for hunk in hunks),
        removed=sum(hunk.removed for _, hunks in files for hunk in hunks),
    )


def _files(diff: str) -> Iterator[tuple[str | None, list[Hunk]]]:
    """Each file's head-side path (None when deleted or without hunks) and hunks.

    unidiff is given one file at a time, from its ``---`` line on: the ``diff --git`` line is ambiguous for
    paths with `` b/`` in them.
    """
    starts = [match.start() for match in _FILE_START.finditer(diff)]
    for start, end in zip(starts, [*starts[1:], len(diff)], strict=False):
        head, found, body = diff[start:end].partition("\n--- ")
        if not found or "\n@@ " in head:
            yield None, []
            continue
        for file in PatchSet("--- " + body):
            name = unquote_path(file.target_file)
            yield (None if name == "/dev/null" else name.removeprefix("b/")), list(file)


def unquote_path(name: str) -> str:
    """A path as git prints it in a diff -> the path; git puts odd ones in C quotes."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    raw = _QUOTED.sub(
        lambda match: bytes([_ESCAPES.get(match[1]) or int(match[1], 8)]), name[1:-1].encode("utf-8")
    )
    return raw.decode("utf-8", "surrogateescape")


def _write_loose(folder: Path, objects: list[ShaFile]) -> None:
    for made in objects:
        name = made.id.decode("ascii")
        (folder / name[:2]).mkdir(exist_ok=True)
        (folder / name[:2] / name[2:]).write_bytes(made.as_legacy_object())
