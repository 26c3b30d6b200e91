"""Which names fit a glob pattern: what fnmatch says, in less time."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from bot.workspace.find_checks.tree import FileNames

NAME_PARTS = st.sampled_from(["a", "b", ".", "py", "_test", ".py", "Makefile", "["])
PATTERN_PARTS = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "py", "_test", ".py", "Makefile"])


def build(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=1, max_size=5).map("".join)


@given(names=st.lists(build(NAME_PARTS), max_size=6), patterns=st.lists(build(PATTERN_PARTS), max_size=3))
def test_names_fit_as_fnmatch_has_it(names: list[str], patterns: list[str]) -> None:
    fitting = {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}
    assert FileNames(names).list_fitting(patterns) == fitting
