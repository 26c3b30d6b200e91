"""One commit's tree on disk, byte for byte, with a throw-away ``.git`` so that ``git diff`` works in the
sandbox.

No attribute of the repository has any effect: ``info/attributes`` unsets every conversion (it beats all
``.gitattributes``), and no filter is configured. The tree becomes the lower layer of an overlay, where
inode, device and owner differ, so the throw-away configuration compares size and time only; all times are
set to the commit's, which also keeps the index from being "racily clean" (git would re-read every file on
each status).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import struct
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dulwich.objects import ObjectID
from dulwich.repo import Repo

from bot.errors import UserError
from bot.git.ignored import LEFT_OUT
from bot.git.program import GitFailed, run

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
RAW_ATTRIBUTES = "* -text !eol -ident -filter -working-tree-encoding\n"
GITLINK = b"160000"
_DIGEST_BYTES = 20  # at the end of an index

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = false
\tfilemode = true
\tsymlinks = true
\tlogallrefupdates = false
\tcheckStat = minimal
\ttrustctime = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
[user]
\tname = sandbox
\temail = sandbox@localhost
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a tree may be: a small pack can hold terabytes."""

    files: int = 300_000
    bytes: int = 8 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What of a commit's past a checkout has: ``depth`` commits, itself among them, as far as they are there.

    ``base`` is one more commit without its past, that a branch ``base`` names there; empty for none.
    """

    depth: int = 1
    base: str = ""


NO_HISTORY = History()


def check_sha(sha: str) -> str:
    """Return ``sha`` when it is a full object name; a bug of the caller otherwise."""
    if not SHA.fullmatch(sha):
        raise ValueError(f"not a full commit name: {sha!r}")
    return sha


async def write_checkout(
    git_dir: Path, sha: str, into: Path, *, bounds: Bounds, history: History = NO_HISTORY
) -> None:
    """Write the tree of commit ``sha`` and its ``.git`` below ``into``, which must be empty or missing.

    No branch, no remote and no configuration of ``git_dir`` comes along, and of its commits only what
    ``history`` says. Raises ``UserError`` for a tree that is too large or that git refuses to check out.
    """
    check_sha(sha)
    paths = await _list_paths_within(git_dir, sha, bounds)
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"{into} is not empty")
    dot_git = into / ".git"
    await asyncio.to_thread(_write_git_directory, dot_git, sha)
    tips = [sha, *([check_sha(history.base)] if history.base else [])]
    ends = await pack_commits(git_dir, tips, dot_git, depth=history.depth)
    await asyncio.to_thread(_write_refs, dot_git, ends, history.base)
    try:
        await run(dot_git, "read-tree", "-m", "-u", sha, work_tree=into, seconds=600)
    except GitFailed as failed:
        raise UserError(f"git refuses to check out {sha[:12]}: {failed.message}", phase="prepare") from failed
    await asyncio.to_thread(_set_times, git_dir, sha, into, paths)


def check_files(count: int, bounds: Bounds) -> None:
    """Raise UserError for a tree of more files than are taken, before each of them costs memory."""
    if count > bounds.files:
        raise UserError(
            f"the repository is too large: {count} files (the limit is {bounds.files})", phase="prepare"
        )


async def list_history(git_dir: Path, sha: str, depth: int) -> list[str]:
    """The commit ``sha`` and at most ``depth - 1`` before it, as far as they are there.

    The newest come first, and no merge among them has one of its parents and lacks another: git could not be
    told that.
    """
    if depth <= 1:
        return [check_sha(sha)]
    try:
        listed = await run(git_dir, "rev-list", "--parents", f"--max-count={depth}", check_sha(sha))
    except GitFailed:  # a parent is missing that the repository does not know to be missing
        return [sha]
    rows = [line.split() for line in listed.text.splitlines()]
    for count in range(len(rows), 1, -1):
        taken = [commit for commit, *_ in rows[:count]]
        merged = [parent for _, *parents in rows[:count] if len(parents) > 1 for parent in parents]
        whole = list(dict.fromkeys([*taken, *merged]))
        if len(whole) <= depth:
            return whole
    return [sha]


async def pack_commits(git_dir: Path, tips: list[str], to: Path, *, depth: int = 1) -> list[str]:
    """Write one pack into repository ``to``: the first of ``tips`` with ``depth`` commits of history, the
    others without any, and all their trees and blobs.

    Returns the commits whose parents are not all in the pack. Raises ``UserError`` for an incomplete commit.
    """
    commits = list(dict.fromkeys([*await list_history(git_dir, tips[0], depth), *tips]))
    args = ("pack-objects", "--revs", "--delta-base-offset", "--window=0", "--quiet")
    target = str(to / "objects" / "pack" / "pack")
    try:
        ends = await _find_ends(git_dir, commits)
        # Git writes below its object directory first and then renames, which must not cross file systems.
        env = {
            "GIT_OBJECT_DIRECTORY": str(to / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quote_path(str(_find_objects(git_dir))),
        }
        asked = "".join([*(f"--shallow {each}\n" for each in ends), *(f"{each}\n" for each in tips)])
        await run(git_dir, *args, target, stdin=asked.encode(), seconds=600, env=env)
    except GitFailed as failed:
        raise UserError(
            f"commit {tips[0][:12]} is not complete: {failed.message}", phase="prepare"
        ) from failed
    return ends


async def _find_ends(git_dir: Path, commits: list[str]) -> list[str]:
    """The ``commits`` that have a parent which is none of them: the history ends there.

    A commit's own text is asked, not the repository, whose history may end there too.
    """
    if len(commits) == 1:
        return commits
    asked = "".join(f"{each}\n" for each in commits).encode()
    answer = (await run(git_dir, "cat-file", "--batch", stdin=asked)).out
    known, ends, at = set(commits), [], 0
    for commit in commits:
        head, _, rest = answer[at:].partition(b"\n")
        size = int(head.split()[2])
        parents = re.findall(rb"^parent ([0-9a-f]+)$", rest[:size].partition(b"\n\n")[0], re.MULTILINE)
        if any(parent.decode("ascii") not in known for parent in parents):
            ends.append(commit)
        at += len(head) + 1 + size + 1
    return ends


def _find_objects(git_dir: Path) -> Path:
    """The directory of a repository's objects, which a linked work tree has from another one.

    https://git-scm.com/docs/gitrepository-layout
    """
    common = git_dir / "commondir"
    above = git_dir / os.fsdecode(common.read_bytes().removesuffix(b"\n")) if common.is_file() else git_dir
    return (above / "objects").resolve()


def _quote_path(path: str) -> str:
    """A path in quotes, as git takes it in a colon-separated list, so that it may hold colons itself."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _list_paths_within(git_dir: Path, sha: str, bounds: Bounds) -> list[bytes]:
    """The paths of a tree's files and links. Raises UserError when the tree is not within ``bounds``."""
    try:
        listing = await run(git_dir, "ls-tree", "-r", "-l", "-z", "--full-tree", sha)
    except GitFailed as failed:
        raise UserError(f"commit {sha[:12]} cannot be read: {failed.message}", phase="prepare") from failed
    check_files(listing.out.count(b"\0"), bounds)
    paths, total = [], 0
    for record in listing.out.split(b"\0")[:-1]:
        about, path = record.split(b"\t", 1)
        mode, _kind, _name, size = about.split()
        if mode != GITLINK:
            paths.append(path)
            total += int(size)
    if total > bounds.bytes:
        raise UserError(
            f"the repository is too large: {total >> 20} MiB (the limit is {bounds.bytes >> 20} MiB)",
            phase="prepare",
        )
    return paths


def _write_git_directory(dot_git: Path, sha: str) -> None:
    for folder in ("objects/pack", "objects/info", "refs/heads", "info"):
        (dot_git / folder).mkdir(parents=True)
    (dot_git / "HEAD").write_text(sha + "\n")
    (dot_git / "config").write_text(_CONFIG)
    (dot_git / "info" / "attributes").write_text(RAW_ATTRIBUTES)
    (dot_git / "info" / "exclude").write_text("".join(f"{pattern}\n" for pattern in LEFT_OUT))


def _write_refs(dot_git: Path, ends: list[str], base: str) -> None:
    (dot_git / "shallow").write_text("".join(f"{end}\n" for end in ends))
    if base:
        (dot_git / "refs" / "heads" / "base").write_text(f"{base}\n")


def _set_times(git_dir: Path, sha: str, into: Path, paths: list[bytes]) -> None:
    """Give every file the time of the commit, in the past in any case, and note it in the index."""
    at = min(_read_commit_time(git_dir, sha), int(time.time()) - 10)
    root = os.open(into, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path in paths:
            os.utime(path, (at, at), dir_fd=root, follow_symlinks=False)
    finally:
        os.close(root)
    index = into / ".git" / "index"
    index.write_bytes(_with_times(index.read_bytes(), at))


def _read_commit_time(git_dir: Path, sha: str) -> int:
    """When a commit was made, in seconds since 1970; 0 where it does not say so."""
    with closing(Repo(str(git_dir))) as opened:
        head = opened.object_store[ObjectID(sha.encode("ascii"))].as_raw_string().partition(b"\n\n")[0]
    found = re.search(rb"^committer .*> (\d{1,12})(?: |$)", head, re.MULTILINE)
    return int(found[1]) if found else 0


def _with_times(index: bytes, at: int) -> bytes:
    """An index in which every file was changed at ``at``.

    What else it knows of files is looked at by nobody (``_CONFIG``). Asking git to look at all of them again
    takes longer than to write them. https://git-scm.com/docs/index-format
    """
    mark, version, count = struct.unpack_from(">4sII", index)
    if (mark, version) != (b"DIRC", 2):
        raise ValueError(f"git wrote an index of version {version}, which is not known here")
    data, place, changed = bytearray(index[:-_DIGEST_BYTES]), 12, struct.pack(">II", at, 0)
    for _ in range(count):
        data[place + 8 : place + 16] = changed
        name = place + 62
        length = (data[name - 2] & 0xF) << 8 | data[name - 1]
        if length == 0xFFF:  # or longer
            length = data.index(b"\0", name) - name
        place += (62 + length) // 8 * 8 + 8
    return bytes(data) + hashlib.sha1(data, usedforsecurity=False).digest()
