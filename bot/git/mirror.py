"""Bare mirrors, one per repository, fetched by the git program; and the trees and files read from them.

A mirror lives at ``root/<repository id>.git`` (the id survives renames) and is shallow unless asked
otherwise. Every writer of it holds an flock, so workers of several processes share one; leftovers of a
killed git are cleared under it.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from cachetools import LRUCache

from bot.errors import Retry, UserError
from bot.git import program
from bot.git.checkout import (
    NO_HISTORY,
    SHA,
    Bounds,
    History,
    check_files,
    check_sha,
    list_history,
    pack_commits,
    write_checkout,
)
from bot.git.paths import as_bytes, as_text, why_refused
from bot.git.program import GitFailed
from bot.git.remote import auth_config, check_url, classify_fetch_failure
from bot.git.trees import find_commit

FETCH_SECONDS = 900.0
LOCK_SECONDS = 960.0
MOST_POINTERS = 500
KEPT_ROWS = 200_000  # of the trees listed last: a row takes about 250 bytes
LINK = "120000"
_BARE_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"


class _TreeRow(NamedTuple):
    """What stands at a path: git's mode, "blob" or "commit" (a submodule), the object's name."""

    mode: str
    kind: str
    name: str


class Mirror:
    """All mirrors below one directory. ``read_limit`` is the most bytes that `read_file` returns."""

    def __init__(self, root: Path, *, bounds: Bounds | None = None, read_limit: int = 4 << 20) -> None:
        self.root = root
        self.bounds = bounds or Bounds()
        self.read_limit = read_limit
        self._trees: LRUCache[tuple[int, str], dict[str, _TreeRow]] = LRUCache(
            KEPT_ROWS, lambda tree: len(tree) + 1
        )

    def path(self, repo_id: int) -> Path:
        """Where the mirror of a repository is, or will be."""
        return self.root / f"{int(repo_id)}.git"

    async def fetch(
        self, repo_id: int, url: str, *, token: str | None, refspecs: Sequence[str], depth: int | None = 1
    ) -> None:
        """Fetch ``refspecs`` into the mirror (``depth`` None: the whole history).

        Raises ``UserError`` for what a person can mend (access, a missing branch), ``Retry`` or ``Parked``
        for the rest.
        """
        check_url(url)
        if not refspecs or any(spec.startswith("-") for spec in refspecs):
            raise ValueError(f"bad refspecs: {refspecs!r}")
        config = (*auth_config(url, token), ("protocol.https.allow", "always"))
        if url.startswith("http:"):
            config += (("protocol.http.allow", "always"),)
        history = () if depth is None else (f"--depth={depth}",)
        target = self.path(repo_id)
        async with self._hold_lock(target):
            await _prepare(target)
            try:
                await program.run(
                    target,
                    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
                    *("--no-auto-maintenance", "--force", *history, "--end-of-options", url, *refspecs),
                    config=config,
                    seconds=FETCH_SECONDS,
                    token=token,
                )
            except GitFailed as failed:
                raise classify_fetch_failure(failed.message) from failed

    async def remove(self, repo_id: int) -> bool:
        """Delete the mirror of a repository; returns whether there was one. The next fetch clones again."""
        target = self.path(repo_id)
        if not target.exists():
            return False
        async with self._hold_lock(target):
            await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        return True

    def list_by_use(self) -> list[tuple[Path, float]]:
        """Every mirror, and when it was last fetched into (seconds since 1970)."""
        listed = []
        for target in self.root.glob("*.git"):
            with suppress(FileNotFoundError):
                listed.append((target, target.with_suffix(".lock").stat().st_mtime))
        return listed

    async def remove_unused(self, target: Path, *, unused_since: float) -> bool:
        """Delete a mirror; False, and it stays, when it was fetched into after that time, or is now."""
        if target.with_suffix(".lock").stat().st_mtime > unused_since:
            return False
        async with self._hold_lock(target):
            await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        return True

    async def resolve(self, repo_id: int, ref: str) -> str | None:
        """The commit that ``ref`` (a full ref, branch or sha) names in the mirror, or None."""
        return await _resolve(self.path(repo_id), ref)

    async def materialise(self, repo_id: int, sha: str, into: Path, history: History = NO_HISTORY) -> None:
        """Write commit ``sha`` with a throw-away ``.git`` to ``into``, as ``checkout.write_checkout``
        says.
        """
        await write_checkout(self.path(repo_id), sha, into, bounds=self.bounds, history=history)

    async def list_history(self, repo_id: int, sha: str, depth: int) -> list[str]:
        """The commit and those before it that are here, ``depth`` at most."""
        return await list_history(self.path(repo_id), sha, depth)

    async def adopt(self, repo_path: Path, rev: str = "HEAD", *, depth: int = 1) -> tuple[int, str]:
        """Take one commit of a repository on disk, which is only read: a number for it here, and the commit.

        With as many commits before it as ``depth`` says, itself among them.

        Its working tree and uncommitted changes are not looked at. The number is negative, as no number of
        GitHub's is. Raises ``UserError`` when it is no repository, or has no such commit.
        """
        source = git_directory(repo_path)
        await _check_object_format(source, repo_path)
        sha = await _resolve(source, rev)
        if sha is None:
            what = "no commit yet" if rev == "HEAD" else f"no commit {rev!r}"
            raise UserError(f"the repository at {repo_path} has {what}", phase="prepare")
        number = -int(hashlib.sha256(os.fsencode(source)).hexdigest()[:15], 16)
        await self.adopt_as(source, sha, number, depth=depth)
        return number, sha

    async def adopt_as(self, source: Path, sha: str, number: int, *, depth: int = 1) -> None:
        """Take a commit of the git directory ``source``, under a number, with up to ``depth`` of history.

        Raises ``UserError`` without it.
        """
        target = self.path(number)
        async with self._hold_lock(target):
            await _prepare(target)
            here = await _resolve(target, sha) is not None
            if not here or depth > len(await list_history(target, sha, depth)):
                commits = await list_history(source, sha, depth)
                ends = await pack_commits(source, [sha], target, depth=depth)
                await asyncio.to_thread(_note_shallow, target, ends, set(commits) - set(ends))

    async def read_file(self, repo_id: int, sha: str, path: str) -> bytes | None:
        """One file's bytes at a commit; None when there is none. Links are followed inside the tree only.

        Raises ``UserError`` for a file over ``read_limit``.
        """
        if "\n" in path or why_refused(as_bytes(path)):
            return None
        if not _may_lead_somewhere(path, await self._list_tree(repo_id, sha)):
            return None
        target = self.path(repo_id)
        question = as_bytes(f"{check_sha(sha)}:{path}\n")
        answer = await program.run(target, "cat-file", "--batch-check", "--follow-symlinks", stdin=question)
        match answer.out.split(b"\n", 1)[0].split():
            case [name, b"blob", size]:
                if int(size) > self.read_limit:
                    raise UserError(f"{path} is larger than {self.read_limit >> 10} KiB", phase="prepare")
                return (await program.run(target, "cat-file", "blob", name.decode())).out
        return None

    async def read_files(self, repo_id: int, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Many files' bytes at a commit, by path, in two calls of git.

        Folders and files over ``read_limit`` are left out, as is what is not there. Of a link it is the name
        of the target, since none is followed.
        """
        target, tree = self.path(repo_id), await self._list_tree(repo_id, sha)
        wanted = [
            path for path in paths if path in tree and "\n" not in path and not why_refused(as_bytes(path))
        ]
        if not wanted:
            return {}
        question = b"".join(as_bytes(f"{check_sha(sha)}:{path}\n") for path in wanted)
        answer = await program.run(target, "cat-file", "--batch-check", stdin=question)
        named: dict[str, str] = {}
        for path, line in zip(wanted, answer.out.splitlines(), strict=True):
            match line.split():
                case [name, b"blob", size] if int(size) <= self.read_limit:
                    named[path] = name.decode("ascii")
        names = "".join(f"{name}\n" for name in named.values())
        out = (await program.run(target, "cat-file", "--batch", stdin=names.encode())).out
        files, at = {}, 0
        for path in named:
            begin = out.index(b"\n", at) + 1
            end = begin + int(out[at:begin].split()[2])
            files[path], at = out[begin:end], end + 1
        return files

    async def list_submodules(self, repo_id: int, sha: str) -> dict[str, str]:
        """The paths of a commit's submodules with the commits that they are pinned to."""
        tree = await self._list_tree(repo_id, sha)
        return {path: row.name for path, row in tree.items() if row.kind == "commit"}

    async def list_links(self, repo_id: int, sha: str) -> list[str]:
        """The paths of a commit's symbolic links; ``read_files`` has what is written in them."""
        return [path for path, row in (await self._list_tree(repo_id, sha)).items() if row.mode == LINK]

    async def read_lfs_pointers(self, repo_id: int, sha: str) -> dict[str, bytes]:
        """The files of a commit that stand for content in Git LFS, a bounded number, with their text.

        https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
        """
        pattern = "version https://git-lfs.github.com/spec/v1"
        found = await program.run(
            self.path(repo_id),
            *("grep", "-z", "--name-only", "--full-name", "-e", f"^{pattern}", check_sha(sha)),
            allowed=(0, 1),
        )
        names = (name.partition(b":")[2] for name in found.out.split(b"\0")[:-1])
        texts = await self.read_files(repo_id, sha, [as_text(name) for name in names][:MOST_POINTERS])
        return {path: text for path, text in texts.items() if text.startswith(pattern.encode())}

    async def tree_paths(self, repo_id: int, sha: str) -> list[str]:
        """Every file, link and submodule of a commit, sorted as git sorts; odd bytes are
        surrogate-escaped.
        """
        return list(await self._list_tree(repo_id, sha))

    async def tree_objects(self, repo_id: int, sha: str) -> dict[str, str]:
        """The paths of ``tree_paths`` with the name of the object that stands there: equal names, equal
        contents.
        """
        return {path: row.name for path, row in (await self._list_tree(repo_id, sha)).items()}

    async def _list_tree(self, repo_id: int, sha: str) -> Mapping[str, _TreeRow]:
        """What stands in a commit's tree by path, as git sorts; the last ones are kept."""
        key = (repo_id, check_sha(sha))
        kept = self._trees.get(key)
        if kept is not None:
            return kept
        listing = await program.run(self.path(repo_id), "ls-tree", "-r", "-z", "--full-tree", sha)
        check_files(listing.out.count(b"\0"), self.bounds)
        tree: dict[str, _TreeRow] = {}
        for line in listing.out.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, kind, name = about.decode("ascii").split()
            tree[as_text(path)] = _TreeRow(sys.intern(mode), sys.intern(kind), name)
        with suppress(ValueError):  # larger than all that is kept
            self._trees[key] = tree
        return tree

    @asynccontextmanager
    async def _hold_lock(self, target: Path) -> AsyncIterator[None]:
        """Hold the mirror's lock, across tasks and processes; a dead holder's lock is free."""
        target.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + LOCK_SECONDS
        with target.with_suffix(".lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Retry(f"another fetch of {target.name} does not end") from None
                    await asyncio.sleep(0.02)
            os.utime(lock.fileno())  # its time says when the mirror was last used
            yield


def _may_lead_somewhere(path: str, tree: Mapping[str, _TreeRow]) -> bool:
    """Whether there may be a file: it is in the tree, or a link stands on the way to it."""
    parts = path.split("/")
    ways = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return path in tree or any((row := tree.get(way)) is not None and row.mode == LINK for way in ways)


def _note_shallow(target: Path, ends: Sequence[str], whole: set[str]) -> None:
    """Note in a mirror that the history goes no further than ``ends``; of ``whole`` the parents are here."""
    file = target / "shallow"
    before = file.read_text().split() if file.exists() else []
    noted = sorted({*before, *ends} - whole)
    file.write_text("".join(f"{sha}\n" for sha in noted))


def git_directory(path: Path) -> Path:
    """The git directory of a repository on disk: a work tree, a linked work tree, or a bare one."""
    here = path.resolve()
    dot = here / ".git"
    if dot.is_file():
        content = dot.read_text(errors="replace").strip()
        if content.startswith("gitdir: "):
            dot = (here / content.removeprefix("gitdir: ")).resolve()
    for candidate in (dot, here):
        if (candidate / "HEAD").is_file() and (
            (candidate / "objects").is_dir() or (candidate / "commondir").is_file()
        ):
            return candidate
    above = next((folder for folder in here.parents if (folder / ".git").exists()), None)
    hint = f" but lies in one: give {above}" if above else ""
    raise UserError(f"{path} is not a git repository{hint}", phase="prepare")


async def _check_object_format(git_dir: Path, path: Path) -> None:
    """Raises UserError for a repository whose objects are not named by SHA-1, as GitHub's are."""
    named = (await program.run(git_dir, "rev-parse", "--show-object-format")).text
    if named != "sha1":
        raise UserError(
            f"{path} is a {named.upper().replace('SHA', 'SHA-')} repository, which is not supported: "
            "only repositories with SHA-1 object names are, as GitHub's are",
            phase="prepare",
        )


async def _prepare(target: Path) -> None:
    """Make the bare repository, or clear what a killed git left in it. The caller holds the lock."""
    if not (target / "HEAD").exists():
        await asyncio.to_thread(_make_bare, target)
        return
    await asyncio.to_thread(_clear_leftovers, target)


def _make_bare(target: Path) -> None:
    """An empty bare repository in the place of whatever is there. HEAD comes last: it says that all is."""
    shutil.rmtree(target, ignore_errors=True)
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        (target / folder).mkdir(parents=True)
    (target / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
    )
    (target / "HEAD").write_text("ref: refs/heads/main\n")


def _clear_leftovers(target: Path) -> None:
    for stale in (*target.rglob("*.lock"), *target.glob("objects/pack/tmp_*")):
        stale.unlink(missing_ok=True)


async def _resolve(git_dir: Path, ref: str) -> str | None:
    if ref.startswith("refs/") or (len(ref) == 40 and SHA.fullmatch(ref)):
        return await asyncio.to_thread(find_commit, git_dir, ref)
    args = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    try:
        return (await program.run(git_dir, *args)).text
    except GitFailed:
        return None
