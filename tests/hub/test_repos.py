"""Repositories, their files, and the git database through REST."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import Client, Hub, judged_hub

REPO = "/repos/maintainer/demo"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with judged_hub(tmp_path) as running:
        await running.as_maintainer.post("/user/repos", {"name": "demo", "auto_init": True})
        yield running


@pytest.fixture
def me(hub: Hub) -> Client:
    return hub.as_maintainer


def encode_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_files_are_written_and_read(me: Client) -> None:
    made = await me.send(
        "PUT", f"{REPO}/contents/src/a.py", {"message": "Add a", "content": encode_base64("a = 1\n")}
    )
    assert made.status == 201
    sha = made.data["content"]["sha"]
    shown = await me.get(f"{REPO}/contents/src/a.py")
    assert base64.b64decode(shown["content"]) == b"a = 1\n"
    raw = await me.send(
        "GET", f"{REPO}/contents/src/a.py", headers={"Accept": "application/vnd.github.raw+json"}
    )
    assert raw.text == "a = 1\n"
    assert [one["type"] for one in await me.get(f"{REPO}/contents/")] == ["file", "dir"]
    change: dict[str, Any] = {"message": "Change a", "content": encode_base64("a = 2\n")}
    assert (await me.send("PUT", f"{REPO}/contents/src/a.py", change)).status == 422
    wrong = await me.send("PUT", f"{REPO}/contents/src/a.py", change | {"sha": "1" * 40})
    assert wrong.status == 409
    assert (await me.send("PUT", f"{REPO}/contents/src/a.py", change | {"sha": sha})).status == 200
    assert (await me.send("GET", f"{REPO}/contents/nothing.txt")).status == 404
    odd = {"message": "x", "content": ""}
    assert (await me.send("PUT", f"{REPO}/contents/.git/config", odd)).status == 422


async def test_workflow_files_need_their_own_permission(hub: Hub) -> None:
    bot = await hub.as_bot()
    body = {"message": "CI", "content": encode_base64("on: push\n")}
    refused = await bot.send("PUT", f"{REPO}/contents/.github/workflows/ci.yml", body)
    assert refused.status == 403
    assert refused.headers["X-Accepted-GitHub-Permissions"] == "workflows=write"


async def test_a_commit_by_hand(me: Client) -> None:
    head = await me.get(f"{REPO}/git/ref/heads/main")
    base = await me.get(f"{REPO}/git/commits/{head['object']['sha']}")
    blob = await me.post(f"{REPO}/git/blobs", {"content": "one\n"})
    entries = [
        {"path": "one.txt", "mode": "100644", "type": "blob", "sha": blob["sha"]},
        {"path": "deep/two.sh", "mode": "100755", "type": "blob", "content": "two\n"},
        {"path": "README.md", "mode": "100644", "type": "blob", "sha": None},
    ]
    tree = await me.post(f"{REPO}/git/trees", {"base_tree": base["tree"]["sha"], "tree": entries})
    commit = await me.post(
        f"{REPO}/git/commits", {"message": "By hand", "tree": tree["sha"], "parents": [base["sha"]]}
    )
    assert commit["verification"]["verified"] is False
    await me.post(f"{REPO}/git/refs", {"ref": "refs/heads/topic", "sha": commit["sha"]})
    paths = {
        one["path"]: one["mode"] for one in (await me.get(f"{REPO}/git/trees/topic?recursive=1"))["tree"]
    }
    assert paths == {"deep": "040000", "deep/two.sh": "100755", "one.txt": "100644"}
    again = await me.send("POST", f"{REPO}/git/refs", {"ref": "refs/heads/topic", "sha": commit["sha"]})
    assert (again.status, again.data["message"]) == (422, "Reference already exists")
    back = {"sha": base["sha"]}
    assert (await me.send("PATCH", f"{REPO}/git/refs/heads/topic", back)).data["message"] == (
        "Update is not a fast forward"
    )
    await me.patch(f"{REPO}/git/refs/heads/topic", back | {"force": True})
    await me.delete(f"{REPO}/git/refs/heads/topic")
    assert (await me.send("GET", f"{REPO}/git/ref/heads/topic")).status == 404
    assert (await me.send("DELETE", f"{REPO}/git/refs/heads/main")).status == 422


async def test_an_apps_own_commits_are_verified(hub: Hub) -> None:
    bot = await hub.as_bot()
    head = (await bot.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    tree = (await bot.get(f"{REPO}/git/commits/{head}"))["tree"]["sha"]
    body: dict[str, Any] = {"message": "Mine", "tree": tree, "parents": [head]}
    assert (await bot.post(f"{REPO}/git/commits", body))["verification"]["verified"] is True
    author = {"name": "X", "email": "x@users.example", "date": "2026-01-02T03:04:05Z"}
    other = await bot.post(f"{REPO}/git/commits", body | {"author": author})
    assert (other["verification"]["verified"], other["author"]["date"]) == (False, "2026-01-02T03:04:05Z")


async def test_branches_commits_and_comparison(hub: Hub) -> None:
    me = hub.as_maintainer
    await hub.seed_repo("code", {"a.py": "a = 1\n", "b.py": "b = 1\n"})
    await hub.push_files("code", {"a.py": "a = 2\n"}, "Change a", branch="topic/one")
    code = "/repos/maintainer/code"
    assert [one["name"] for one in await me.get(f"{code}/branches")] == ["main", "topic/one"]
    compared = await me.get(f"{code}/compare/main...topic/one")
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("ahead", 1, 0)
    assert compared["files"][0]["patch"] == "@@ -1 +1 @@\n-a = 1\n+a = 2"
    commit = await me.get(f"{code}/commits/topic/one")
    assert (commit["commit"]["message"], commit["author"]["login"]) == ("Change a", "maintainer")
    assert commit["stats"] == {"total": 2, "additions": 1, "deletions": 1}
    assert len(await me.get(f"{code}/commits?path=b.py&sha=topic/one")) == 1
    diff = await me.send(
        "GET", f"{code}/commits/topic/one", headers={"Accept": "application/vnd.github.diff"}
    )
    assert diff.text.startswith("diff --git a/a.py b/a.py")


async def test_empty_repositories(me: Client) -> None:
    await me.post("/user/repos", {"name": "void"})
    assert (await me.send("GET", "/repos/maintainer/void/commits")).status == 409
    assert (await me.send("GET", "/repos/maintainer/void/contents/")).status == 404
    body = {"message": "First", "content": encode_base64("x\n")}
    assert (await me.send("PUT", "/repos/maintainer/void/contents/x.txt", body)).status == 201


async def test_rename_archive_and_delete(hub: Hub, me: Client) -> None:
    repo = await me.get(REPO)
    await me.patch(REPO, {"name": "renamed"})
    moved = await me.send("GET", f"{REPO}/issues")
    assert moved.status == 301
    assert moved.headers["Location"] == f"{hub.api_url}/repositories/{repo['id']}/issues"
    assert await me.get(moved.headers["Location"].removeprefix(hub.api_url)) == []
    assert (await me.send("POST", f"{REPO}/issues", {"title": "x"})).status == 307
    assert "refs/heads/main" in await hub.git("ls-remote", hub.git_url("demo"))
    new = "/repos/maintainer/renamed"
    await me.patch(new, {"archived": True})
    assert (await me.send("POST", f"{new}/issues", {"title": "x"})).status == 403
    await me.patch(new, {"archived": False})
    await me.delete(new)
    assert (await me.send("GET", new)).status == 404
    assert not hub.hub.state.git_path(repo["id"]).exists()


async def test_names_that_are_taken(me: Client) -> None:
    taken = await me.send("POST", "/user/repos", {"name": "DEMO"})
    assert taken.status == 422
    assert taken.data["errors"][0]["message"] == "name already exists on this account"
    assert (await me.send("POST", "/user/repos", {"name": "a b"})).status == 422
    assert (await me.post("/orgs/workshop/repos", {"name": "tools"}))["full_name"] == "workshop/tools"
