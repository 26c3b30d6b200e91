"""Mirrors: fetched with a token that is nowhere to be found, checked out without running anything."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bot.errors import HobError, Parked, Retry, UserError
from bot.git import program
from bot.git.checkout import Bounds, History
from bot.git.mirror import Mirror
from bot.git.program import make_environment
from bot.git.remote import NoAccess, Unauthorized
from tests.support.git import TOKEN, GitServer, bare, commit, git, serving, shell

COMMAND_KEYS = (
    *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.gitProxy", "core.askPass"),
    *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.external", "gpg.program"),
    *("diff.evil.textconv", "diff.evil.command", "merge.evil.driver", "uploadpack.packObjectsHook"),
    *("core.alternateRefsCommand", "alias.rev-parse", "alias.pack-objects", "pager.ls-tree"),
    *("credential.helper", "sequence.editor"),
)
MAIN = ["+refs/heads/main:refs/heads/main"]


@dataclass(frozen=True)
class Local:
    """A local repository's commit, and the bare copy of it."""

    sha: str
    repo: Path


async def local_tree(mirror: Mirror, path: Path, rev: str | None, into: Path) -> Local:
    """What `hob solve` does first: take the commit over, and write its tree."""
    number, sha = await mirror.adopt(path, rev or "HEAD")
    await mirror.materialise(number, sha, into)
    return Local(sha=sha, repo=mirror.path(number))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    where = tmp_path / "work"
    commit(where, {"README.md": "one\n", "src/run.sh": "!#!/bin/sh\n", "link": "-> README.md"}, "One")
    commit(where, {"README.md": "two\n", "docs/AGENTS.md": "-> ../README.md", "out": "-> /etc/passwd"}, "Two")
    return where


@pytest_asyncio.fixture
async def server(tmp_path: Path, work: Path) -> AsyncIterator[GitServer]:
    bare(tmp_path / "served" / "r.git", work)
    async with serving(tmp_path / "served") as running:
        yield running


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "mirrors")


async def _fetched(mirror: Mirror, server: GitServer) -> str:
    await mirror.fetch(7, f"{server.url}/r.git", token=TOKEN, refspecs=MAIN)
    sha = await mirror.resolve(7, "refs/heads/main")
    assert sha is not None
    return sha


async def test_a_branch_is_fetched_shallow_and_read(mirror: Mirror, server: GitServer, work: Path) -> None:
    sha = await _fetched(mirror, server)
    assert sha == git(work, "rev-parse", "main")
    assert git(mirror.path(7), "rev-list", "--count", "main") == "1"
    assert await mirror.resolve(7, "refs/heads/none") is None
    assert await mirror.resolve(7, "--help") is None
    assert await mirror.tree_paths(7, sha) == ["README.md", "docs/AGENTS.md", "link", "out", "src/run.sh"]
    assert await mirror.read_file(7, sha, "README.md") == b"two\n"
    assert await mirror.read_file(7, sha, "docs/AGENTS.md") == b"two\n"
    for nothing in ("out", "docs", "nothing", "README.md/x", "../x", "", "a\nb"):
        assert await mirror.read_file(7, sha, nothing) is None


async def test_a_later_fetch_moves_on_and_keeps_the_old_commit(
    mirror: Mirror, server: GitServer, work: Path
) -> None:
    first = await _fetched(mirror, server)
    second = commit(work, {"new": "x"})
    git(work, "push", "--quiet", str(server.root / "r.git"), "main")
    assert await _fetched(mirror, server) == second
    assert await mirror.resolve(7, first) == first
    await mirror.fetch(8, f"{server.url}/r.git", token=TOKEN, refspecs=MAIN, depth=None)
    assert git(mirror.path(8), "rev-list", "--count", "main") == "3"


async def test_the_token_is_in_no_argument_and_no_file(
    mirror: Mirror, server: GitServer, tmp_path: Path
) -> None:
    server.hang = True
    fetch = asyncio.create_task(mirror.fetch(7, f"{server.url}/r.git", token=TOKEN, refspecs=MAIN))
    await asyncio.wait_for(server.asked.wait(), 60)
    listing = shell("ps", "axww", "-o", "args")
    assert "remote-http" in listing
    assert TOKEN not in listing and "eC1hY2Nlc3M" not in listing
    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    server.hang = False
    await _fetched(mirror, server)
    for file in mirror.root.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (301, Retry, "moved"),
        (401, Unauthorized, "Contents"),
        (403, NoAccess, "Contents"),  # which both may pass: a limit on requests is refused like that too
        (404, NoAccess, "does not exist"),
        (429, Parked, "fewer"),
        (503, Retry, "503"),
    ],
)
async def test_what_the_server_answers_is_explained(
    mirror: Mirror, server: GitServer, status: int, kind: type[HobError], words: str
) -> None:
    server.answer = status
    with pytest.raises(kind, match=words) as raised:
        await mirror.fetch(7, f"{server.url}/r.git", token=TOKEN, refspecs=MAIN)
    assert TOKEN not in repr(raised.value) + getattr(raised.value, "log", "")
    assert not any("elsewhere" in line for line in server.requests)


async def test_a_missing_branch_and_a_dead_server_are_told_apart(mirror: Mirror, server: GitServer) -> None:
    with pytest.raises(UserError, match="refs/heads/gone does not exist"):
        await mirror.fetch(7, f"{server.url}/r.git", token=TOKEN, refspecs=["refs/heads/gone"])
    with pytest.raises(Retry, match="Failed to connect"):
        await mirror.fetch(7, "http://127.0.0.1:9/r.git", token=TOKEN, refspecs=MAIN)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/r.git",
        "file:///etc",
        "ext::sh -c touch% /tmp/x",
        "ssh://git@example.com/r",
        "git@example.com:r",
        "/tmp",
        "-u",
        "https://user:secret@example.com/r",
        "https:///r",
        "https://example.com/\nr",
    ],
)
async def test_other_addresses_are_refused_before_git_runs(mirror: Mirror, url: str) -> None:
    with pytest.raises(UserError):
        await mirror.fetch(7, url, token=TOKEN, refspecs=MAIN)
    assert not mirror.root.exists()


async def test_two_fetches_at_once_and_a_killed_one_do_no_harm(mirror: Mirror, server: GitServer) -> None:
    await asyncio.gather(*(_fetched(mirror, server) for _ in range(3)))
    for stale in ("shallow.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x"):
        (mirror.path(7) / stale).write_text("left")
    await _fetched(mirror, server)
    (mirror.path(7) / "HEAD").unlink()
    await _fetched(mirror, server)


async def test_a_checkout_is_exact_and_clean_also_when_copied(
    mirror: Mirror, server: GitServer, tmp_path: Path
) -> None:
    sha = await _fetched(mirror, server)
    into = tmp_path / "tree"
    await mirror.materialise(7, sha, into)
    assert (into / "README.md").read_bytes() == b"two\n"
    assert os.access(into / "src/run.sh", os.X_OK) and not os.access(into / "README.md", os.X_OK)
    assert (into / "link").readlink() == Path("README.md")
    assert git(into, "status", "--porcelain", "--ignored") == ""
    assert git(into, "log", "--format=%H %s") == f"{sha} Two"
    assert git(into, "remote") == "" and not (into / ".git/hooks").exists()
    git(into, "fsck", "--strict")
    copy = tmp_path / "copy"
    shell("cp", "-a", str(into), str(copy))
    assert git(copy, "status", "--porcelain") == ""
    (copy / "README.md").write_text("six\n")
    assert git(copy, "diff", "--stat").endswith("1 file changed, 1 insertion(+), 1 deletion(-)")
    with pytest.raises(ValueError, match="not empty"):
        await mirror.materialise(7, sha, into)


async def test_no_entry_of_the_index_has_to_be_read_again(
    mirror: Mirror, server: GitServer, tmp_path: Path
) -> None:
    sha = await _fetched(mirror, server)
    await mirror.materialise(7, sha, tmp_path / "tree")
    index = (tmp_path / "tree/.git/index").stat().st_mtime
    assert (tmp_path / "tree/README.md").stat().st_mtime == 1_700_000_000 < index
    assert time.time() - index < 60


async def test_the_index_of_names_of_every_length_is_one_that_git_would_have_written(
    mirror: Mirror, tmp_path: Path
) -> None:
    deep = "/".join(["d" * 250] * 10)
    names = [*("n" * length for length in range(1, 20)), f"{deep}/x", f"{deep}/{'y' * 200}", "ü\n", ".x y"]
    commit(tmp_path / "work", dict.fromkeys(names, "text\n"), "Names")
    tree = tmp_path / "tree"
    await local_tree(mirror, tmp_path / "work", None, tree)
    made = (tree / ".git/index").read_bytes()
    assert git(tree, "ls-files", "-z").split("\0")[:-1] == sorted(names, key=os.fsencode)
    assert git(tree, "diff-files", "--name-only") == ""
    git(tree, "update-index", "-q", "--refresh")
    assert (tree / ".git/index").read_bytes() == made  # there was nothing to refresh


async def test_a_name_leads_to_a_commit_through_tags_or_to_nothing(mirror: Mirror, tmp_path: Path) -> None:
    sha = commit(tmp_path / "work", {"README.md": "one\n"}, "One")
    number, _ = await mirror.adopt(tmp_path / "work")
    repo = mirror.path(number)
    for tag, of in (("light", sha), ("inner", sha), ("outer", "inner"), ("tree", f"{sha}^{{tree}}")):
        git(repo, "tag", *(("-a", "-m", "It") if tag in ("inner", "outer") else ()), tag, of)
    git(repo, "pack-refs", "--all")
    named = git(repo, "rev-parse", "outer")
    for found in ("refs/tags/light", "refs/tags/outer", named, sha):
        assert await mirror.resolve(number, found) == sha
    tree = git(repo, "rev-parse", f"{sha}^{{tree}}")
    for nothing in (
        "refs/tags/tree",
        tree,
        "f" * 40,
        "refs/heads/..",
        "refs/",
        "refs/heads/\ud800",
        f"{sha[:39]}g",
    ):
        assert await mirror.resolve(number, nothing) is None
    assert await mirror.resolve(5, sha) is None


async def test_attributes_have_no_effect(mirror: Mirror, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    files: dict[str, str | bytes | None] = {
        ".gitattributes": "*.txt text eol=crlf ident working-tree-encoding=UTF-16\n* filter=evil diff=evil\n",
        "a.txt": "$Id$\none\n",
        "b.bin": b"\r\n\0\r\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% {marker}\n',
    }
    commit(tmp_path / "work", {".gitignore": ""})
    local = tmp_path / "work"
    for name, content in files.items():
        raw = content if isinstance(content, bytes) else str(content).encode()
        blob = git(local, "hash-object", "-w", "--stdin", stdin=raw)
        git(local, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    git(local, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x")
    git(local, "commit", "--quiet", "-m", "attributes")
    await local_tree(mirror, local, None, tmp_path / "tree")
    for name, content in files.items():
        raw = content if isinstance(content, bytes) else str(content).encode()
        assert (tmp_path / "tree" / name).read_bytes() == raw
    assert git(tmp_path / "tree", "status", "--porcelain") == ""
    assert not marker.exists()


async def test_s72_a_hostile_local_repository_runs_nothing(mirror: Mirror, tmp_path: Path) -> None:
    marker, work = tmp_path / "marker", tmp_path / "work"
    sha = commit(work, {"a.txt": "a\n", ".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    before = {path: path.read_bytes() for path in (work / ".git").rglob("*") if path.is_file()}
    touch = f"touch {marker}"
    for key in COMMAND_KEYS:
        git(work, "config", key, touch)
    hooks = work / ".git" / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\n{touch}\n")
        (hooks / name).chmod(0o755)
    git(work, "config", "core.hooksPath", str(hooks))
    marker.unlink(missing_ok=True)
    local = await local_tree(mirror, work, None, tmp_path / "tree")
    again = await local_tree(mirror, work, "main", tmp_path / "again")
    assert local == again and local.sha == sha
    assert not marker.exists()
    assert (tmp_path / "tree/a.txt").read_text() == "a\n"
    after = {path: path.read_bytes() for path in before if path.name != "config"}
    assert after == {path: data for path, data in before.items() if path.name != "config"}


async def test_local_repositories_of_every_shape(mirror: Mirror, tmp_path: Path, work: Path) -> None:
    sha = git(work, "rev-parse", "HEAD")
    git(work, "worktree", "add", "--quiet", str(tmp_path / "linked"), "HEAD~1")
    linked = await local_tree(mirror, tmp_path / "linked", None, tmp_path / "a")
    assert linked.sha == git(work, "rev-parse", "HEAD~1")
    served = bare(tmp_path / "bare.git", work)
    assert (await local_tree(mirror, served, "main", tmp_path / "b")).sha == sha
    with pytest.raises(UserError, match="no commit 'nothing'"):
        await local_tree(mirror, work, "nothing", tmp_path / "c")
    with pytest.raises(UserError, match="is not a git repository"):
        await local_tree(mirror, tmp_path, None, tmp_path / "c")
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(UserError, match="no commit yet"):
        await local_tree(mirror, tmp_path / "empty", None, tmp_path / "c")


@pytest.mark.parametrize("name", [".GIT", "git~1", ".g\u200cit", ".git "])
async def test_s73_a_tree_with_gits_own_directory_in_disguise_is_refused(
    mirror: Mirror, tmp_path: Path, name: str
) -> None:
    served = tmp_path / "served" / "r.git"
    work = tmp_path / "work"
    commit(work, {"a": "a"})
    blob = git(work, "hash-object", "-w", "--stdin", stdin=b"evil")
    inner = git(work, "mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    tree = git(work, "mktree", stdin=f"040000 tree {inner}\t{name}\n".encode())
    sha = git(work, "commit-tree", "-m", "evil", tree)
    git(work, "update-ref", "refs/heads/main", sha)
    bare(served, work)
    async with serving(tmp_path / "served", None) as server:
        with pytest.raises(UserError, match="refuses"):
            await mirror.fetch(7, f"{server.url}/r.git", token=None, refspecs=MAIN)
    with pytest.raises(UserError, match="refuses"):
        await local_tree(mirror, work, None, tmp_path / "tree")


async def test_harmless_old_faults_are_fetched(mirror: Mirror, tmp_path: Path) -> None:
    work = tmp_path / "work"
    commit(work, {"a": "a"})
    tree = git(work, "rev-parse", "HEAD^{tree}")
    raw = f"tree {tree}\nauthor A <a@b> 1 +5190\ncommitter A <a@b> 1 +51800\n\nold\n".encode()
    sha = git(work, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw)
    git(work, "update-ref", "refs/heads/main", sha)
    bare(tmp_path / "served" / "r.git", work)
    async with serving(tmp_path / "served", None) as server:
        await mirror.fetch(7, f"{server.url}/r.git", token=None, refspecs=MAIN)
    assert await mirror.resolve(7, "refs/heads/main") == sha


async def test_a_tree_over_the_bounds_is_refused_before_it_is_written(tmp_path: Path, work: Path) -> None:
    for bounds in (Bounds(files=2), Bounds(bytes=10)):
        with pytest.raises(UserError, match="too large"):
            await local_tree(Mirror(tmp_path / "m", bounds=bounds), work, None, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
    small = Mirror(tmp_path / "m", read_limit=2)
    local = await local_tree(small, work, None, tmp_path / "tree")
    (tmp_path / "m" / "7.git").symlink_to(local.repo)
    with pytest.raises(UserError, match=r"README\.md is larger"):
        await small.read_file(7, local.sha, "README.md")


def plant_bomb(work: Path) -> str:
    """A commit of ten trees, each of which has the next one ten times: ten thousand million files."""
    git(work, "init", "--quiet", "--initial-branch=main")
    blob = git(work, "hash-object", "-w", "--stdin", stdin=b"small\n")
    rows = "".join(f"100644 blob {blob}\tf{n}\n" for n in range(10))
    for _ in range(10):
        tree = git(work, "mktree", stdin=rows.encode())
        rows = "".join(f"040000 tree {tree}\td{n}\n" for n in range(10))
    sha = git(work, "commit-tree", tree, "-m", "Grow")
    git(work, "update-ref", "refs/heads/main", sha)
    return sha


async def test_s59_a_small_pack_of_endlessly_many_files_is_refused(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "OUTPUT_BYTES", 4 << 20)
    work = tmp_path / "work"
    work.mkdir()
    bomb = plant_bomb(work)
    with pytest.raises(UserError, match=r"the repository is too large: what `git ls-tree` says"):
        await local_tree(mirror, work, None, tmp_path / "tree")
    number, _ = await mirror.adopt(work, "HEAD")
    with pytest.raises(UserError, match="too large"):
        await mirror.tree_paths(number, bomb)
    assert not (tmp_path / "tree").exists()


def test_nothing_of_this_process_reaches_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    env = make_environment()
    assert not {"GIT_DIR", "GIT_TRACE_CURL", "SSH_AUTH_SOCK", "GIT_EXEC_PATH"} & env.keys()


async def test_history_goes_as_far_as_it_may_and_takes_nothing_else_along(
    tmp_path: Path, work: Path, mirror: Mirror, server: GitServer
) -> None:
    for number in range(4):
        commit(work, {"README.md": f"{number}\n"}, f"More {number}")
    base = git(work, "rev-parse", "HEAD~4").strip()
    git(work, "checkout", "-q", "-b", "side", "HEAD~2")
    commit(work, {"side.txt": "x\n"}, "A side branch")
    git(work, "branch", "unseen")
    git(work, "checkout", "-q", "main")
    git(work, "merge", "-q", "--no-ff", "-m", "Merge", "side")
    bare(tmp_path / "served" / "h.git", work)
    url = f"{server.url}/h.git"
    for depth, most in ((1, 1), (3, 3), (50, 50)):
        await mirror.fetch(8, url, token=TOKEN, refspecs=[*MAIN, f"+{base}:refs/hob/b"], depth=depth)
        sha = await mirror.resolve(8, "refs/heads/main")
        assert sha is not None
        into = tmp_path / f"tree-{depth}"
        await mirror.materialise(8, sha, into, History(depth=most, base=base))
        assert git(into, "fsck", "--connectivity-only") == ""
        assert git(into, "status", "--porcelain") == ""
        log = git(into, "log", "--format=%s").splitlines()
        assert log[0] == "Merge" and len(log) <= most
        assert (len(log) > 4) == (depth == 50)
        assert "README.md" in git(into, "diff", "--stat", "base")
        assert git(into, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/base"]
        assert "3" in git(into, "blame", "-s", "README.md")
        assert TOKEN not in "".join(p.read_text("latin-1") for p in into.rglob("*") if p.is_file())


async def test_a_local_repositorys_history_is_taken_where_it_is_wanted(
    tmp_path: Path, work: Path, mirror: Mirror
) -> None:
    number, sha = await mirror.adopt(work)
    assert await mirror.list_history(number, sha, 50) == [sha]
    for _ in range(2):
        assert await mirror.adopt(work, sha, depth=50) == (number, sha)
        assert len(await mirror.list_history(number, sha, 50)) == 2
    await mirror.materialise(number, sha, tmp_path / "tree", History(depth=50))
    assert git(tmp_path / "tree", "log", "--format=%s").split() == ["Two", "One"]
