"""A file's patch as rows of a table: line numbers, what changed within a line, and where comments belong."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from localhub.git.diffs import HUNK

Kind = Literal["hunk", "same", "add", "del"]
KINDS: dict[str, Kind] = {"+": "add", "-": "del", " ": "same"}
ALIKE = 0.5  # from this similarity on, two lines are one line edited
LONGEST = 400  # letters of a line that is still compared


@dataclass(slots=True, kw_only=True)
class PatchLine:
    """One row; ``html`` is escaped, with marks on what changed within the line."""

    kind: Kind
    text: str
    html: Markup
    old: int | None = None
    new: int | None = None
    no_newline: bool = False

    @property
    def anchors(self) -> tuple[tuple[str, int | None], ...]:
        """(side, line) under which a review comment belongs here."""
        return {
            "add": (("RIGHT", self.new),),
            "del": (("LEFT", self.old),),
            "same": (("RIGHT", self.new), ("LEFT", self.old)),
            "hunk": (),
        }[self.kind]


def make_rows(patch: str) -> list[PatchLine]:
    """The rows of a patch that starts at its first hunk; a hunk may end early, as in ``diff_hunk``."""
    lines: list[PatchLine] = []
    old = new = 0
    for text in patch.split("\n"):
        header = HUNK.match(text)
        if header:
            old, new = int(header[1]), int(header[3])
            lines.append(PatchLine(kind="hunk", text=text, html=escape(text)))
        elif text.startswith("\\"):
            lines[-1].no_newline = True
        else:
            kind = KINDS.get(text[:1], "same")
            body = text[1:].removesuffix("\r")
            left, right = (None if kind == "add" else old), (None if kind == "del" else new)
            lines.append(PatchLine(kind=kind, text=body, html=escape(body), old=left, new=right))
            old += kind != "add"
            new += kind != "del"
    _mark_edits(lines)
    return lines


def _mark_edits(lines: list[PatchLine]) -> None:
    """Where as many lines came as went, show what changed within each pair that is alike."""
    start = 0
    while start < len(lines):
        removed = _end_of_run(lines, start, "del")
        added = _end_of_run(lines, removed, "add")
        if added > removed > start and added - removed == removed - start:
            for old, new in zip(lines[start:removed], lines[removed:added], strict=True):
                old.html, new.html = _mark_edit(old.text, new.text)
        start = max(added, start + 1)


def _end_of_run(lines: list[PatchLine], start: int, kind: Kind) -> int:
    end = start
    while end < len(lines) and lines[end].kind == kind:
        end += 1
    return end


def _mark_edit(old: str, new: str) -> tuple[Markup, Markup]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if max(len(old), len(new)) > LONGEST or matcher.ratio() < ALIKE:
        return escape(old), escape(new)
    left = right = Markup()
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        gone, come = escape(old[old_start:old_end]), escape(new[new_start:new_end])
        if tag != "equal":
            gone = Markup("<mark>{}</mark>").format(gone) if gone else gone
            come = Markup("<mark>{}</mark>").format(come) if come else come
        left, right = left + gone, right + come
    return left, right
