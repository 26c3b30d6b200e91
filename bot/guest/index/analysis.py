"""One file's part of the index: its symbols, and how often each term occurs in path, symbols and text."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from . import symbols, words
from .languages import Language, language

LATE = "read by lines to save time"
MOST_TERMS = 5000
FILE_BYTES = 1 << 20  # what is larger is known by its path only
PARSE_BYTES = 384 << 10  # what is larger is read by lines
_WORD = re.compile(r"\w+")
_NO_WORD = re.compile(r"\W")
_DATA_LINE = 5000  # a line as long as this is not source code


class Analysis(NamedTuple):
    """What there is to know of one file. Counts are per term; ``note`` says what was not done."""

    path: str
    language: Language
    lines: int
    symbols: list[symbols.Symbol]
    body: dict[str, int]
    defined: dict[str, int]
    note: str


def looks_binary(data: bytes) -> bool:
    """A NUL byte near its beginning, as git decides it."""
    return b"\0" in data[:8000]


def looks_generated(data: bytes) -> bool:
    """Minified code or a data dump, judged by the length of its lines."""
    head = data[: 64 << 10]
    lines = head.count(b"\n") + 1
    return len(head) > 4000 and (len(head) / lines > 250 or max(map(len, head.split(b"\n"))) > _DATA_LINE)


def analyse(path: str, data: bytes, *, parse: bool = True, late: bool = False) -> Analysis:
    """Read one file, without tree-sitter when it crashes on the file (``parse`` False) or time is short."""
    kind = language(path)
    if looks_binary(data):
        return Analysis(path, kind, 0, [], {}, {}, "binary")
    if looks_generated(data):
        return Analysis(path, kind, data.count(b"\n") + 1, [], {}, {}, "minified or data")
    text = data.decode("utf-8", "replace")
    found, note = _symbols(kind, data, text, parse=parse, late=late)
    body = _count_terms(Counter(words.identifiers(text)))
    defined = _count_terms(Counter(word for symbol in found for word in _WORD.findall(symbol.name)))
    return Analysis(path, kind, data.count(b"\n") + 1, found, body, defined, note)


def _symbols(
    kind: Language, data: bytes, text: str, *, parse: bool, late: bool
) -> tuple[list[symbols.Symbol], str]:
    """The symbols, and why they are not the parser's where they could have been."""
    if kind.role == "data":
        return [], ""
    if not kind.grammar:
        return symbols.of_lines(kind.name, text), ""
    note = "too large for the parser" if len(data) > PARSE_BYTES else ""
    note = note or ("" if parse else "the parser fails on it") or (LATE if late else "")
    if not note:
        try:
            return symbols.of_tree(kind.grammar, data), ""
        except ImportError:
            note = "no parser installed"
    return symbols.of_lines(kind.name, text), note


def _count_terms(found: Counter[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word, count in found.items():
        for term in words.terms(word):
            if term in counts:
                counts[term] += count
            elif len(counts) < MOST_TERMS:
                counts[term] = count
    return counts


def path_terms(path: str) -> dict[str, int]:
    """Terms of a path: every folder's once, and the file's own name without its ending twice."""
    folders, _, base = path.rpartition("/")
    counts = dict(_count_folder_terms(folders))
    name = base.rpartition(".")[0] or base
    found = [term for word in _WORD.findall(name) for term in words.terms(word)]
    for term in (*found, words.fold(_NO_WORD.sub("_", name))):
        counts[term] = max(counts.get(term, 0), 2)
    return counts


@lru_cache(maxsize=10_000)
def _count_folder_terms(folders: str) -> dict[str, int]:
    """Terms of a path's folders, which are most of what the paths of their files have in common."""
    return _count_terms(Counter(_WORD.findall(folders)))
