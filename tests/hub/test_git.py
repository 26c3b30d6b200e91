"""git over HTTP: clone, fetch, push, and what is refused."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.hub import Hub, running_hub


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        await running.seed_repo("demo", {"a.txt": "a\n"})
        yield running


async def clone(hub: Hub, token: str | None, name: str = "clone", *options: str, repo: str = "demo") -> Path:
    folder = hub.folder(name)
    await hub.git("clone", "-q", *options, hub.git_url(repo, token), str(folder))
    return folder


async def commit(hub: Hub, folder: Path, path: str, text: str = "x\n") -> str:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    await hub.git("add", "-A", cwd=folder)
    await hub.git("commit", "-q", "-m", f"Add {path}", cwd=folder)
    return (await hub.git("rev-parse", "HEAD", cwd=folder)).strip()


async def test_everybody_reads_what_is_public(hub: Hub) -> None:
    folder = await clone(hub, None)
    assert (folder / "a.txt").read_text() == "a\n"
    refused = await hub.git("push", hub.git_url("demo"), "HEAD:refs/heads/x", cwd=folder, check=False)
    assert "could not read Username" in refused
    denied = await hub.git(
        "push", hub.git_url("demo", hub.as_stranger.token), "HEAD:refs/heads/x", cwd=folder, check=False
    )
    assert "403" in denied


async def test_private_repositories_are_not_there(hub: Hub) -> None:
    await hub.seed_repo("secret", {"s.txt": "s\n"}, private=True)
    for token, words in ((None, "could not read Username"), (hub.as_stranger.token, "not found")):
        assert words in await hub.git("ls-remote", hub.git_url("secret", token), check=False)
    bot = await hub.as_bot()
    assert (await clone(hub, bot.token, repo="secret") / "s.txt").exists()


async def test_maintainers_push_to_a_forks_branch_that_lets_them(hub: Hub) -> None:
    demo = await hub.as_maintainer.get("/repos/maintainer/demo")
    await hub.as_stranger.post("/repos/maintainer/demo/forks")
    theirs = hub.git_url("demo", hub.as_stranger.token, owner="stranger")
    folder = await clone(hub, None)
    await commit(hub, folder, "b.txt")
    await hub.git("push", "-q", theirs, "HEAD:refs/heads/topic", cwd=folder)
    body = {"title": "Ten", "head": "stranger:topic", "base": "main"}
    pull = await hub.as_stranger.post("/repos/maintainer/demo/pulls", body)
    sha = await commit(hub, folder, "c.txt")
    bot = await hub.as_bot(repository_ids=[demo["id"]], permissions={"contents": "write"})
    url = hub.git_url("demo", bot.token, owner="stranger")
    assert "hidden" in await hub.git("push", url, "HEAD:refs/heads/main", cwd=folder, check=False)
    await hub.git("push", "-q", url, "HEAD:refs/heads/topic", cwd=folder)
    at = f"/repos/maintainer/demo/pulls/{pull['number']}"
    assert (await hub.as_maintainer.get(at))["head"]["sha"] == sha
    await hub.as_stranger.patch(at, {"maintainer_can_modify": False})
    assert "403" in await hub.git("push", url, "HEAD~1:refs/heads/topic", cwd=folder, check=False)


async def test_shallow_partial_and_exact_fetches(hub: Hub) -> None:
    first = (await hub.git("rev-parse", "HEAD", cwd=hub.worktree("demo"))).strip()
    await hub.push_files("demo", {"b.txt": "b\n"})
    shallow = await clone(hub, None, "shallow", "--depth", "1")
    assert (await hub.git("rev-list", "--count", "HEAD", cwd=shallow)).strip() == "1"
    partial = await clone(hub, None, "partial", "--filter=blob:none", "--no-checkout")
    assert "?" in await hub.git("rev-list", "--objects", "--missing=print", "HEAD", cwd=partial)
    await hub.git("fetch", "-q", "--depth", "1", "origin", first, cwd=shallow)
    assert (await hub.git("-c", "protocol.version=0", "ls-remote", hub.git_url("demo"))).count(
        "refs/heads/main"
    )


async def test_an_app_pushes_with_contents_write_only(hub: Hub) -> None:
    reader = await hub.as_bot(permissions={"contents": "read"})
    folder = await clone(hub, reader.token)
    sha = await commit(hub, folder, "b.txt")
    assert "403" in await hub.git("push", "origin", "HEAD:refs/heads/hob/x", cwd=folder, check=False)
    writer = await hub.as_bot(permissions={"contents": "write"})
    url = hub.git_url("demo", writer.token)
    await hub.git("push", "-q", url, "HEAD:refs/heads/hob/x", cwd=folder)
    found = await hub.as_maintainer.get("/repos/maintainer/demo/git/ref/heads/hob/x")
    assert found["object"]["sha"] == sha
    await hub.git("push", "-q", url, ":refs/heads/hob/x", cwd=folder)
    assert (await hub.as_maintainer.send("GET", "/repos/maintainer/demo/branches/hob/x")).status == 404


async def test_workflow_files_are_refused_to_apps(hub: Hub) -> None:
    bot = await hub.as_bot()
    folder = await clone(hub, bot.token)
    await commit(hub, folder, "ok.txt")
    await commit(hub, folder, ".github/workflows/ci.yml", "on: push\n")
    out = await hub.git(
        "push", "origin", "HEAD~1:refs/heads/good", "HEAD:refs/heads/bad", cwd=folder, check=False
    )
    assert "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml`" in out
    refs = hub.hub.git.refs(hub.hub.state.all("SELECT id FROM repos")[0]["id"], "refs/heads/")
    assert set(refs) == {"refs/heads/main", "refs/heads/good"}
    mine = hub.git_url("demo", hub.as_maintainer.token)
    await hub.git("push", "-q", mine, "HEAD:refs/heads/bad", cwd=folder)


async def test_refs_of_pull_requests_cannot_be_pushed(hub: Hub) -> None:
    folder = hub.worktree("demo")
    out = await hub.git("push", "origin", "HEAD:refs/pull/1/head", cwd=folder, check=False)
    assert "deny updating a hidden ref" in out
    assert "deletion of the current branch prohibited" in await hub.git(
        "push", "origin", ":main", cwd=folder, check=False
    )


async def test_a_stale_push_is_refused_and_a_forced_one_not(hub: Hub) -> None:
    folder = await clone(hub, hub.as_maintainer.token)
    await hub.push_files("demo", {"b.txt": "b\n"})
    await commit(hub, folder, "c.txt")
    assert "[rejected]" in await hub.git("push", "origin", "main", cwd=folder, check=False)
    await hub.git("push", "-q", "--force", "origin", "main", cwd=folder)


async def test_the_first_branch_becomes_the_default(hub: Hub, tmp_path: Path) -> None:
    await hub.as_maintainer.post("/user/repos", {"name": "old"})
    folder = hub.worktree("demo")
    await hub.git(
        "push", "-q", hub.git_url("old", hub.as_maintainer.token), "main:refs/heads/master", cwd=folder
    )
    assert (await hub.as_maintainer.get("/repos/maintainer/old"))["default_branch"] == "master"
    assert (await clone(hub, None, "old-clone", repo="old") / "a.txt").exists()


async def test_packed_request_bodies(hub: Hub) -> None:
    want = (await hub.git("rev-parse", "HEAD", cwd=hub.worktree("demo"))).strip()
    lines = [b"0011command=fetch", b"0001", b"0032want " + want.encode() + b"\n", b"0009done\n", b"0000"]
    headers = {
        "Content-Encoding": "gzip", "Git-Protocol": "version=2",
        "Content-Type": "application/x-git-upload-pack-request",
    }  # fmt: skip
    url = f"{hub.web_url}/maintainer/demo.git/git-upload-pack"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=gzip.compress(b"".join(lines)), headers=headers) as response,
    ):
        assert response.status == 200
        assert b"PACK" in await response.read()


async def test_a_big_push_and_clone_go_through(hub: Hub) -> None:
    folder = hub.worktree("demo")
    text = "".join(f"{number * 7919 % 1000003:x}\n" for number in range(700_000))
    await commit(hub, folder, "big.txt", text)
    await hub.git("push", "-q", "origin", "main", cwd=folder)
    assert (await clone(hub, None, "big") / "big.txt").read_text() == text
