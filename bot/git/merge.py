"""A three-way merge of two commits, made from objects alone in a git directory that nobody else wrote.

git's ort merge does the work. It is pointed at a directory made here for the moment, whose configuration is
empty and whose objects are the mirror's, so no attribute, driver or hook of the repository has any effect.
The mirror is shallow: the three trees are given as commits without history, so the caller has to name the
merge base. A conflict is not an error: the file is in the merged tree with git's markers, and is named.
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
class MergeResult:
    """``theirs`` merged into ``ours``: ``commit`` has the merged tree, markers and all, and stays here.

    ``conflicts`` are the paths that git could not merge, ``stuck`` those of them that are submodules, which
    no edit of a file can settle.
    """

    commit: str
    ours: str
    theirs: str
    conflicts: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()


async def merge(mirror: Path, *, base: str, ours: str, theirs: str) -> MergeResult:
    """Merge two commits of a bare repository whose merge base is ``base``; same commits, same result.

    New objects are added to the repository, its branches are not touched. Raises UserError when git cannot.
    """
    for sha in (base, ours, theirs):
        check_sha(sha)
    sides = _strip_history(mirror, base, ours, theirs)
    with tempfile.TemporaryDirectory(prefix="hob-merge-") as made:
        git_dir = Path(made)
        (git_dir / "refs" / "heads").mkdir(parents=True)
        (git_dir / "objects").mkdir()
        (git_dir / "HEAD").write_text(f"ref: refs/heads/{OURS}\n")
        for name, sha in zip((OURS, THEIRS), sides, strict=True):
            (git_dir / "refs" / "heads" / name).write_text(f"{sha}\n")
        tree, conflicts, stuck = await _merge_trees(git_dir, mirror)
    return MergeResult(
        commit=store_commit(mirror, tree, (ours, theirs)),
        ours=ours,
        theirs=theirs,
        conflicts=conflicts,
        stuck=stuck,
    )


async def _merge_trees(git_dir: Path, mirror: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Run ``git merge-tree``: the merged tree, the paths in conflict, and which of these are submodules.

    https://git-scm.com/docs/git-merge-tree#OUTPUT
    """
    args = ("merge-tree", "--write-tree", "-z", "--no-messages", OURS, THEIRS)
    env = {"GIT_OBJECT_DIRECTORY": str(mirror / "objects")}
    try:
        done = await program.run(git_dir, *args, seconds=120, env=env, allowed=(0, 1))
    except GitFailed as failed:
        message = f"git could not merge ({failed.message}); it takes git 2.38 or newer"
        raise UserError(message, phase="prepare") from failed
    tree, *stages = done.out.rstrip(b"\0").split(b"\0")
    conflicts: dict[str, bool] = {}
    for stage in stages:
        about, _, path = stage.partition(b"\t")
        link = int(about.split()[0], 8) == GITLINK
        conflicts[as_text(path)] = conflicts.get(as_text(path), False) or link
    stuck = tuple(path for path, link in conflicts.items() if link)
    return tree.decode("ascii"), tuple(conflicts), stuck


def _strip_history(mirror: Path, base: str, ours: str, theirs: str) -> tuple[str, str]:
    """Two commits with the trees of the sides, and as their only parent one with the tree of the base."""
    with closing(Repo(str(mirror))) as repo:
        trees = [BaseTree(repo.object_store, sha).root.sha for sha in (base, ours, theirs)]
        first = _make_commit(trees[0], ())
        sides = [_make_commit(tree, (first.id,)) for tree in trees[1:]]
        for commit in (first, *sides):
            repo.object_store.add_object(commit)
        return sides[0].id.decode("ascii"), sides[1].id.decode("ascii")


def store_commit(mirror: Path, tree: str, parents: Sequence[str], objects: Sequence[ShaFile] = ()) -> str:
    """Store a commit of a tree in the mirror and return its name: the same for the same tree and parents.

    It is never published. ``objects`` are those of the tree that the mirror may lack. Blocking.
    """
    with closing(Repo(str(mirror))) as repo:
        for each in objects:
            repo.object_store.add_object(each)
        at = max(_commit_time(repo, sha) for sha in parents)
        names = tuple(ObjectID(sha.encode("ascii")) for sha in parents)
        commit = _make_commit(ObjectID(tree.encode("ascii")), names, at)
        repo.object_store.add_object(commit)
        return commit.id.decode("ascii")


def _commit_time(repo: Repo, sha: str) -> int:
    found = repo.object_store[ObjectID(sha.encode("ascii"))]
    return int(found.commit_time) if isinstance(found, Commit) else 0


def _make_commit(tree: ObjectID, parents: tuple[ObjectID, ...], at: int = 0) -> Commit:
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
