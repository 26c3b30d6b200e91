"""The symbols of one file: from its syntax tree, or from lines that look like definitions."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Any, NamedTuple

from .languages import GRAMMARS, QUERIES

MOST = 2000
NAME_CHARS = 100
_LINE = 400  # characters of a line that are looked at
_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|abstract|final|async|override|open|sealed"
    r"|pub(?:\([a-z]+\))?|inline|local|data|case|implicit|unsafe|extern|virtual|create|or replace)[ \t]+)*"
)
_WORDS = """
def defp defmodule defmacro fn func fun function sub proc procedure class struct enum trait interface protocol
module namespace object record type newtype message service rpc table view typealias macro mixin extension
contract library resource package defun defn defmethod define
"""
_KEYWORDS = frozenset(_WORDS.split())
_DEFINITION = re.compile(
    rf"^[ \t]{{0,40}}{_MODIFIERS}({'|'.join(sorted(_KEYWORDS))})[ \t]+[\"'(]?([^\W\d]\w*(?:(?:::|\.)\w+)*)",
    re.IGNORECASE,
)
_LISP = re.compile(r"^[ \t]{0,40}\((defun|defn|defmacro|define|defvar|defclass)[ \t]+\(?([^\s()]+)")
_PATTERNS = {
    "Shell": re.compile(r"^()([A-Za-z_][\w:-]*)[ \t]*\(\)"),
    "Make": re.compile(r"^()([A-Za-z0-9_][\w.-]*)[ \t]*:(?!=)"),
    "Prose": re.compile(r"^()#{1,4}[ \t]+(\S.{0,90})"),
    "Lisp": _LISP,
    "Clojure": _LISP,
}
_KINDS = {"Shell": "function", "Make": "target", "Prose": "heading"}


class Symbol(NamedTuple):
    """A definition. ``within`` is the symbol around it, as ``Class`` or ``Class.method``; lines from 1."""

    name: str
    kind: str
    line: int
    within: str


def of_tree(grammar: str, data: bytes) -> list[Symbol]:
    """The symbols that tree-sitter finds, in the order of the file."""
    parser, query, cursor_type = _parser(grammar)
    tree = parser.parse(data)
    found: list[tuple[int, int, int, str, str]] = []
    for _, captures in cursor_type(query).matches(tree.root_node):
        (name,) = captures.pop("name")[:1]
        if len(found) >= MOST or not captures:
            break
        kind, (node, *_) = next(iter(captures.items()))
        text = data[name.start_byte : name.end_byte].decode("utf-8", "replace")[:NAME_CHARS]
        found.append((node.start_byte, -node.end_byte, name.start_point[0] + 1, text, kind))
    return _name_surroundings(sorted(set(found)))


def _name_surroundings(found: list[tuple[int, int, int, str, str]]) -> list[Symbol]:
    """Name what encloses each definition; they come sorted by where they begin, outer ones first."""
    symbols: list[Symbol] = []
    around: list[tuple[int, str]] = []
    for start, minus_end, line, name, kind in found:
        while around and around[-1][0] <= start:
            around.pop()
        within = around[-1][1] if around else ""
        if not (symbols and symbols[-1][0] == name and symbols[-1][2] == line):
            symbols.append(Symbol(name, "method" if kind == "function" and within else kind, line, within))
        if len(around) < 3:
            around.append((-minus_end, f"{within}.{name}" if within else name))
    return symbols


@cache
def _parser(grammar: str) -> tuple[Any, Any, Any]:
    """The parser, the compiled patterns and the cursor's class of a grammar. ImportError without it."""
    import tree_sitter

    module, function = GRAMMARS[grammar]
    language = tree_sitter.Language(getattr(importlib.import_module(module), function)())
    return (
        tree_sitter.Parser(language),
        tree_sitter.Query(language, QUERIES[grammar]),
        tree_sitter.QueryCursor,
    )


def of_lines(name: str, text: str) -> list[Symbol]:
    """The symbols that a file's lines look like they define, for languages without a grammar."""
    symbols: list[Symbol] = []
    special = _PATTERNS.get(name)
    for number, line in enumerate(text.split("\n"), 1):
        line = line[:_LINE]
        # Most lines have no such word, which is seen in a fraction of the time that the pattern takes.
        if special is None and _KEYWORDS.isdisjoint(line.lower().split(None, 8)):
            continue
        if match := (special or _DEFINITION).match(line):
            kind = match[1].lower() or _KINDS.get(name, "")
            symbols.append(Symbol(match[2].strip()[:NAME_CHARS], kind, number, ""))
            if len(symbols) >= MOST:
                break
    return symbols
