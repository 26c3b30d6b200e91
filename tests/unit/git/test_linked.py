"""Submodules and LFS content: taken from disk or from the repository's own host, and checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from aiohttp import web

from bot.git.linked.content import LfsFile, LinkedContent, resolve_address
from bot.git.linked.lfs import download_objects
from bot.git.mirror import Mirror
from tests.support.git import bare, commit, git, serving

HOME = "https://github.com/octo/app.git"
DATA = b"n\n1\n2\n3\n"
OID = hashlib.sha256(DATA).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(DATA)}\n"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com/octo/lib.git", "https://github.com/octo/lib.git"),
        ("../lib.git", "https://github.com/octo/lib.git"),
        ("../../other/lib", "https://github.com/other/lib"),
        ("git@github.com:octo/lib.git", "https://github.com/octo/lib.git"),
        ("ssh://git@github.com/octo/lib.git", "https://github.com/octo/lib.git"),
        ("https://evil.example/octo/lib.git", ""),
        ("https://github.com.evil.example/lib", ""),
        ("https://user:pw@github.com/octo/lib", ""),
        ("http://github.com/octo/lib", ""),
        ("http://127.0.0.1:8080/x", ""),
        ("file:///etc", ""),
        ("/etc/passwd", ""),
        ("ext::sh -c id", ""),
        ("--upload-pack=id", ""),
        ("", ""),
    ],
)
def test_addresses_stay_on_the_repository_s_host(url: str, address: str) -> None:
    assert resolve_address(HOME, url) == address


def with_submodule(root: Path, url: str, pin: str, path: str = "vendor") -> str:
    commit(root, {".gitmodules": f'[submodule "v"]\n\tpath = {path}\n\turl = {url}\n', "a.py": ""})
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{pin},{path}")
    git(root, "commit", "--quiet", "-m", "Add it")
    return git(root, "rev-parse", "HEAD")


@pytest.mark.parametrize("path", ["vendor", "deep/lib x"])
async def test_a_submodule_is_fetched_at_its_pin(tmp_path: Path, path: str) -> None:
    pin = commit(tmp_path / "lib", {"lib.py": "base = 1\n"})
    commit(tmp_path / "lib", {"lib.py": "base = 2\n"})
    bare(tmp_path / "served" / "lib.git", tmp_path / "lib")
    with_submodule(tmp_path / "app", "../lib.git", pin, path)
    linked = LinkedContent(Mirror(tmp_path / "mirrors"))
    number, sha = await Mirror(tmp_path / "mirrors").adopt(tmp_path / "app")
    async with serving(tmp_path / "served", token=None) as server:
        await linked.fetch_submodules(number, sha, f"{server.url}/app.git", None)
    survey = await linked.survey(number, sha)
    assert not survey.missing_modules
    await linked.write(number, survey, tmp_path / "tree")
    assert (tmp_path / "tree" / path / "lib.py").read_text() == "base = 1\n"
    assert not (tmp_path / "tree" / path / ".git").exists()


async def test_what_cannot_be_fetched_is_missing(tmp_path: Path) -> None:
    with_submodule(tmp_path / "app", "../none.git", "1" * 40)
    mirror = Mirror(tmp_path / "mirrors")
    number, sha = await mirror.adopt(tmp_path / "app")
    async with serving(tmp_path, token=None) as server:
        await LinkedContent(mirror).fetch_submodules(number, sha, f"{server.url}/app.git", None)
    survey = await LinkedContent(mirror).survey(number, sha)
    assert survey.missing_modules == ("vendor",) and survey.digest == ""


async def test_a_local_repository_s_own_copies_are_taken(tmp_path: Path) -> None:
    app = tmp_path / "app"
    pin = commit(tmp_path / "lib", {"lib.py": "base = 1\n"})
    commit(
        app,
        {
            ".gitattributes": "*.csv filter=lfs -text\n",
            "data/a.csv": POINTER,
            "b.csv": POINTER.replace("size 8", "size 9"),
        },
    )
    with_submodule(app, "https://github.com/octo/lib.git", pin)
    git(tmp_path / "lib", "clone", "--quiet", "--bare", ".", str(app / ".git" / "modules" / "v"))
    store = app / ".git" / "lfs" / "objects" / OID[:2] / OID[2:4]
    store.mkdir(parents=True)
    (store / OID).write_bytes(DATA)
    mirror = Mirror(tmp_path / "mirrors")
    number, sha = await mirror.adopt(app)
    linked = LinkedContent(mirror)
    await linked.adopt(app, number, sha)
    survey = await linked.survey(number, sha)
    assert (survey.missing_modules, survey.missing_files) == ((), ())
    await linked.write(number, survey, tmp_path / "tree")
    assert (tmp_path / "tree" / "data" / "a.csv").read_bytes() == DATA
    assert (tmp_path / "tree" / "vendor" / "lib.py").exists()


@pytest.mark.parametrize(
    ("served", "kept"), [(DATA, True), (b"other!\n\n", False), (DATA + b"more", False), (b"", False)]
)
async def test_lfs_objects_are_downloaded_and_checked(tmp_path: Path, served: bytes, kept: bool) -> None:
    async def batch(request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("Basic ")
        (asked,) = (await request.json())["objects"]
        href = str(request.url.with_path("/object"))
        return web.json_response(
            {"objects": [{**asked, "actions": {"download": {"href": href, "header": {"X-Key": "k"}}}}]}
        )

    async def give(request: web.Request) -> web.Response:
        assert request.headers["X-Key"] == "k" and "Authorization" not in request.headers
        return web.Response(body=served)

    app = web.Application()
    app.add_routes([web.post("/o/r.git/info/lfs/objects/batch", batch), web.get("/object", give)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/o/r.git"
        await download_objects(url, [LfsFile(path="a", oid=OID, size=len(DATA))], "secret", tmp_path)
    finally:
        await runner.cleanup()
    assert [path.name for path in tmp_path.iterdir()] == ([OID] if kept else [])
