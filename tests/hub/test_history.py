"""The local GitHub reads short histories itself, as git would; of long ones it asks git."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product

import pytest

from localhub.git import history
from localhub.git.store import GitStore
from localhub.state import State
from tests.support.git import commit, git

ODD = 'e "ü"\t.txt'


class History:
    """A repository of the hub's, with the names of commits, and git itself beside it."""

    def __init__(self, store: GitStore, named: dict[str, str]) -> None:
        self.store, self.named = store, named

    def by_git(self, *words: str) -> list[str]:
        """What git prints."""
        return git(self.store.path(1), *words).split()


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Two branches that are merged both ways, a third, and one apart; all commits have one time."""
    top = tmp_path_factory.mktemp("history")
    work, named = top / "work", dict[str, str]()
    named["first"] = commit(work, {"a.txt": "a\n", "d/b.txt": "b\n", "d/c": "c\n"})
    git(work, "checkout", "-q", "-b", "side")
    named["side"] = commit(work, {"side.txt": "s\n"})
    git(work, "checkout", "-q", "main")
    (work / "d" / "c").unlink()  # it becomes a link
    named["main"] = commit(
        work, {"d/b.txt": None, "d/c": "-> ../a.txt", 'e "ü"\t.txt': "e\n", "a.txt": "!a\n"}
    )
    git(work, "merge", "-q", "--no-ff", "-m", "Merge side", "side")
    named["merge"] = git(work, "rev-parse", "HEAD")
    git(work, "checkout", "-q", "side")
    git(work, "merge", "-q", "--no-ff", "-m", "Merge main", named["main"])
    named["criss-cross"] = git(work, "rev-parse", "HEAD")
    git(work, "checkout", "-q", "-b", "third", named["first"])
    named["third"] = commit(work, {"d.txt": "file\n", "d/deep/er.txt": "x\n"})
    git(work, "checkout", "-q", "--orphan", "alone")
    named["alone"] = commit(work, {"alone.txt": "x\n"})
    state = State(top / "state")
    store = GitStore(state)
    git(work, "clone", "-q", "--bare", "--template=", ".", str(store.path(1)))
    yield History(store, named)
    state.close()


@pytest.fixture(params=[True, False], ids=["by itself", "by git"])
def told(known: History, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> History:
    """Either way of finding out."""
    if request.param:
        monkeypatch.setattr(known.store, "program", os.devnull)  # nothing of this is asked of git
    else:
        monkeypatch.setattr(history, "MOST_COMMITS", 1)
        monkeypatch.setattr(history, "MOST_FILES", 0)
    return known


async def test_ancestors_and_merge_bases_are_gits(known: History) -> None:
    for left, right in product(known.named.values(), repeat=2):
        code, printed = await known.store.run(1, "merge-base", "--all", left, right, accept=(0, 1))
        bases = printed.decode().split() if code == 0 else []
        found = await known.store.merge_base(1, left, right)
        assert found in bases if bases else found is None
        assert await known.store.is_ancestor(1, left, right) == (left in bases)


@pytest.mark.parametrize(
    "asked",
    [
        ["{merge}"], ["-2", "{merge}"], ["--reverse", "{merge}"], ["{main}..{merge}"], ["{merge}..{main}"],
        ["--reverse", "{third}..{criss-cross}"], ["-1", "--reverse", "{first}..{merge}"],
        ["{criss-cross}", "^{merge}", "^{third}"], ["{alone}", "{side}", "^{first}"],
    ],
    ids=" ".join,
)  # fmt: skip
async def test_lists_of_commits_are_gits(told: History, asked: list[str]) -> None:
    words = [word.replace("{", "{0[").replace("}", "]}").format(told.named) for word in asked]
    assert await told.store.commits(1, *words) == told.by_git("rev-list", *words)


async def test_changed_paths_are_gits(told: History) -> None:
    store, named = told.store, told.named
    listed = await store.list_changed_paths(1, named["main"])
    assert listed == [("M", "a.txt"), ("D", "d/b.txt"), ("T", "d/c"), ("A", ODD)]
    assert await store.list_changed_paths(1, named["merge"]) == [("A", "side.txt")]
    first = await store.list_changed_paths(1, named["first"])
    assert first == [("A", "a.txt"), ("A", "d/b.txt"), ("A", "d/c")]


async def test_paths_of_commits_that_no_ref_has(told: History) -> None:
    store, named = told.store, told.named
    new = told.by_git("commit-tree", f"{named['third']}^{{tree}}", "-p", named["first"], "-m", "New")[0]
    assert await store.list_new_paths(1, new, "d/") == ["d/deep/er.txt"]
    for old in ("merge", "third"):
        assert await store.list_new_paths(1, named[old], "d/") == []


@pytest.mark.parametrize(
    ("base", "head", "tree"),
    [("first", "main", "main"), ("main", "first", "main"), ("side", "merge", "merge")],
)
async def test_a_merge_of_what_goes_on_needs_no_merging(
    told: History, base: str, head: str, tree: str
) -> None:
    store, named = told.store, told.named
    merged = await store.merge(1, named[base], named[head])
    assert merged.tree == store.commit(1, named[tree]).tree.decode()
