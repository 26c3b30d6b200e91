"""Commits built in memory: the same names as git gives, nothing read that did not change."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from dulwich.objects import Commit, ShaFile, Tree
from dulwich.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.errors import UserError
from bot.git.commit import BuiltCommit, build_commit, build_tree
from tests.support.git import commit, git, write

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WHO = ("hob[bot]", "1+hob[bot]@users.noreply.github.com")


def added(path: str, data: bytes = b"new\n", mode: int = 0o100644) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.ADDED, mode=mode, data=data)


def deleted(path: str) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.DELETED)


def build(root: Path, base: str, *files: FileChange, message: str = "Change\n") -> BuiltCommit:
    changes = ChangeSet(base=base, files=files)
    return build_commit(root, parent=base, changes=changes, message=message, author=WHO, at=AT)


def store(root: Path, objects: list[ShaFile]) -> None:
    with closing(Repo(str(root))) as repo:
        repo.object_store.add_objects([(made, None) for made in objects])


def test_the_tree_is_the_one_git_makes(tmp_path: Path) -> None:
    base = commit(tmp_path, {"a": "a", "d/x": "x", "d/y": "y", "e/only": "o", "f": "f", "keep/z": "z"})
    built = build(
        tmp_path,
        base,
        FileChange(path="a", kind=ChangeKind.MODIFIED, mode=0o100755, data=b"A"),
        deleted("d/x"),
        deleted("e/only"),
        deleted("f"),
        added("f/now/dir", b"1"),
        added("link", b"a", 0o120000),
        added("ünï/\udcff", b"odd"),
    )
    store(tmp_path, built.objects)
    git(tmp_path, "fsck", "--strict")
    write(tmp_path, {"d/x": None, "e/only": None, "f": None, "link": "-> a", "a": "!A"})
    write(tmp_path, {"f/now/dir": "1", "ünï/\udcff": "odd"})
    (tmp_path / "a").write_text("A")
    git(tmp_path, "add", "--all")
    assert git(tmp_path, "write-tree") == built.tree
    assert built.sha not in git(tmp_path, "rev-parse", "HEAD")


def test_only_what_is_new_is_made_and_only_what_changed_is_read(tmp_path: Path) -> None:
    base = commit(tmp_path, {"a/b/c": "c", "a/b/d": "d", "other/deep/x": "x", "top": "t"})
    with closing(Repo(str(tmp_path))) as repo:
        other = repo.object_store[repo[base.encode()].tree][b"other"][1].decode()  # type: ignore[index]
    (tmp_path / ".git/objects" / other[:2] / other[2:]).unlink()
    built = build(
        tmp_path, base, FileChange(path="a/b/c", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"C")
    )
    assert sorted(type(made).__name__ for made in built.objects) == ["Blob", "Commit", "Tree", "Tree", "Tree"]


def test_a_commit_is_deterministic_and_complete(tmp_path: Path) -> None:
    base = commit(tmp_path, {"a": "a"})
    one = build(tmp_path, base, added("b"), message="Fix it\n\nCo-authored-by: Ada <ada@example.com>\n\n")
    two = build(tmp_path, base, added("b"), message="Fix it\n\nCo-authored-by: Ada <ada@example.com>")
    assert one.sha == two.sha
    made = one.objects[-1]
    assert isinstance(made, Commit)
    assert made.message.endswith(b"Ada <ada@example.com>\n")
    assert made.author == made.committer == b"hob[bot] <1+hob[bot]@users.noreply.github.com>"
    assert (made.author_time, made.author_timezone) == (int(AT.timestamp()), 0)
    east = AT.astimezone(timezone(timedelta(hours=9)))
    changes = ChangeSet(base=base, files=(added("b"),))
    again = build_commit(
        tmp_path, parent=base, changes=changes, message=made.message.decode(), author=WHO, at=east
    )
    assert again.sha == one.sha


def test_identity_and_message_cannot_break_out(tmp_path: Path) -> None:
    base = commit(tmp_path, {"a": "a"})
    built = build_commit(
        tmp_path,
        parent=base,
        changes=ChangeSet(base=base, files=(added("b"),)),
        message="One\0\ntree 0000 \udcff",
        author=("Eve <eve@x>\nparent 1", "a>b\n"),
        at=AT,
    )
    store(tmp_path, built.objects)
    git(tmp_path, "fsck", "--strict")
    assert git(tmp_path, "log", "-1", "--format=%an|%ae|%P", built.sha) == f"Eve eve@xparent 1|ab|{base}"


def test_everything_deleted_is_the_empty_tree(tmp_path: Path) -> None:
    base = commit(tmp_path, {"a/b": "a"})
    assert build(tmp_path, base, deleted("a/b")).tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_what_makes_no_sense_is_an_error(tmp_path: Path) -> None:
    base = commit(tmp_path, {"a": "a", "d/x": "x"})
    for files in ([], [deleted("nothing")], [deleted("d")], [deleted("a/b")], [added("p"), added("p/q")]):
        with pytest.raises(ValueError, match=r"nothing to commit|not in the tree|both a file"):
            build(tmp_path, base, *files)
    for path in (".git/config", "a/../b", "x//y", ".GIT/x", "/x"):
        with pytest.raises(UserError, match="git refuses"):
            build(tmp_path, base, added(path))
    with pytest.raises(ValueError, match="time zone"):
        build_commit(
            tmp_path,
            parent=base,
            changes=ChangeSet(base=base, files=(added("x"),)),
            message="m",
            author=WHO,
            at=AT.replace(tzinfo=None),
        )


FILES = st.dictionaries(
    st.lists(st.sampled_from(["a", "b", "a.b", "a-b"]), min_size=1, max_size=3).map("/".join),
    st.sampled_from([b"1", b"2"]),
    max_size=5,
)


def _fits(files: dict[str, bytes]) -> bool:
    return not any(other.startswith(path + "/") for path in files for other in files)


@settings(max_examples=25, deadline=None)
@given(before=FILES.filter(_fits), after=FILES.filter(_fits))
def test_any_tree_becomes_any_other(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    root = _repository(tmp_path_factory)
    with closing(Repo.init_bare(str(root), mkdir=True)) as repo:
        empty = Tree()
        first = Commit()
        first.tree, first.message = empty.id, b"m\n"
        first.author = first.committer = b"a <a>"
        first.author_time = first.commit_time = first.author_timezone = first.commit_timezone = 0
        repo.object_store.add_objects([(empty, None), (first, None)])
        base = first.id.decode()
        if before:
            built = build(root, base, *(added(path, data) for path, data in before.items()))
            repo.object_store.add_objects([(made, None) for made in built.objects])
            base = built.sha
    changed = [added(path, data) for path, data in after.items()]
    changed += [deleted(path) for path in before.keys() - after.keys()]
    tree, _ = build_tree(root, base=base, changes=ChangeSet(base=base, files=tuple(changed)))
    wanted, _ = build_tree(
        root, base=first.id.decode(), changes=ChangeSet(base="", files=tuple(changed[: len(after)]))
    )
    assert tree == wanted and re.fullmatch("[0-9a-f]{40}", tree)


def _repository(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("any") / "r.git"
