"""Two commits merged from objects alone, and the commit with two parents that comes of it."""

from __future__ import annotations

import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dulwich.repo import Repo

from bot.domain import ChangeKind, ChangeSet, FileChange, Outcome, OutcomeKind
from bot.git.commit import BuiltCommit, build_commit
from bot.git.merge import MergeResult, has_markers, merge
from bot.workspace.base_merge import BaseMerge, conclude_merge
from tests.support.git import commit, git

WHO = ("hob[bot]", "1+hob[bot]@users.noreply.github.com")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
START = {"a": "1\n2\n3\n", "b": "b\n", "d/deep": "x\n", "moved": "m\n" * 20}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A shallow bare mirror, as Hob has one, with the three commits of ``parted``."""
    target = tmp_path / "mirror.git"
    subprocess.run(["git", "init", "-q", "--bare", str(target)], check=True)
    return target


def parted(
    tmp_path: Path, bare: Path, ours: dict[str, str | None], theirs: dict[str, str | None]
) -> tuple[str, str, str]:
    work = tmp_path / "work"
    work.mkdir()
    base = commit(work, START)
    git(work, "checkout", "-q", "-b", "side")
    left = commit(work, ours)
    git(work, "checkout", "-q", "-B", "other", base)
    right = commit(work, theirs)
    for at, sha in enumerate((base, left, right)):
        git(bare, "fetch", "-q", "--depth=1", f"file://{work}", f"{sha}:refs/hob/{at}")
    return base, left, right


def text(bare: Path, made: MergeResult, path: str) -> str:
    return git(bare, "show", f"{made.commit}:{path}")


def published(bare: Path, made: MergeResult, *files: FileChange) -> BuiltCommit:
    changes = ChangeSet(base=made.commit, files=files, parents=(made.ours, made.theirs))
    return build_commit(bare, parent=made.commit, changes=changes, message="Merge", author=WHO, at=AT)


async def test_a_clean_merge_is_the_one_git_makes(tmp_path: Path, bare: Path) -> None:
    theirs_too: dict[str, str | None] = {"a": "1\n2\n3\n4\n", "moved": None, "m2": "m\n" * 20}
    base, ours, theirs = parted(tmp_path, bare, {"a": "0\n1\n2\n3\n", "new": "n\n"}, theirs_too)
    made = await merge(bare, base=base, ours=ours, theirs=theirs)
    assert made.conflicts == ()
    assert made == await merge(bare, base=base, ours=ours, theirs=theirs), "the same every time"
    git(tmp_path / "work", "checkout", "-q", "side")
    git(tmp_path / "work", "merge", "-q", "--no-edit", "other")
    assert git(bare, "rev-parse", f"{made.commit}^{{tree}}") == git(
        tmp_path / "work", "rev-parse", "HEAD^{tree}"
    )
    assert git(bare, "for-each-ref", "refs/heads") == ""


async def test_a_conflict_stands_in_the_file_and_is_named(tmp_path: Path, bare: Path) -> None:
    base, ours, theirs = parted(
        tmp_path,
        bare,
        {"a": "1\nours\n3\n", "b": None, ".gitattributes": "a merge=evil\n"},
        {"a": "1\ntheirs\n3\n", "b": "changed\n", "d/deep": "y\n"},
    )
    git(bare, "config", "merge.evil.driver", f"touch {tmp_path}/ran; false")
    made = await merge(bare, base=base, ours=ours, theirs=theirs)
    assert made.conflicts == ("a", "b")
    assert made.stuck == ()
    assert has_markers(text(bare, made, "a").encode())
    assert "<<<<<<< this-branch" in text(bare, made, "a")
    assert not (tmp_path / "ran").exists()

    mended = FileChange(path="a", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"1\nboth\n3\n")
    gone = FileChange(path="b", kind=ChangeKind.DELETED)
    built = published(bare, made, mended, gone)
    fresh = tmp_path / "there.git"  # as GitHub: it has the two parents, and gets no more than what is pushed
    git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "work"), str(fresh))
    with closing(Repo(str(fresh))) as repo:
        repo.object_store.add_objects([(each, None) for each in built.objects])
    git(fresh, "fsck", "--strict", "--connectivity-only", built.sha)
    assert git(fresh, "log", "-1", "--format=%P", built.sha).split() == [ours, theirs]
    assert git(fresh, "show", f"{built.sha}:a") == "1\nboth\n3"
    assert git(fresh, "show", f"{built.sha}:d/deep") == "y"
    assert len(built.objects) == 3, "a's blob, the root, the commit: nothing that a parent has"


async def test_nothing_is_made_of_an_empty_change_but_a_merge(tmp_path: Path, bare: Path) -> None:
    base, ours, theirs = parted(tmp_path, bare, {"b": "x\n"}, {"a": "y\n"})
    made = await merge(bare, base=base, ours=ours, theirs=theirs)
    assert published(bare, made).tree == git(bare, "rev-parse", f"{made.commit}^{{tree}}")
    with pytest.raises(ValueError, match="nothing to commit"):
        build_commit(bare, parent=ours, changes=ChangeSet(base=ours), message="x", author=WHO, at=AT)


async def test_what_a_rename_carries_to_a_protected_path_is_left_to_people(
    tmp_path: Path, bare: Path
) -> None:
    workflow: dict[str, str | None] = {"moved": None, ".github/workflows/ci.yml": "m\n" * 20}
    base, ours, theirs = parted(tmp_path, bare, {"moved": "m\n" * 20 + "evil\n"}, workflow)
    made = await merge(bare, base=base, ours=ours, theirs=theirs)
    assert made.conflicts == () and text(bare, made, ".github/workflows/ci.yml").endswith("evil")
    joined = BaseMerge(name="main", is_requested=True, only=True, merged=made)
    nothing = Outcome(kind=OutcomeKind.NOTHING)
    outcome, changes = conclude_merge(joined, str(bare), nothing, ChangeSet(base=made.commit))
    assert outcome.kind is OutcomeKind.BLOCKED and not changes
    assert "- `.github/workflows/ci.yml`" in outcome.summary


async def test_protected_paths_of_either_side_are_merged(tmp_path: Path, bare: Path) -> None:
    base, ours, theirs = parted(tmp_path, bare, {"AGENTS.md": "Ours.\n"}, {"CODEOWNERS": "* @them\n"})
    made = await merge(bare, base=base, ours=ours, theirs=theirs)
    joined = BaseMerge(name="main", is_requested=True, only=True, merged=made)
    nothing = Outcome(kind=OutcomeKind.NOTHING)
    outcome, changes = conclude_merge(joined, str(bare), nothing, ChangeSet(base=made.commit))
    assert outcome.kind is OutcomeKind.CHANGED and changes.parents == (ours, theirs)
