"""One change set in the place of another, on a branch that moved on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange, Held
from bot.git.commit import build_tree
from bot.git.transplant import Conflict, move_held, transplant
from tests.support.git import commit, git

MODE = 0o100644


def changed(path: str, data: bytes) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.MODIFIED, mode=MODE, data=data)


def added(path: str, data: bytes) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.ADDED, mode=MODE, data=data)


def gone(path: str) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.DELETED)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def test_the_tree_becomes_the_other_attempts_and_the_rest_stays(work: Path) -> None:
    base = commit(work, {"a": "0\n", "b": "0\n", "c": "0\n", "d": "0\n"})
    one = ChangeSet(base=base, files=(changed("a", b"1\n"), added("new", b"1\n"), gone("c")))
    two = ChangeSet(base=base, files=(changed("a", b"2\n"), changed("b", b"2\n"), gone("d")))
    head = commit(work, {"a": "1\n", "new": "1\n", "c": None, "people": "theirs\n"})
    changes = transplant(work / ".git", onto=head, wanted=two, published=one)
    tree, _ = build_tree(work / ".git", base=head, changes=changes)  # it fits
    assert {(file.path, file.kind.value) for file in changes.files} == {
        ("a", "modified"), ("b", "modified"), ("c", "added"), ("d", "deleted"), ("new", "deleted"),
    }  # fmt: skip
    wanted = commit(work, {"a": "2\n", "b": "2\n", "c": "0\n", "d": None, "new": None, "people": "theirs\n"})
    assert tree == git(work, "rev-parse", f"{wanted}^{{tree}}")
    again = transplant(work / ".git", onto=wanted, wanted=two, published=two)
    assert not again


def test_what_is_held_goes_along_while_nobody_changed_it(work: Path) -> None:
    base = commit(work, {"AGENTS.md": "0\n", "CODEOWNERS": "0\n", "a": "0\n"})
    changes = [changed("AGENTS.md", b"1\n"), gone("CODEOWNERS"), added("CLAUDE.md", b"1\n")]
    held = tuple(Held(path=file.path, why="protected", change=file) for file in changes)
    wanted = ChangeSet(base=base, files=(changed("a", b"1\n"),), held=(*held, Held(path="x", why="odd")))
    head = commit(work, {"a": "2\n", "b": "2\n", "CLAUDE.md": "theirs\n", "CODEOWNERS": None})
    told = move_held(work / ".git", wanted, onto=head)
    assert [(item.path, item.why, item.change is not None) for item in told] == [
        ("AGENTS.md", "protected", True),
        ("CLAUDE.md", "protected; somebody changed it since", False),
        ("x", "odd", False),
    ]
    assert move_held(work / ".git", wanted, onto=base) == wanted.held


def test_what_people_changed_since_is_named_and_nothing_is_done(work: Path) -> None:
    base = commit(work, {"a": "0\n", "b": "0\n"})
    one = ChangeSet(base=base, files=(changed("a", b"1\n"),))
    two = ChangeSet(base=base, files=(changed("b", b"2\n"), added("x", b"2\n")))
    head = commit(work, {"a": "mine\n", "b": "0\n", "x": "mine\n"})
    with pytest.raises(Conflict) as conflict:
        transplant(work / ".git", onto=head, wanted=two, published=one)
    assert conflict.value.paths == ("a", "x")
    moved = commit(work, {"a": "0\n", "b": "2\n", "x": None})
    only = transplant(work / ".git", onto=moved, wanted=two)
    assert [file.path for file in only.files] == ["x"]  # b is there already
