"""A unified diff as rows of a table: line numbers, what changed within a line, and where comments belong."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from markupsafe import Markup, escape
from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

KINDS = {"+": "add", "-": "del", " ": "same"}
MOST_LINES = 2_000  # of one file that a page shows
ALIKE = 0.5  # from this similarity on, two lines are one line edited


@dataclass(slots=True, kw_only=True)
class Line:
    """One row: ``kind`` is hunk, same, add or del; ``html`` is escaped, with marks on what changed within."""

    kind: str
    html: Markup
    old: int | None = None
    new: int | None = None
    no_newline: bool = False

    @property
    def anchors(self) -> tuple[tuple[str, int | None], ...]:
        """(side, line) under which a review comment belongs here."""
        return {"add": (("RIGHT", self.new),), "del": (("LEFT", self.old),)}.get(
            self.kind, (("RIGHT", self.new), ("LEFT", self.old)) if self.kind == "same" else ()
        )


@dataclass(slots=True, kw_only=True)
class FileDiff:
    """One changed file. ``status`` is added, removed, renamed or modified."""

    path: str
    old_path: str
    status: str
    added: int
    removed: int
    is_binary: bool = False
    is_long: bool = False
    lines: list[Line] = field(default_factory=list)


def read_diff(diff: str) -> list[FileDiff]:
    """The files of a unified diff in git's format; one without lines for what cannot be read."""
    try:
        return [_file(patched) for patched in PatchSet(diff)]
    except UnidiffParseError:
        return [FileDiff(path="(unreadable diff)", old_path="", status="modified", added=0, removed=0)]


def read_hunk(hunk: str) -> list[Line]:
    """The rows of one hunk, as a review comment keeps it (``diff_hunk``): it may end early."""
    lines = []
    old = new = 0
    for text in hunk.split("\n"):
        if text.startswith("@@"):
            numbers = text.split(" ")
            old, new = (abs(int(number.split(",")[0])) for number in numbers[1:3])
            lines.append(Line(kind="hunk", html=escape(text)))
        elif text[:1] in KINDS:
            kind = KINDS[text[0]]
            left, right = (None if kind == "add" else old), (None if kind == "del" else new)
            lines.append(Line(kind=kind, html=escape(text[1:]), old=left, new=right))
            old += kind != "add"
            new += kind != "del"
    return lines


def _file(patched: PatchedFile) -> FileDiff:
    if patched.is_added_file:
        status = "added"
    elif patched.is_removed_file:
        status = "removed"
    else:
        status = "renamed" if patched.is_rename else "modified"
    diff = FileDiff(
        path=patched.path,
        old_path=patched.source_file.removeprefix("a/"),
        status=status,
        added=patched.added,
        removed=patched.removed,
        is_binary=bool(patched.is_binary_file),
        is_long=sum(map(len, patched)) > MOST_LINES,
    )
    if not diff.is_long:
        for hunk in patched:
            diff.lines.extend(_rows(hunk))
    return diff


def _rows(hunk: Hunk) -> list[Line]:
    heading = f"@@ -{hunk.source_start},{hunk.source_length} +{hunk.target_start},{hunk.target_length} @@"
    rows = [Line(kind="hunk", html=escape(f"{heading} {hunk.section_header or ''}".rstrip()))]
    texts: list[str] = [""]
    for line in hunk:
        if line.line_type == "\\":
            rows[-1].no_newline = True
            continue
        text = line.value.rstrip("\n").rstrip("\r")
        kind = KINDS[line.line_type]
        rows.append(Line(kind=kind, html=escape(text), old=line.source_line_no, new=line.target_line_no))
        texts.append(text)
    _mark_edits(rows, texts)
    return rows


def _mark_edits(rows: list[Line], texts: list[str]) -> None:
    """Where as many lines went as came, show what changed within each pair that is alike."""
    start = 0
    while start < len(rows):
        removed = _run(rows, start, "del")
        added = _run(rows, removed, "add")
        if added > removed > start and added - removed == removed - start:
            for left, right in zip(range(start, removed), range(removed, added), strict=True):
                rows[left].html, rows[right].html = _edited(texts[left], texts[right])
        start = max(added, start + 1)


def _run(rows: list[Line], start: int, kind: str) -> int:
    end = start
    while end < len(rows) and rows[end].kind == kind:
        end += 1
    return end


def _edited(old: str, new: str) -> tuple[Markup, Markup]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if max(len(old), len(new)) > 400 or matcher.ratio() < ALIKE:
        return escape(old), escape(new)
    left = right = Markup()
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        gone, come = old[old_start:old_end], new[new_start:new_end]
        if tag == "equal":
            left, right = left + escape(gone), right + escape(come)
        else:
            left += Markup("<mark>{}</mark>").format(gone) if gone else ""
            right += Markup("<mark>{}</mark>").format(come) if come else ""
    return left, right
