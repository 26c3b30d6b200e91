"""Long lists: the first items, and how many more there are."""

from __future__ import annotations

import pytest

from bot.text.lists import join_first, limit_rows


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")],
)
def test_a_line_names_the_first_and_counts_the_rest(names: list[str], text: str) -> None:
    assert join_first(names, 2) == text


def test_rows_end_with_the_number_of_those_left_out() -> None:
    assert limit_rows(["- a", "- b"], 2) == ["- a", "- b"]
    assert limit_rows(["- a", "- b", "- c", "- d"], 2) == ["- a", "- b", "- and 2 more"]
    assert limit_rows(["- a", "- b"], 1, rest="- and {} more files") == ["- a", "- and 1 more files"]
