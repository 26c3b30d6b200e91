"""hob.yml of the policy's commit decides whether submodules are fetched, and then they are in the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.text.redact import Redactor
from bot.workspace.fetch_linked import fetch_linked_content
from bot.workspace.workshop import Workshop
from tests.support.git import bare, commit, git, serving


@pytest.mark.parametrize("wanted", [True, False])
async def test_submodules_are_fetched_as_hob_yml_says(tmp_path: Path, home: Path, wanted: bool) -> None:
    app = tmp_path / "app"
    pin = commit(tmp_path / "lib", {"lib.py": "base = 1\n"})
    bare(tmp_path / "served" / "lib.git", tmp_path / "lib")
    commit(app, {".gitmodules": '[submodule "v"]\n\tpath = v\n\turl = ../lib.git\n', "a.py": ""})
    git(app, "update-index", "--add", "--cacheinfo", f"160000,{pin},v")
    git(app, "commit", "--quiet", "-m", "Add it")
    head = git(app, "rev-parse", "HEAD")
    git(app, "checkout", "--quiet", "--orphan", "policy")
    policy = commit(app, {".github/hob.yml": f"linked_content: {str(wanted).lower()}\n"})
    workshop = Workshop(home)
    number, _ = await workshop.mirror.adopt(app, head)
    await workshop.mirror.adopt(app, policy)
    async with serving(tmp_path / "served", token=None) as server:
        await fetch_linked_content(workshop, number, head, policy, f"{server.url}/app.git", None)
    checkout = await workshop.checkout(number, head, Redactor())
    assert checkout.facts.submodules == (() if wanted else ("v",))
    assert (checkout.layers[0] / "v" / "lib.py").exists() is wanted


async def test_a_server_that_fails_leaves_a_gap(tmp_path: Path, home: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{7:064d}\nsize 9\n"
    head = commit(tmp_path / "app", {".gitattributes": "*.bin filter=lfs\n", "a.bin": pointer})
    workshop = Workshop(home)
    number, _ = await workshop.mirror.adopt(tmp_path / "app")
    async with serving(tmp_path / "none", token=None) as server:
        server.answer = 500
        await fetch_linked_content(workshop, number, head, head, f"{server.url}/app.git", None)
    assert (await workshop.checkout(number, head, Redactor())).facts.lfs_files == ("a.bin",)
