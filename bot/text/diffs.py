"""Reading unified diffs as git prints them: their files, their lines, how much they change.

unidiff does the parsing. It is given one file at a time, from its ``---`` line on: the ``diff --git`` line is
ambiguous for paths with `` b/`` in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchSet

_FILE_START = re.compile(r"^diff --git ", re.MULTILINE)
_BINARY = re.compile(r"^Binary files .+ differ$", re.MULTILINE)
_SIDES = re.compile(r"^(?:---|\+\+\+) (.+?)\t?$", re.MULTILINE)
_QUOTED = re.compile(rb'\\([abtnvfr"\\]|[0-7]{3})')
_ESCAPES = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13, b'"': 34, b"\\": 92}


class BadDiff(ValueError):
    """A file's diff whose hunks are not as long as their headers say, such as one that was cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diffstat:
    """How much a diff changes: files touched (binary ones too), lines added and removed."""

    files: int
    added: int
    removed: int


def split_by_file(diff: str) -> Iterator[tuple[str, str]]:
    """Each file's name (on the head side, where it is there) and its part of the diff, in their order."""
    for part in _parts(diff):
        names = [
            unquote_path(name)[2:]
            for name in _SIDES.findall(part.partition("\n@@ ")[0])
            if name != "/dev/null"
        ]
        yield (names[-1] if names else _read_both(part.partition("\n")[0].removeprefix("diff --git "))), part


def _read_both(names: str) -> str:
    """The one path in ``a/path b/path``; both as they are, where they differ."""
    first, second = (unquote_path(name) for name in (names[: len(names) // 2], names[len(names) // 2 + 1 :]))
    return first[2:] if first[2:] == second[2:] else names


def list_unappliable(diff: str) -> list[str]:
    """The files whose change a diff does not hold byte for byte: binary ones, and text that is not UTF-8."""
    return [name for name, part in split_by_file(diff) if "\ufffd" in part or _BINARY.search(part)]


def limit_to_whole_files(diff: str, chars: int) -> str:
    """The first files of a diff, as many as fit into so many characters with all of their lines."""
    if len(diff) <= chars:
        return diff
    starts = [match.start() for match in _FILE_START.finditer(diff)]
    return diff[: max((start for start in starts if start <= chars), default=0)]


def read_hunks(part: str) -> tuple[str | None, list[Hunk]]:
    """One file's path on the head side (None: deleted, or without hunks) and its hunks.

    ``part`` is one of ``split_by_file``. Raises BadDiff when it is not a whole diff.
    """
    head, found, body = part.partition("\n--- ")
    if not found or "\n@@ " in head:
        return None, []
    try:
        (file,) = PatchSet("--- " + body)
    except (UnidiffParseError, ValueError) as error:
        raise BadDiff(str(error)) from error
    if sum(1 + len(hunk) for hunk in file) != len(body.removesuffix("\n").split("\n")) - 2:
        raise BadDiff(f"a hunk of {file.path} is longer than it says")
    name = unquote_path(file.target_file)
    return (None if name == "/dev/null" else name.removeprefix("b/")), list(file)


def commentable_lines(diff: str) -> dict[str, set[int]]:
    """For each path of the head side, the lines inside hunks: where a review comment may stand (side
    RIGHT).
    """
    lines: dict[str, set[int]] = {}
    for path, hunks in map(read_hunks, _parts(diff)):
        found = {line.target_line_no for hunk in hunks for line in hunk if line.target_line_no is not None}
        if path is not None and found and "\ufffd" not in path:
            lines[path] = found
    return lines


def diffstat(diff: str) -> Diffstat:
    """Counts over the whole diff: behind a file's first hunk each line says by its first sign what it is."""
    bodies = [part.partition("\n@@ ")[2] for part in _parts(diff)]
    return Diffstat(
        files=len(bodies),
        added=sum(body.count("\n+") for body in bodies),
        removed=sum(body.count("\n-") for body in bodies),
    )


def unquote_path(name: str) -> str:
    """A path as git prints it in a diff -> the path; git puts odd ones in C quotes."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    raw = _QUOTED.sub(
        lambda match: bytes([_ESCAPES.get(match[1]) or int(match[1], 8)]), name[1:-1].encode("utf-8")
    )
    return raw.decode("utf-8", "surrogateescape")


def _parts(diff: str) -> Iterator[str]:
    """The diff of each file, from its ``diff --git`` line on."""
    starts = [match.start() for match in _FILE_START.finditer(diff)]
    for start, end in zip(starts, [*starts[1:], len(diff)], strict=False):
        yield diff[start:end]
