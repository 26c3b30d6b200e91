"""Names of branches, judged by git itself."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.git.branch_name import branch_name, is_valid_branch


def _git_takes(name: str) -> bool:
    argv = [b"git", b"check-ref-format", b"--branch", name.encode("utf-8", "surrogateescape")]
    return subprocess.run(argv, capture_output=True, check=False, cwd="/").returncode == 0


@pytest.mark.parametrize(
    ("title", "branch"),
    [
        ("Fix the average of an empty list", "hob/12-fix-the-average-of-an-empty-list"),
        ("Crème brûlée: Größe & Łódź", "hob/12-creme-brulee-grosse-lodz"),
        ("исправить", "hob/12-ispravit"),
        ("修复错误", "hob/12-xiu-fu-cuo-wu"),
        ("버그를 고쳐줘", "hob/12-beo-geu-leul-go-chyeo-jwo"),
        ("إصلاح parse() اليوم", "hob/12-slh-parse-lywm"),
        ("แก้ไข", "hob/12-aekaikh"),
        ("  ..//--  ", "hob/12"),
        ("", "hob/12"),
        ("x.lock", "hob/12-x-lock"),
        ("$(touch /tmp/x); `id`\n@{-1}", "hob/12-touch-tmp-x-id-1"),
        ("one " * 30, "hob/12-one-one-one-one-one-one-one-one-one-one"),
        ("ab" * 60, "hob/12-" + "ab" * 20),
    ],
)
def test_examples(title: str, branch: str) -> None:
    assert branch_name(12, title) == branch


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10**9), st.text(max_size=80))
def test_any_title_gives_a_valid_name(issue: int, title: str) -> None:
    name = branch_name(issue, title)
    assert name == branch_name(issue, title)
    assert name.isascii() and len(name) < 60 and name.startswith(f"hob/{issue}")
    assert is_valid_branch(name) and _git_takes(name)


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from("a/.@{}~^:?*[\\ -\x7f\x01lockHEAD\u00e9"), min_size=1, max_size=8))
@example("HEAD")
@example("-a")
@example("a.lock/b")
@example("@")
@example("@{-1}")
@example("a/.b")
def test_validity_agrees_with_git(name: str) -> None:
    if name.startswith("@{-"):
        return  # git expands it before it judges
    assert is_valid_branch(name) == _git_takes(name)
