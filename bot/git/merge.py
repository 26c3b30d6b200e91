"""Two commits joined three ways: made from objects alone, in a git directory that nobody else ever wrote to.

git's ort merge does the work. It is pointed at a directory made here for the moment, whose configuration is
empty and whose objects are the mirror's, so no attribute, driver or hook of the repository has any effect.
The mirror is shallow: the three trees are given as commits without history, so where the lines parted has to
be told. A conflict is no failure: the file is in the merged tree with git's markers, and is named.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dulwich.objects import Commit, ObjectID, ShaFile
from dulwich.repo import Repo

from bot.errors import UserError
from bot.git import program
from bot.git.checkout import check_sha
from bot.git.paths import as_text
from bot.git.program import GitFailed
from bot.git.trees import GITLINK, BaseTree

OURS, THEIRS = "this-branch", "base-branch"  # as they stand on the markers
MARKERS = tuple(f"{sign * 7} {name}".encode() for sign, name in (("<", OURS), (">", THEIRS)))
_MERGER = b"merge <merge@localhost>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """``theirs`` merged into ``ours``: ``commit`` has the merged tree, markers and all, and stays here.

    ``conflicts`` are the paths that git could not merge, ``stuck`` those of them that are submodules, which
    no edit of a file can settle.
    """

    commit: str
    ours: str
    theirs: str
    conflicts: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()


async def merge(mirror: Path, *, base: str, ours: str, theirs: str) -> Merged:
    """Merge two commits of a bare repository that parted at ``base``; the same commits give the same result.

    New objects are added to the repository, its branches are not touched. Raises UserError when git cannot.
    """
    for sha in (base, ours, theirs):
        check_sha(sha)
    sides = _without_history(mirror, base, ours, theirs)
    with tempfile.TemporaryDirectory(prefix="hob-merge-") as made:
        git_dir = Path(made)
        (git_dir / "refs" / "heads").mkdir(parents=True)
        (git_dir / "objects").mkdir()
        (git_dir / "HEAD").write_text(f"ref: refs/heads/{OURS}\n")
        for name, sha in zip((OURS, THEIRS), sides, strict=True):
            (git_dir / "refs" / "heads" / name).write_text(f"{sha}\n")
        tree, conflicts, stuck = await _merged_tree(git_dir, mirror)
    return Merged(
        commit=keep(mirror, tree, (ours, theirs)),
        ours=ours,
        theirs=theirs,
        conflicts=conflicts,
        stuck=stuck,
    )


async def _merged_tree(git_dir: Path, mirror: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What ``git merge-tree`` says: the tree, the paths in conflict, and those that are submodules.

    https://git-scm.com/docs/git-merge-tree#OUTPUT
    """
    args = ("merge-tree", "--write-tree", "-z", "--no-messages", OURS, THEIRS)
    env = {"GIT_OBJECT_DIRECTORY": str(mirror / "objects")}
    try:
        done = await program.run(git_dir, *args, seconds=120, env=env, fine=(0, 1))
    except GitFailed as failed:
        words = f"git could not merge ({failed.words}); it takes git 2.38 or newer"
        raise UserError(words, phase="prepare") from failed
    tree, *stages = done.out.rstrip(b"\0").split(b"\0")
    conflicts: dict[str, bool] = {}
    for stage in stages:
        about, _, path = stage.partition(b"\t")
        link = int(about.split()[0], 8) == GITLINK
        conflicts[as_text(path)] = conflicts.get(as_text(path), False) or link
    stuck = tuple(path for path, link in conflicts.items() if link)
    return tree.decode("ascii"), tuple(conflicts), stuck


def _without_history(mirror: Path, base: str, ours: str, theirs: str) -> tuple[str, str]:
    """Two commits with the sides' trees whose one parent has the base's: what git needs to see of history."""
    with closing(Repo(str(mirror))) as repo:
        trees = [BaseTree(repo.object_store, sha).root.sha for sha in (base, ours, theirs)]
        first = _commit(trees[0], ())
        sides = [_commit(tree, (first.id,)) for tree in trees[1:]]
        for commit in (first, *sides):
            repo.object_store.add_object(commit)
        return sides[0].id.decode("ascii"), sides[1].id.decode("ascii")


def keep(mirror: Path, tree: str, parents: Sequence[str], objects: Sequence[ShaFile] = ()) -> str:
    """A commit of a tree in the mirror, which nobody is ever shown; the same one for the same parents.

    ``objects`` are those of the tree that the mirror may lack. Blocking.
    """
    with closing(Repo(str(mirror))) as repo:
        for each in objects:
            repo.object_store.add_object(each)
        at = max(_time(repo, sha) for sha in parents)
        names = tuple(ObjectID(sha.encode("ascii")) for sha in parents)
        commit = _commit(ObjectID(tree.encode("ascii")), names, at)
        repo.object_store.add_object(commit)
        return commit.id.decode("ascii")


def _time(repo: Repo, sha: str) -> int:
    found = repo.object_store[ObjectID(sha.encode("ascii"))]
    return int(found.commit_time) if isinstance(found, Commit) else 0


def _commit(tree: ObjectID, parents: tuple[ObjectID, ...], at: int = 0) -> Commit:
    commit = Commit()
    commit.tree = tree
    commit.parents = list(parents)
    commit.author = commit.committer = _MERGER
    commit.author_time = commit.commit_time = at
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = b"Merge\n"
    return commit


def has_markers(data: bytes) -> bool:
    """Whether a file still has a line that the merge marked a conflict with."""
    return any(line.startswith(MARKERS) for line in data.splitlines())
