"""Reading git's unified diffs: per file what the API shows, and where review comments may stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One file of a diff. ``patch`` starts at the first hunk; None for binaries and pure renames."""

    path: str
    old_path: str
    status: str  # added, removed, modified, renamed, changed (mode only)
    blob: str
    additions: int
    deletions: int
    patch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a diff: its position (1 is the line below the first @@), its hunk, the text down to it."""

    position: int
    hunk: int
    text: str


def read_diff(diff: str) -> list[FileDiff]:
    """The files of ``git diff --full-index --find-renames``."""
    sections = re.split(r"^(?=diff --git )", diff, flags=re.MULTILINE)
    return [_read_file(section) for section in sections if section.startswith("diff --git ")]


def _read_file(section: str) -> FileDiff:
    start = re.search(r"^@@ ", section, flags=re.MULTILINE)
    head, patch = (section[: start.start()], section[start.start() :]) if start else (section, None)
    lines = head.split("\n")
    old, new = _paths(lines)
    blobs = next((line.split()[1].split("..") for line in lines if line.startswith("index ")), ["0" * 40] * 2)
    status = "modified"
    if any(line.startswith("new file mode") for line in lines):
        status = "added"
    elif any(line.startswith("deleted file mode") for line in lines):
        status = "removed"
    elif old != new:
        status = "renamed"
    elif blobs[0] == blobs[1]:
        status = "changed"
    body = patch.split("\n") if patch else []
    return FileDiff(
        path=old if status == "removed" else new,
        old_path=new if status == "added" else old,
        status=status,
        blob=blobs[0] if status == "removed" else blobs[1],
        additions=sum(line.startswith("+") for line in body),
        deletions=sum(line.startswith("-") for line in body),
        patch=patch.rstrip("\n") if patch else None,
    )


def _paths(lines: list[str]) -> tuple[str, str]:
    """(old, new) path from the lines above the hunks."""
    named = {}
    for line in lines[1:]:
        for mark in ("rename from ", "rename to ", "--- ", "+++ "):
            if line.startswith(mark):
                named[mark.strip()] = _unquote(line[len(mark) :].removesuffix("\t"))
    if "rename from" in named:
        return named["rename from"], named["rename to"]
    for mark, prefix in (("+++", "b/"), ("---", "a/")):
        if named.get(mark, "/dev/null") != "/dev/null":
            path = named[mark].removeprefix(prefix)
            return path, path
    # No hunks and no rename: both names on the first line are the same.
    both = lines[0].removeprefix("diff --git ")
    path = _unquote(both[: len(both) // 2]).removeprefix("a/")
    return path, path


def _unquote(name: str) -> str:
    """Undo git's C-style quoting of unusual names."""
    if not name.startswith('"'):
        return name
    inner = name[1:-1]

    def plain(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code, 8)) if code[0].isdigit() else ESCAPES.get(code, code)

    return re.sub(r"\\([0-7]{3}|.)", plain, inner)


def places(patch: str) -> dict[tuple[str, int], Place]:
    """Every (side, line) of a patch on which a comment may stand: both sides' own and shared lines."""
    found: dict[tuple[str, int], Place] = {}
    left = right = hunk = 0
    text: list[str] = []
    for position, line in enumerate(patch.split("\n")):
        header = HUNK.match(line)
        if header:
            left, right, hunk, text = int(header[1]), int(header[3]), hunk + 1, [line]
            continue
        if line.startswith("\\"):
            continue
        text.append(line)
        place = Place(position=position, hunk=hunk, text="\n".join(text[:1] + text[1:][-20:]))
        if not line.startswith("+"):
            found["LEFT", left] = place
            left += 1
        if not line.startswith("-"):
            found["RIGHT", right] = place
            right += 1
    return found


def line_at(patch: str, position: int) -> tuple[str, int] | None:
    """The (side, line) at a position of a patch; the right side where both share the line."""
    matches = [key for key, place in places(patch).items() if place.position == position]
    return max(matches, default=None)  # "RIGHT" sorts after "LEFT"


def find_moved_line(patch: str | None, line: int) -> int | None:
    """Where a line of the old side of a zero-context patch went; None when it was changed or removed."""
    shift = 0
    for old, old_count, new, new_count in _hunks(patch or ""):
        first = old if old_count else old + 1
        if line < first:
            break
        if line < first + old_count:
            return None
        shift = (new if new_count else new + 1) + new_count - (first + old_count)
    return line + shift


def _hunks(patch: str) -> list[tuple[int, int, int, int]]:
    found = []
    for line in patch.split("\n"):
        header = HUNK.match(line)
        if header:
            old, old_count, new, new_count = header.groups()
            found.append((int(old), int(old_count or 1), int(new), int(new_count or 1)))
    return found
