"""Pushes against a real git over HTTP: own branches only, compare-and-swap, refusals as the server says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from urllib3.connection import HTTPConnection

from bot.errors import HobError, Parked, Retry, UserError
from bot.git import push as push_module
from bot.git.commit import BuiltCommit
from bot.git.mirror import Mirror
from bot.git.push import HeadMoved, PushRefused, push, remove
from bot.git.remote import clean_server_text
from tests.support.git import TOKEN, GitServer, bare, commit, git, serving
from tests.unit.git.test_commit import added, build

BRANCH = "hob/3-fix"


class Scene:
    """A served repository, a shallow mirror of it, and a commit made on top of its main branch."""

    def __init__(self, server: GitServer, repo: Path, mirror: Path, base: str) -> None:
        self.server, self.repo, self.mirror, self.base = server, repo, mirror, base
        self.url = f"{server.url}/r.git"

    def built(self, path: str = "fix.py", data: bytes = b"fixed\n", parent: str = "") -> BuiltCommit:
        return build(self.mirror, parent or self.base, added(path, data))

    async def push(
        self, built: BuiltCommit, expected: str | None = None, branch: str = BRANCH, prefix: str = "hob/"
    ) -> None:
        await push(self.url, token=TOKEN, branch=branch, built=built, expected=expected, prefix=prefix)

    def head(self) -> str:
        return git(self.repo, "rev-parse", f"refs/heads/{BRANCH}")


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    commit(tmp_path / "work", {"a": "a", "src/b": "b"})
    base = commit(tmp_path / "work", {"a": "b"})
    repo = bare(tmp_path / "served" / "r.git", tmp_path / "work")
    async with serving(tmp_path / "served") as server:
        mirror = Mirror(tmp_path / "mirrors")
        url = f"{server.url}/r.git"
        await mirror.fetch(1, url, token=TOKEN, refspecs=["refs/heads/main:refs/heads/main"])
        yield Scene(server, repo, mirror.path(1), base)


async def test_a_new_branch_holds_exactly_the_commit(scene: Scene) -> None:
    built = scene.built("src/c.py")
    await scene.push(built)
    assert scene.head() == built.sha
    git(scene.repo, "fsck", "--strict", "--full")
    assert git(scene.repo, "diff", "--name-status", scene.base, built.sha) == "A\tsrc/c.py"
    assert git(scene.repo, "log", "-1", "--format=%P", built.sha) == scene.base


async def test_s75_a_repeated_push_is_fine_and_a_moved_branch_is_not_touched(scene: Scene) -> None:
    first, second = scene.built(), scene.built(data=b"other\n")
    await scene.push(first)
    await scene.push(first)
    with pytest.raises(HeadMoved) as raised:
        await scene.push(second)
    assert raised.value.actual == first.sha and scene.head() == first.sha
    with pytest.raises(HeadMoved) as raised:
        await scene.push(second, expected=scene.base)
    assert raised.value.actual == first.sha and scene.head() == first.sha
    await scene.push(second, expected=first.sha)
    assert scene.head() == second.sha
    git(scene.repo, "update-ref", "-d", f"refs/heads/{BRANCH}")
    with pytest.raises(HeadMoved) as raised:
        await scene.push(first, expected=second.sha)
    assert raised.value.actual is None


async def test_a_branch_is_removed_only_from_where_it_was_seen(scene: Scene) -> None:
    built = scene.built()
    await scene.push(built)
    with pytest.raises(HeadMoved):
        await remove(scene.url, token=TOKEN, branch=BRANCH, expected=scene.base)
    assert scene.head() == built.sha
    for _ in range(2):
        await remove(scene.url, token=TOKEN, branch=BRANCH, expected=built.sha)
        assert git(scene.repo, "branch", "--list", BRANCH) == ""
    with pytest.raises(ValueError, match="not one of Hob's"):
        await remove(scene.url, token=TOKEN, branch="main", expected=scene.base)


async def test_two_at_once_make_one(scene: Scene) -> None:
    racers = [scene.built(data=bytes([at])) for at in range(4)]
    ended = await asyncio.gather(*(scene.push(built) for built in racers), return_exceptions=True)
    assert [result for result in ended if result is None] == [None]
    assert all(isinstance(result, HeadMoved | PushRefused) for result in ended if result is not None)
    assert scene.head() in {built.sha for built in racers}


@pytest.mark.parametrize("branch", ["main", "hobby/x", "hob/", "hob/../main", "hob/a b", "refs/heads/hob/x"])
async def test_other_branches_are_never_pushed_to(scene: Scene, branch: str) -> None:
    with pytest.raises(ValueError, match="not one of Hob's"):
        await scene.push(scene.built(), branch=branch)


async def test_the_servers_refusal_is_shown_without_secrets(scene: Scene) -> None:
    hook = scene.repo / "hooks" / "update"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\necho 'GH006: protected branch {TOKEN}' >&2; printf '\\033[2J' >&2; exit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PushRefused) as raised:
        await scene.push(scene.built())
    assert "hook declined" in raised.value.reason and "GH006: protected branch" in raised.value.reason
    assert TOKEN not in raised.value.message and "\x1b" not in raised.value.message


async def test_an_object_the_server_refuses_is_a_refusal(scene: Scene) -> None:
    broken = scene.built()
    lacking = BuiltCommit(sha=broken.sha, tree=broken.tree, objects=broken.objects[-1:])
    with pytest.raises(PushRefused, match=r"missing|unpack|index-pack"):
        await scene.push(lacking)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, UserError, "push to this repository"),
        (403, UserError, "push to this repository"),
        (404, UserError, "does not exist"),
        (429, Parked, "fewer"),
        (502, Retry, "502"),
    ],
)
async def test_what_the_server_answers_is_explained(
    scene: Scene, status: int, kind: type[HobError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = scene.built()
    scene.server.answer = status
    sockets: list[Any] = []
    connect = HTTPConnection.connect

    def remembered(self: HTTPConnection) -> None:
        connect(self)
        sockets.append(self.sock)

    monkeypatch.setattr(HTTPConnection, "connect", remembered)
    with pytest.raises(kind, match=words):
        await scene.push(built)
    assert sockets and all(each.fileno() == -1 for each in sockets), "a connection is left open"


async def test_a_server_that_hangs_or_is_gone_means_again_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = scene.built()
    with pytest.raises(Retry, match="did not come to an end"):
        await push("http://127.0.0.1:9/r.git", token=TOKEN, branch=BRANCH, built=built, expected=None)
    monkeypatch.setattr(push_module, "SOCKET_SECONDS", 0.2)
    scene.server.hang = True
    with pytest.raises(Retry, match="did not come to an end"):
        await scene.push(built)
    with pytest.raises(UserError, match="only https"):
        await push("http://example.com/r", token=TOKEN, branch=BRANCH, built=built, expected=None)


def test_words_of_a_server_are_made_fit_to_show() -> None:
    said = "remote: \x1b[31mno\x1b]8;;javascript:x\x07\r\nremote: no\n"
    said += f"https://u:{TOKEN}@h/x\nAuthorization: Basic abc"
    assert clean_server_text(said, TOKEN) == "no\nhttps://[redacted]@h/x\n[redacted]"
    assert clean_server_text(f"ghs_{'a' * 300}.b-c_d end") == "[redacted] end"
    assert len(clean_server_text("long " * 1000)) < 1100


async def test_a_branch_called_as_hobs_folder_is_named_as_what_is_in_the_way(scene: Scene) -> None:
    base = scene.built()
    await scene.push(base, branch="hob/1")
    with pytest.raises(PushRefused, match="a branch called 'hob/1' is there"):
        await scene.push(base, branch="hob/1/x")


async def test_another_prefix_is_hobs_own_where_it_is_asked_for(scene: Scene) -> None:
    await scene.push(scene.built(), branch="fix/hob-1", prefix="fix/hob-")
    with pytest.raises(ValueError, match="not one of Hob's"):
        await scene.push(scene.built(), branch="main", prefix="fix/hob-")
    with pytest.raises(ValueError, match="not one of Hob's"):
        await scene.push(scene.built(), branch="main", prefix="")
