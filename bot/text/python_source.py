"""Python source as syntax trees, piece by piece: no other thread runs while one is made, 100 ms for 64 kB."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

_PIECE = 16_000  # characters of statements that are parsed together
MOST_CHARS = 300_000  # of a source: what is larger takes many seconds, and is hardly a person's
MOST_STATEMENT_CHARS = 64_000  # of one statement of a module, such as a class
_CONTINUES = ("else", "elif", "except", "finally")
_BESIDE = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.ENCODING)


class SourceTooLargeError(ValueError):
    """A source that would keep other threads waiting."""


def parse_pieces(text: str) -> Iterator[ast.Module]:
    """The statements of a module in order, some at a time, with their lines in the whole.

    Raises SyntaxError, ValueError, RecursionError and MemoryError as ``ast.parse`` does, SourceTooLargeError.
    """
    if len(text) <= _PIECE:
        yield ast.parse(text)
        return
    if len(text) > MOST_CHARS:
        raise SourceTooLargeError(f"larger than {MOST_CHARS} characters")
    lines = io.StringIO(text).readlines()
    begin, size = 0, 0
    for start, end in _find_statements(text, len(lines)):
        chars = sum(map(len, lines[start:end]))
        if chars > MOST_STATEMENT_CHARS:
            raise SourceTooLargeError(f"a statement is larger than {MOST_STATEMENT_CHARS} characters")
        if size and size + chars > _PIECE:
            yield _parse(lines, begin, start)
            begin, size = start, 0
        size += chars
    yield _parse(lines, begin, len(lines))


def _parse(lines: list[str], begin: int, end: int) -> ast.Module:
    module = ast.parse("".join(lines[begin:end]))
    for statement in module.body if begin else ():
        ast.increment_lineno(statement, begin)
    return module


def _find_statements(text: str, lines: int) -> Iterator[tuple[int, int]]:
    """The lines of each statement of a module, from 0, the end exclusive; comments go with the one above."""
    depth, start, decorated, fresh = 0, 0, False, True
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.INDENT:
                depth += 1
            elif token.type == tokenize.DEDENT:
                depth -= 1
            if token.type == tokenize.NEWLINE:
                fresh = True
            elif fresh and token.type not in (*_BESIDE, tokenize.DEDENT):
                fresh = False
                if depth:
                    continue
                row = token.start[0] - 1
                if not decorated and row > start and token.string not in _CONTINUES:
                    yield start, row
                    start = row
                decorated = token.string == "@"
    except tokenize.TokenError as error:
        raise SyntaxError(str(error)) from None
    yield start, lines
