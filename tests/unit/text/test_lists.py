"""Long lists: the first items, and how many more there are."""

from __future__ import annotations

import pytest

from bot.text.lists import join_first


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")],
)
def test_a_line_names_the_first_and_counts_the_rest(names: list[str], text: str) -> None:
    assert join_first(names, 2) == text
