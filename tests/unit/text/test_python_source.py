"""Python source is parsed piece by piece as it would be whole, and never for long at once."""

from __future__ import annotations

import ast
import time

import pytest

from bot.text.python_source import MOST_CHARS, SourceTooLargeError, parse_pieces
from tests.support import ROOT

PARTS = (
    "import os\n",
    "@mark\n@other(\n    1\n)\ndef f(a, b=1):\n    return a\n",
    "if a:\n    b\nelif c:\n    d\n# a comment\nelse:\n    e\n",
    "try:\n    a\nexcept E:\n    b\nelse:\n    c\nfinally:\n    d\n",
    "text = '''\nif this is no code:\n@nor this\n'''\n",
    "x = [\n1,\n2]; y = 3\n",
    "class A:\n    def f(self):\n        pass\n\n    x = 1\n",
    "for a in b:\n    c\nelse:\n    d\n",
    "a = 1 \\\n  + 2\n",
    "\n\n# only a comment\n",
    "page = 'a\x0cb\u2028c'\n",
)


def test_the_pieces_are_the_whole() -> None:
    source = "".join(part for number in range(300) for part in (*PARTS, f"end = {number}\n"))
    pieces = list(parse_pieces(source))
    assert len(pieces) > 3
    got = [ast.dump(each, include_attributes=True) for piece in pieces for each in piece.body]
    assert got == [ast.dump(each, include_attributes=True) for each in ast.parse(source).body]


def test_hobs_own_sources_come_out_as_they_are() -> None:
    for path in sorted((ROOT / "tests").rglob("*.py"), key=lambda each: -each.stat().st_size)[:8]:
        source = path.read_text()
        got = [
            ast.dump(each, include_attributes=True) for piece in parse_pieces(source) for each in piece.body
        ]
        assert got == [ast.dump(each, include_attributes=True) for each in ast.parse(source).body], path


def test_no_piece_takes_long() -> None:
    pieces, longest = parse_pieces("x = [1, 2, 3]\n" * 20_000), 0.0
    next(pieces)
    while True:
        began = time.process_time()
        try:
            size = len(ast.unparse(next(pieces)))
        except StopIteration:
            break
        assert size <= 20_000
        longest = max(longest, time.process_time() - began)
    assert longest < 2


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("x = [\n" + "1,\n" * 40_000 + "]\n", SourceTooLargeError),
        ("x = 1\n" * (MOST_CHARS // 6 + 1), SourceTooLargeError),
        ("x = 1\n" * 9_000 + "x = (\n", SyntaxError),
        ("x = 1\n" * 9_000 + "  y\n z\n", SyntaxError),
    ],
)
def test_what_is_too_large_or_wrong_is_said(source: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(parse_pieces(source))
