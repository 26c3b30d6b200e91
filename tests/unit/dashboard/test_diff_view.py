"""Changes as a page shows them: which words changed, old beside new, and nothing of a file as markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from bot.dashboard.rendering.diff_view import FileDiff, split_files
from bot.dashboard.rendering.values import DiffLine
from bot.dashboard.rendering.word_changes import find_word_changes


def read(*lines: str, name: str = "cart.py") -> FileDiff:
    """One hunk of these lines, as it is shown."""
    old, new = (sum(line[0] in kinds for line in lines) for kinds in (" -", " +"))
    head = f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1,{old} +1,{new} @@\n"
    (file,) = split_files(head + "".join(f"{line}\n" for line in lines))
    return file


def list_marked(code: Markup) -> list[str]:
    return [
        Markup(each).striptags() for each in re.findall(r'<span class="[^"]*t-changed">(.*?)</span>', code)
    ]


def test_the_words_that_changed_are_marked_within_their_colours() -> None:
    file = read(" def f(a):", '-    return "sum" + old_name', '+    return "total" + old_name  # <b>')
    _, same, old, new = file.rows
    assert list_marked(old.code) == ["sum"] and list_marked(new.code) == ["total", "", "# <b>"]
    assert '<span class="t-keyword">return</span>' in new.code and "t-changed" not in same.code
    assert "<b>" not in new.code


@pytest.mark.parametrize(
    ("old", "new"),
    [("x = compute(1)", "from os import path"), ("", "x"), ("a b " * 500, "a c " * 500), ("   ", "    ")],
)
def test_lines_that_have_little_in_common_have_no_marks(old: str, new: str) -> None:
    rows = [DiffLine("del", "1", "", old), DiffLine("add", "", "1", new)]
    assert find_word_changes(rows) == {}


def test_old_and_new_stand_beside_each_other() -> None:
    file = read(" a", "-b = 1", "-c = 2", "+b = 3", " d", "+e", " f", "-g", name="x.unknown")
    beside = [
        (
            row.whole.kind if row.whole else "",
            (row.old.old, str(row.old.code)) if row.old else None,
            (row.new.new, row.new.code.striptags()) if row.new else None,
        )
        for row in file.beside
    ]
    assert [each[0] for each in beside] == ["hunk", *[""] * 7][: len(beside)]
    assert beside[1:] == [
        ("", ("1", "a"), ("1", "a")),
        ("", ("2", 'b = <span class="t-changed">1</span>'), ("2", "b = 3")),
        ("", ("3", "c = 2"), None),
        ("", ("4", "d"), ("3", "d")),
        ("", None, ("4", "e")),
        ("", ("5", "f"), ("5", "f")),
        ("", ("6", "g"), None),
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["-", "+", " "]).flatmap(
            lambda kind: st.text("<>&\"' ab=1()#", max_size=12).map(kind.__add__)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_nothing_is_lost_and_nothing_is_markup(lines: list[str]) -> None:
    file = read(*lines)
    rows = [row for row in file.rows if row.kind != "hunk"]
    assert [
        row.code.unescape()
        if "<span" not in row.code
        else Markup(re.sub(r"</?span[^>]*>", "", row.code)).unescape()
        for row in rows
    ] == [line[1:] for line in lines]
    assert not re.search(r"<(?!/?span)", "".join(row.code for row in rows))
    cells = [cell for row in file.beside for cell in (row.old, row.new) if cell is not None]
    assert len(cells) == sum(2 if line[0] == " " else 1 for line in lines)
