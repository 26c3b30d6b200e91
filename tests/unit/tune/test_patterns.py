"""Edits that no template makes: how a pair of lines is generalised, and what comes of it elsewhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.guest.mend.learned.patterns import Pattern, propose_patterns, read_patterns
from bot.guest.mend.site import Clues, Site
from bot.guest.mend.source import Source, apply_edits
from bot.tune.patterns import find_patterns, generalise


@pytest.mark.parametrize(
    ("before", "after", "pattern"),
    [
        ("x = int(a / b)", "x = int(round(a / b))", ("_h0_", "round(_h0_)")),
        ("    if self.min < v:", "    if not self.min >= v:", ("_h0_ < _h1_", "not _h0_ >= _h1_")),
        ("elif a.get(k):", "elif a.pop(k):", ("_h0_.get", "_h0_.pop")),
        ("return a", "return escape(a)", None),  # a name of its own repository
        ("return 'x'", "return 'y'", None),  # a text of its own
        ("return a", "return a\nb", None),
        ("return a", "return a", None),
        ("x = f(a, b)", "x = f(b in a and b, c)", None),
        ("(", ")", None),
    ],
)
def test_what_stands_on_both_sides_becomes_a_hole(
    before: str, after: str, pattern: tuple[str, str] | None
) -> None:
    assert generalise(before, after) == pattern


def test_a_pattern_of_one_repository_is_not_kept() -> None:
    row = ("x = a.get(k)", "x = a.pop(k)")
    assert find_patterns([("one-1", *row), ("one-2", *row)]) == []
    (kept,) = find_patterns([("one-1", *row), ("one-1", *row), ("my-two-1", "y = z.get", "y = z.pop")])
    assert (kept.before, kept.after, kept.sources) == ("_h0_.get", "_h0_.pop", ("one-1", "my-two-1"))


def test_what_fits_every_expression_must_be_seen_in_three_repositories() -> None:
    rows = [(f"{name}-1", "x = int(a / b)", "x = int(round(a / b))") for name in ("one", "two", "three")]
    assert find_patterns(rows[:2]) == []
    assert [each.after for each in find_patterns(rows)] == ["round(_h0_)"]


@pytest.mark.parametrize(
    ("text", "before", "after", "made"),
    [
        ("x = a + 1\n", "_h0_ + _h1_", "round(_h0_ + _h1_)", "x = round(a + 1)\n"),
        ("x = (a < b) == c\n", "_h0_ < _h1_", "not _h0_ >= _h1_", "x = ((not a >= b)) == c\n"),
        ("x = a + a\n", "_h0_ + _h0_", "_h0_ * 2", "x = a * 2\n"),
        ("x = a + b\n", "_h0_ + _h0_", "_h0_ * 2", ""),
    ],
)
def test_a_pattern_is_put_in_where_it_fits(text: str, before: str, after: str, made: str) -> None:
    source = Source("a.py", text)
    pattern = Pattern(ast.parse(before, mode="eval").body, after, 3)
    found = [
        apply_edits(text, proposal.edits)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.expr)
        for proposal in propose_patterns(Site(source=source, node=node, clues=Clues()), node, (pattern,))
    ]
    assert found == ([made] if made else [])


def test_a_file_that_cannot_be_read_holds_no_patterns(tmp_path: Path) -> None:
    path = tmp_path / "patterns.json"
    assert read_patterns(path) == ()
    for text in ("{", '{"patterns": [{"before": "(", "after": "", "seen": 1}]}', '{"patterns": [{}]}', "[]"):
        path.write_text(text)
        assert read_patterns(path) == ()
