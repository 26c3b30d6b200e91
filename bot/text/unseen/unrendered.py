r"""Find what GitHub's Markdown drops when it renders: nobody who reads the page sees it.

Footnotes that nobody refers to (and a second one of a name), cells beyond a table's columns, words after a
fence's language, and what formulas and diagrams may hide (``bot.text.unseen.drawings``). What cmark-gfm
renders decides; the tests hold this against it.
"""

from __future__ import annotations

import re

from bot.text.gfm import FOOTNOTE, parse_blocks
from bot.text.unseen.drawings import remove_hiding_drawings

_REFERENCE = re.compile(r"(?<!\\)\[\^([^\[\]\s]++)\]")
_CODE_SPAN = re.compile(r"(?<!`)(`{1,20})(?!`)[^\n]*?(?<!`)\1(?!`)")
# What ends a paragraph for sure; every other line may belong to it (CommonMark's lazy continuation).
_BEGINS_BLOCK = re.compile(r"\s{0,3}(?:#{1,6}\s|>|[-*+]\s+\S|1[.)]\s+\S|`{3}[^`]*$|~{3})")
_INDENTED = re.compile(r"(?:\s*>)*(?: {4}|\t)")
_LANGUAGE = re.compile(r"[\w+#.]{1,20}(?:-\w{1,10})?")
_CELL_END = re.compile(r"(?<!\\)\|")
_CONTAINER_MARKS = re.compile(r"[\s>*+\-0-9.)]*+")
_DELIMITER = re.compile(r":?-++:?")
_MARKERS = re.compile(r"(?:[ \t>]|[-*+][ \t]|[0-9]{1,9}[.)][ \t])*")  # of the blocks that a line stands in
_LABEL_CHARS = 40  # of a footnote's label where it is named


def remove_unrendered_text(text: str) -> tuple[str, list[str]]:
    """The text without what is not rendered, and the removed parts; lines of ``text`` end in ``\\n``."""
    removed: list[str] = []
    lines = text.split("\n")
    code: set[int] = set()
    for token in parse_blocks(text):
        if token.map is None or token.type not in ("fence", "html_block"):
            continue
        code.update(range(*token.map))
        if token.type == "fence":
            at = token.map[0]
            lines[at], dropped = _cut_info(lines[at], token.markup, token.info)
            removed += dropped
    if "|" in text:
        removed += _cut_rows(lines, code)
    text = "\n".join(lines)
    if "[^" in text:  # last: what is cut above refers to no footnote
        text = _drop_footnotes(text, removed)
    text, drawings = remove_hiding_drawings(text)
    removed += drawings
    return text, [one.strip()[:500] for one in removed if one.strip()]


def _drop_footnotes(text: str, removed: list[str]) -> str:
    lines = text.split("\n")
    tokens = [token for token in parse_blocks(text) if token.map]
    # A fence's first line may be the footnote's own.
    fenced = {
        at
        for token in tokens
        if token.type == "fence" and token.map
        for at in range(*token.map)
        if at > token.map[0]
    }
    unread = ("code_block", "html_block")
    code = fenced | {at for token in tokens if token.type in unread for at in range(*token.map or ())}
    notes = {
        at: found for at, line in enumerate(lines) if at not in fenced and (found := FOOTNOTE.match(line))
    }
    begun = {at: _split_definitions(line) if at in notes else ([], line) for at, line in enumerate(lines)}
    referred = {
        label.casefold()
        for at, (_, rest) in begun.items()
        if at not in code
        for label in _REFERENCE.findall(_CODE_SPAN.sub("", rest))
    }
    defined: set[str] = set()
    dropped: set[int] = set()
    for at, found in notes.items():
        label = found["label"].casefold()
        labels, _ = begun[at]
        if label not in referred or label in defined or len(labels) > 1:
            end = _find_footnote_end(lines, at)
            first = f"[^{found['label'][:_LABEL_CHARS]}]:{lines[at][found.end() :]}"
            removed.append("\n".join([first, *lines[at + 1 : end]]))
            dropped.update(range(at, end))
        defined.update(labels)
    return "\n".join(line for at, line in enumerate(lines) if at not in dropped)


def _split_definitions(line: str) -> tuple[list[str], str]:
    """The labels of a footnote and of those that begin within it on the same line, and what follows them."""
    labels = []
    while match := FOOTNOTE.match(line):
        labels.append(match["label"].casefold())
        line = line[match.end() :]
    return labels, line


def _find_footnote_end(lines: list[str], start: int) -> int:
    """The line after a footnote: its paragraph's lines, then those that are indented below it."""
    at, after_blank = start + 1, False
    quotes = lines[start].partition("[^")[0].count(">")
    within = re.compile(rf"(?:[ \t]{{0,3}}>[ ]?){{0,{min(quotes, 100)}}}")
    while at < len(lines):
        line = within.sub("", lines[at], count=1)
        if not line.strip():
            after_blank = True
        elif FOOTNOTE.match(line) or (
            not _INDENTED.match(line) and (after_blank or _BEGINS_BLOCK.match(line))
        ):
            break
        else:
            after_blank = False
        at += 1
    while at > start + 1 and not lines[at - 1].strip():
        at -= 1
    return at


def _cut_info(line: str, markup: str, info: str) -> tuple[str, list[str]]:
    """A fence's first line with the language alone, and what else stood there."""
    language, _, rest = info.strip().partition(" ")
    fits = _LANGUAGE.fullmatch(language) is not None
    if not info.strip() or (fits and not rest.strip()):
        return line, []
    end = line.index(markup) + len(markup)
    return line[:end] + (language if fits else ""), [rest if fits else info]


def _cut_rows(lines: list[str], code: set[int]) -> list[str]:
    """Take the cells beyond a table's columns out of ``lines``, and return them.

    Its own reading of tables: markdown-it wants a bar in the first row, cmark-gfm does not.
    """
    surplus = []
    columns = 0
    for at, line in enumerate(lines):
        if at in code or not line.strip() or _BEGINS_BLOCK.match(line):
            columns = 0
        elif at and _is_delimiter_row(line):
            here = len(_find_cell_ends(line))
            columns = columns or (here if here == len(_find_cell_ends(lines[at - 1])) else 0)
        elif columns and len(ends := _find_cell_ends(line)) > columns:
            lines[at] = line[: ends[columns - 1]]
            surplus.append(line[ends[columns - 1] :])
    return surplus


def _is_delimiter_row(line: str) -> bool:
    """Whether the line may be the second one of a table, in whatever list or quote it stands.

    A list's hyphen may begin it, so the first cell is what follows the last blank before the first bar.
    """
    marks = line.rstrip(" \t:|-")
    row = line[len(marks) :]
    first, *cells = row.split("|")
    *hyphens, own = first.split() or [""]
    if cells and not cells[-1].strip():
        cells.pop()
    given = [cell.strip() for cell in cells] if not own else [own, *(cell.strip() for cell in cells)]
    return (
        bool(given)
        and _CONTAINER_MARKS.fullmatch(marks) is not None
        and not "".join(hyphens).strip("-")
        and all(_DELIMITER.fullmatch(cell) for cell in given)
    )


def _find_cell_ends(line: str) -> list[int]:
    """Where each cell of a row ends: a bar before the first one ends none, and the last may have none."""
    bars = [match.start() for match in _CELL_END.finditer(line)]
    if bars and _MARKERS.fullmatch(FOOTNOTE.sub("", line[: bars[0]])):
        bars = bars[1:]
    if not line.rstrip().endswith("|"):
        bars.append(len(line))
    return bars
