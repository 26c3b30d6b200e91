"""A diff as a page shows it: file by file, with line numbers and the colours of the language."""

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

OPEN_ROWS = 400  # a file with more rows is folded
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
class FileDiff:
    """One file of a diff."""

    name: str
    added: int
    deleted: int
    rows: tuple[CodeRow, ...]

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
    coloured = _colour_sides(path, rows)
    kinds = [row.kind for row in rows]
    return FileDiff(
        name=path,
        added=kinds.count("add"),
        deleted=kinds.count("del"),
        rows=tuple(
            CodeRow(kind=row.kind, old=row.old, new=row.new, code=code)
            for row, code in zip(rows, coloured, strict=True)
            if not _is_header(row)
        ),
    )


def _is_header(row: DiffLine) -> bool:
    """What the file's heading says already."""
    return row.kind == "meta" and row.text.startswith(("--- ", "+++ ", "index "))


def _colour_sides(path: str, rows: Sequence[DiffLine]) -> list[Markup]:
    """Each row's code. Old and new side are read apart, so that a text over several lines is known as one."""
    found = [escape(row.text) for row in rows]
    lexer = _find_lexer(path)
    if lexer is None:
        return found
    for kinds in (("same", "del"), ("same", "add")):
        mine = [index for index, row in enumerate(rows) if row.kind in kinds]
        coloured = _colour([rows[index].text for index in mine], lexer)
        for index, code in zip(mine, coloured, strict=True):
            found[index] = code
    return found


@lru_cache(maxsize=64)
def _find_lexer(path: str) -> Lexer | None:
    """By the name alone: guessing from the content would let it choose."""
    try:
        lexer: Lexer = get_lexer_for_filename(path.rpartition("/")[2], stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return lexer


def _colour(lines: Sequence[str], lexer: Lexer) -> list[Markup]:
    plain = [escape(line) for line in lines]
    text = "\n".join(lines)
    if len(text) > _MOST_CHARS:
        return plain
    found = [Markup("")]
    for kind, value in lexer.get_tokens(text):
        first, *more = value.split("\n")
        found[-1] += _wrap(kind, first)
        found += [_wrap(kind, part) for part in more]
    return found if len(found) == len(lines) else plain


def _wrap(kind: Any, text: str) -> Markup:
    name = next((name for token, name in _CLASSES if kind in token), "") if kind is not Token else ""
    if not name or not text:
        return escape(text)
    return Markup('<span class="{}">{}</span>').format(name, text)
