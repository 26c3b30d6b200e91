"""Reading diffs: where a file's part ends, what is whole, what is not."""

from __future__ import annotations

import time

import pytest

from bot.text.diffs import BadDiff, Diffstat, diffstat, limit_to_whole_files, read_hunks, split_by_file

FIRST = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x\n-old\n+new\n"
SECOND = "diff --git a/b.py b/b.py\n--- a/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"


def test_a_limit_leaves_whole_files() -> None:
    both = FIRST + SECOND
    assert limit_to_whole_files(both, len(both)) == both
    assert limit_to_whole_files(both, len(both) - 1) == FIRST
    assert limit_to_whole_files(both, 10) == ""


def test_hunks_have_the_path_of_the_head_side() -> None:
    parts = [read_hunks(part) for _, part in split_by_file(FIRST + SECOND)]
    assert [path for path, _ in parts] == ["a.py", None]
    assert [(hunk.added, hunk.removed) for _, hunks in parts for hunk in hunks] == [(1, 1), (0, 1)]


@pytest.mark.parametrize("part", [FIRST.removesuffix("+new\n"), FIRST + "+more\n"])
def test_a_hunk_of_another_length_than_it_says_is_refused(part: str) -> None:
    with pytest.raises(BadDiff):
        read_hunks(part)


def test_a_change_of_many_lines_is_counted_at_once() -> None:
    many = 500_000
    head = f"diff --git a/c.py b/c.py\n--- /dev/null\n+++ b/c.py\n@@ -0,0 +1,{many} @@\n"
    began = time.process_time()
    stat = diffstat(FIRST + head + "+++ b\n" * many + SECOND)
    assert time.process_time() - began < 2
    assert stat == Diffstat(files=3, added=many + 1, removed=2)
