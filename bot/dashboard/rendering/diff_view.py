"""A diff as a page shows it: file by file, unified or with old and new side by side.

With line numbers, the colours of the language, and marks on the words that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, Number, String, Token
from pygments.util import ClassNotFound

from bot.dashboard.rendering.values import DiffLine, diff_lines
from bot.dashboard.rendering.word_changes import Range, find_word_changes, pair_lines

OPEN_ROWS = 400  # a file with more rows is folded
_Piece = tuple[Any, str]  # a token's kind, None for plain text, and its characters
_MOST_CHARS = 200_000  # of one side of a file that are coloured
# Tokens in the order in which they are looked up, each with the class that the stylesheet knows.
_CLASSES = (
    (Comment, "t-comment"),
    (String, "t-string"),
    (Number, "t-number"),
    (Keyword, "t-keyword"),
    (Name.Function, "t-name"),
    (Name.Class, "t-name"),
    (Name.Decorator, "t-name"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One row; the numbers are '' on the side where the line is not."""

    kind: str
    old: str
    new: str
    code: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRow:
    """Old and new beside each other; None where the line is on one side only. ``whole`` spans both sides."""

    old: CodeRow | None = None
    new: CodeRow | None = None
    whole: CodeRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One file of a diff, its rows in order, and the same side by side."""

    name: str
    added: int
    deleted: int
    rows: tuple[CodeRow, ...]
    beside: tuple[SplitRow, ...]

    @property
    def opened(self) -> bool:
        """Whether its rows are shown without a click."""
        return len(self.rows) <= OPEN_ROWS


@lru_cache(maxsize=32)
def split_files(diff: str) -> tuple[FileDiff, ...]:
    """The files of a unified diff."""
    return tuple(_make_file(name, rows) for name, rows in _group(diff_lines(diff)))


def _group(lines: Iterable[DiffLine]) -> Iterator[tuple[str, list[DiffLine]]]:
    name, rows = "", list[DiffLine]()
    for line in lines:
        if line.kind == "file":
            if rows or name:
                yield name, rows
            name, rows = line.text, []
        else:
            rows.append(line)
    if rows or name:
        yield name, rows


def _make_file(heading: str, rows: Sequence[DiffLine]) -> FileDiff:
    path = heading.rpartition(" b/")[2] or heading
    rows = [row for row in rows if not _is_header(row)]
    coloured = _colour_sides(path, rows)
    kinds = [row.kind for row in rows]
    shown = tuple(
        CodeRow(kind=row.kind, old=row.old, new=row.new, code=code)
        for row, code in zip(rows, coloured, strict=True)
    )
    return FileDiff(
        name=path,
        added=kinds.count("add"),
        deleted=kinds.count("del"),
        rows=shown,
        beside=tuple(_lay_beside(rows, shown)),
    )


def _lay_beside(rows: Sequence[DiffLine], shown: Sequence[CodeRow]) -> Iterator[SplitRow]:
    """Each changed block's old and new lines by their order; what is on both sides twice."""
    pairs = iter(pair_lines(rows))
    at = 0
    while at < len(rows):
        kind = rows[at].kind
        if kind == "same":
            yield SplitRow(old=shown[at], new=shown[at])
            at += 1
        elif kind not in ("add", "del"):
            yield SplitRow(whole=shown[at])
            at += 1
        else:
            end = at
            while end < len(rows) and rows[end].kind in ("add", "del"):
                end += 1
            while at < end:
                old, new = next(pairs)
                yield SplitRow(
                    old=None if old is None else shown[old], new=None if new is None else shown[new]
                )
                at += (old is not None) + (new is not None)


def _is_header(row: DiffLine) -> bool:
    """What the file's heading says already."""
    return row.kind == "meta" and row.text.startswith(("--- ", "+++ ", "index "))


def _colour_sides(path: str, rows: Sequence[DiffLine]) -> list[Markup]:
    """Each row's code. Old and new side are read apart, so that a text over several lines is known as one."""
    changes = find_word_changes(rows)
    found = [_mark(((None, row.text),), changes.get(index, ())) for index, row in enumerate(rows)]
    lexer = _find_lexer(path)
    if lexer is None:
        return found
    for kinds in (("same", "del"), ("same", "add")):
        mine = [index for index, row in enumerate(rows) if row.kind in kinds]
        coloured = _colour([rows[index].text for index in mine], lexer)
        for index, tokens in zip(mine, coloured, strict=False):
            found[index] = _mark(tokens, changes.get(index, ()))
    return found


@lru_cache(maxsize=64)
def _find_lexer(path: str) -> Lexer | None:
    """By the name alone: guessing from the content would let it choose."""
    try:
        lexer: Lexer = get_lexer_for_filename(path.rpartition("/")[2], stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return lexer


def _colour(lines: Sequence[str], lexer: Lexer) -> list[list[_Piece]]:
    """Each line's tokens; nothing where the text is too long, or comes back as other lines."""
    text = "\n".join(lines)
    if len(text) > _MOST_CHARS:
        return []
    found: list[list[_Piece]] = [[]]
    for kind, value in lexer.get_tokens(text):
        first, *more = value.split("\n")
        found[-1].append((kind, first))
        found += [[(kind, part)] for part in more]
    return found if len(found) == len(lines) else []


def _mark(tokens: Iterable[_Piece], changed: Sequence[Range]) -> Markup:
    """A line's tokens in their colours, the characters of ``changed`` marked besides."""
    pieces, at, ranges = Markup(""), 0, list(changed)
    for kind, text in tokens:
        while text:
            while ranges and ranges[0][1] <= at:
                del ranges[0]
            start, end = ranges[0] if ranges else (at + len(text), 0)
            is_marked = start <= at
            many = min(len(text), (end if is_marked else start) - at)
            pieces += _wrap(kind, text[:many], is_marked)
            text, at = text[many:], at + many
    return pieces


def _wrap(kind: Any, text: str, is_marked: bool) -> Markup:
    names = (
        [next((name for token, name in _CLASSES if kind in token), "")] if kind not in (None, Token) else []
    )
    names = [*filter(None, names), *(["t-changed"] if is_marked else [])]
    if not names or not text:
        return escape(text)
    return Markup('<span class="{}">{}</span>').format(" ".join(names), text)
