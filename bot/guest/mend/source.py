"""Source text with exact spans: edits change the characters they mean and leave every other one alone."""

from __future__ import annotations

import ast
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

_BREAK = re.compile(r"\r\n|\r|\n")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ATOMS = (
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Call,
    ast.Constant,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
)


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace the characters ``start:end`` of a file's text by ``new``."""

    start: int
    end: int
    new: str


def decode(data: bytes) -> str:
    """A Python file's text with its line ends as they are; raises SyntaxError or UnicodeDecodeError."""
    encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
    return data.decode(encoding)


class Source:
    """One parsed file. Offsets are in characters; ``ast`` counts UTF-8 bytes, so they are converted."""

    def __init__(self, path: str, text: str, *, parsed: bool = True) -> None:
        """Parse ``text``; raises SyntaxError. Without ``parsed`` there are lines, but no tree."""
        self.path = path
        self.text = text
        self.tree = ast.parse(text if parsed else "")
        self.starts = [0, *(match.end() for match in _BREAK.finditer(text))]
        ends = [*self.starts[1:], len(text)]
        self.lines = [text[a:b].rstrip("\r\n") for a, b in zip(self.starts, ends, strict=True)]
        self.newline = match.group() if (match := _BREAK.search(text)) else "\n"  # by the first line
        self._ascii = text.isascii()
        self.bodies: dict[int, ast.FunctionDef | ast.AsyncFunctionDef] | None = None  # kept by candidates
        self.places: dict[int, tuple[str, bool]] | None = None  # kept by localise
        self.parents: dict[ast.AST, ast.AST] = {}
        for parent in ast.walk(self.tree):
            for child in ast.iter_child_nodes(parent):
                self.parents[child] = parent

    @classmethod
    def read(cls, root: Path, path: str) -> Source:
        """Read ``path`` below ``root``; raises OSError, SyntaxError, ValueError."""
        return cls(path, decode((root / path).read_bytes()))

    def line(self, number: int) -> str:
        """The text of line ``number`` (from 1) without its line end."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def line_of(self, offset: int) -> int:
        """The number of the line that holds ``offset``."""
        return max(1, bisect_right(self.starts, offset))

    def offset(self, line: int, column: int) -> int:
        """The character offset of ``ast``'s (line, UTF-8 column)."""
        start = self.starts[line - 1]
        if self._ascii or (text := self.lines[line - 1]).isascii():
            return start + column
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Start and end offsets of an expression or statement (decorators not included)."""
        return (
            self.offset(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self.offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def segment(self, node: ast.AST) -> str:
        """The exact text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def operand(self, node: ast.AST) -> str:
        """The node's text, in parentheses unless it binds tighter than any operator."""
        text = self.segment(node)
        plain = isinstance(node, ATOMS) or (text.startswith("(") and text.endswith(")"))
        return text if plain else f"({text})"

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around ``node``, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement that holds ``node`` (itself when it is one)."""
        for each in (node, *self.ancestors(node)):
            if isinstance(each, ast.stmt):
                return each
        return None

    def function(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The innermost function whose body or signature holds ``node``."""
        for each in self.ancestors(node):
            if isinstance(each, FUNCTIONS):
                return each
        return None

    def owner(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class around ``node``."""
        return next((each for each in self.ancestors(node) if isinstance(each, ast.ClassDef)), None)

    def qualname(self, node: ast.AST) -> str:
        """Dotted name of the function or class around ``node`` (its own when it is one), "" at top level."""
        named = [e for e in (node, *self.ancestors(node)) if isinstance(e, (*FUNCTIONS, ast.ClassDef))]
        return ".".join(each.name for each in reversed(named))

    def top(self, line: int) -> ast.stmt | None:
        """The top-level statement that covers ``line``, decorators included."""
        for statement in self.tree.body:
            if find_first_line(statement) <= line <= (statement.end_lineno or statement.lineno):
                return statement
        return None

    def indent(self, node: ast.AST) -> str:
        """The white space in front of a statement."""
        text = self.line(node.lineno)  # type: ignore[attr-defined]
        return text[: len(text) - len(text.lstrip())]

    def block(self, node: ast.AST) -> list[ast.stmt]:
        """The list of statements that ``node`` stands in, [] for an expression."""
        parent = self.parents.get(node)
        for field in ("body", "orelse", "finalbody"):
            body = getattr(parent, field, None)
            if isinstance(body, list) and node in body:
                return body
        return []

    def whole_lines(self, node: ast.stmt) -> tuple[int, int] | None:
        """Offsets of the full lines of a statement, or None when it shares a line with something else."""
        start, end = self.span(node)
        first = self.starts[find_first_line(node) - 1]
        last = node.end_lineno or node.lineno
        after = self.starts[last] if last < len(self.starts) else len(self.text)
        rest = self.text[end:after].strip()
        if self.text[self.starts[node.lineno - 1] : start].strip() or (rest and not rest.startswith("#")):
            return None
        return first, after


def find_first_line(node: ast.stmt) -> int:
    """The line a statement begins on, counting its decorators."""
    lines: list[int] = [each.lineno for each in getattr(node, "decorator_list", [])]
    return min([node.lineno, *lines])


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """``text`` after the edits, which must not overlap; raises ValueError when they do."""
    parts: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        if edit.start < position:
            raise ValueError("edits overlap")
        parts += (text[position : edit.start], edit.new)
        position = edit.end
    return "".join((*parts, text[position:]))


def find_operator(source: Source, left: ast.AST, right: ast.AST, symbol: str) -> tuple[int, int] | None:
    """Where the operator between two operands stands; None when the text between them is not plain."""
    start, end = source.span(left)[1], source.span(right)[0]
    between = source.text[start:end]
    if "#" in between:
        return None
    pattern = r"\s+".join(re.escape(word) for word in symbol.split())
    if symbol[0].isalpha():
        pattern = rf"\b{pattern}\b"
    match = re.search(pattern, between)
    return (start + match.start(), start + match.end()) if match else None
