"""The bare git repositories on disk: objects and refs through dulwich, diffs and merges through git."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from localhub.git import history
from localhub.git.history import LongHistory
from localhub.state import State

ZERO = "0" * 40


class GitError(Exception):
    """The git program failed; the text is its stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTrial:
    """A merge tried without a worktree: the tree it makes, None on conflicts."""

    tree: str | None


class GitStore:
    """Every repository, by the id of its row."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.program = shutil.which("git") or "/usr/bin/git"
        self.capabilities: tuple[dict[str, str], bytes] | None = None  # git's own, once it was asked
        self._locks: dict[int, asyncio.Lock] = {}

    def path(self, repo_id: int) -> Path:
        """The bare repository's directory."""
        return self._state.git_path(repo_id)

    def lock(self, repo_id: int) -> asyncio.Lock:
        """The lock to hold while refs move, so that the events of a push name exactly what it changed."""
        return self._locks.setdefault(repo_id, asyncio.Lock())

    def environment(
        self, settings: Mapping[str, str] | None = None, *more: tuple[str, str]
    ) -> dict[str, str]:
        """The whole environment of a git process: no configuration but ours; ``more`` come last."""
        # Without fsync a push is quicker, and a killed process loses nothing; a power cut may.
        usual = {"safe.directory": "*", "core.quotePath": "false", "gc.auto": "0", "core.fsync": "none"}
        config = [*(usual | dict(settings or {})).items(), *more]
        env = {
            "PATH": f"{Path(self.program).parent}{os.pathsep}{os.defpath}",
            "HOME": str(self._state.directory),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(config)),
        }
        for index, (key, value) in enumerate(config):
            env[f"GIT_CONFIG_KEY_{index}"] = key
            env[f"GIT_CONFIG_VALUE_{index}"] = value
        return env

    async def run(self, repo_id: int, *arguments: str, accept: Sequence[int] = (0,)) -> tuple[int, bytes]:
        """Run git in a repository: its exit code (one of ``accept``, else GitError) and output."""
        process = await asyncio.create_subprocess_exec(
            self.program, "--git-dir", str(self.path(repo_id)), *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=self.environment(),
        )  # fmt: skip
        out, err = await process.communicate()
        code = process.returncode or 0
        if code not in accept:
            raise GitError(f"git {arguments[0]} failed with {code}: {err.decode(errors='replace').strip()}")
        return code, out

    async def text(self, repo_id: int, *arguments: str) -> str:
        """The output of git as text."""
        return (await self.run(repo_id, *arguments))[1].decode(errors="replace")

    def create(self, repo_id: int, default_branch: str) -> None:
        """Make an empty bare repository."""
        path = self.path(repo_id)
        path.mkdir(parents=True)
        with Repo.init_bare(str(path)) as repo:
            repo.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(f"refs/heads/{default_branch}".encode()))
        shutil.rmtree(path / "hooks", ignore_errors=True)

    async def copy(self, source_id: int, repo_id: int) -> None:
        """Fill a fork from its parent."""
        spec = "+refs/heads/*:refs/heads/*"
        await self.run(repo_id, "fetch", "--quiet", "--no-tags", str(self.path(source_id)), spec)

    async def fetch_commit(self, source_id: int, repo_id: int, sha: str) -> None:
        """Fetch a commit of another repository (a fork) into this one."""
        if source_id != repo_id:
            await self.run(repo_id, "fetch", "--quiet", "--no-tags", str(self.path(source_id)), sha)

    def remove(self, repo_id: int) -> None:
        """Delete a repository's files."""
        shutil.rmtree(self.path(repo_id), ignore_errors=True)

    @contextmanager
    def open(self, repo_id: int) -> Iterator[Repo]:
        """The repository as dulwich sees it now."""
        with Repo(str(self.path(repo_id))) as repo:
            yield repo

    # refs

    def set_head(self, repo_id: int, branch: str) -> None:
        """Make a branch the default one."""
        with self.open(repo_id) as repo:
            repo.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(f"refs/heads/{branch}".encode()))

    def refs(self, repo_id: int, prefix: str = "refs/") -> dict[str, str]:
        """Full names of refs below a prefix, and what they point to."""
        with self.open(repo_id) as repo:
            return {
                name.decode(): sha.decode()
                for name, sha in sorted(repo.get_refs().items())
                if name.startswith(prefix.encode())
            }

    def ref(self, repo_id: int, name: str) -> str | None:
        """What a ref points to, by its full name."""
        with self.open(repo_id) as repo:
            try:
                return repo.refs[Ref(name.encode())].decode()
            except KeyError:
                return None

    def branch(self, repo_id: int, name: str) -> str | None:
        """The commit at a branch's head."""
        return self.ref(repo_id, f"refs/heads/{name}")

    def set_ref(self, repo_id: int, name: str, new: str | None, *, old: str | None) -> bool:
        """Move, create (``old`` None) or delete (``new`` None) a ref; False when it is not at ``old``."""
        with self.open(repo_id) as repo:
            ref = Ref(name.encode())
            if new is None:
                return repo.refs.remove_if_equals(ref, old.encode() if old else None)  # type: ignore[arg-type]
            if old is None:
                return repo.refs.add_if_new(ref, ObjectID(new.encode()))
            return repo.refs.set_if_equals(ref, ObjectID(old.encode()), ObjectID(new.encode()))

    def force_ref(self, repo_id: int, name: str, new: str) -> None:
        """Point a ref somewhere, wherever it was."""
        with self.open(repo_id) as repo:
            repo.refs[Ref(name.encode())] = ObjectID(new.encode())

    def resolve(self, repo_id: int, name: str) -> str | None:
        """The commit of a branch, tag, ref, full or short sha, or HEAD."""
        with self.open(repo_id) as repo:
            for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}", name):
                try:
                    return _peel_tags(repo, repo.refs[Ref(candidate.encode())])
                except (KeyError, ValueError):
                    continue
            if 4 <= len(name) <= 40 and all(letter in "0123456789abcdef" for letter in name.lower()):
                found = {bytes(sha) for sha in repo.object_store.iter_prefix(name.lower().encode())}
                if len(found) == 1:
                    return _peel_tags(repo, found.pop())
        return None

    # objects

    def get(self, repo_id: int, sha: str) -> ShaFile | None:
        """Any object by its full sha."""
        with self.open(repo_id) as repo:
            try:
                return repo[ObjectID(sha.encode())]
            except (KeyError, ValueError):
                return None

    def commit(self, repo_id: int, sha: str) -> Commit:
        """A commit that is known to exist."""
        found = self.get(repo_id, sha)
        if not isinstance(found, Commit):
            raise GitError(f"{sha} is not a commit")
        return found

    def entry(self, repo_id: int, commit_sha: str, path: str) -> tuple[int, str] | None:
        """(mode, sha) of a path in a commit's tree; the tree itself for the empty path."""
        with self.open(repo_id) as repo:
            sha = self.commit(repo_id, commit_sha).tree.decode()
            if not path:
                return 0o040000, sha
            tree = read_tree(repo, sha)
            try:
                mode, found = tree.lookup_path(repo.object_store.__getitem__, path.encode())
            except (KeyError, NotADirectoryError, ValueError):
                return None
            return mode, found.decode()

    def tree(self, repo_id: int, sha: str) -> Tree:
        """A directory that is known to exist."""
        with self.open(repo_id) as repo:
            return read_tree(repo, sha)

    def blob(self, repo_id: int, sha: str) -> bytes:
        """A file's content."""
        found = self.get(repo_id, sha)
        if not isinstance(found, Blob):
            raise GitError(f"{sha} is not a blob")
        return found.data

    def add(self, repo_id: int, obj: ShaFile) -> str:
        """Store an object and give its sha."""
        with self.open(repo_id) as repo:
            repo.object_store.add_object(obj)
        return obj.id.decode()

    # what a short history says is read here, the rest is git's

    async def merge_base(self, repo_id: int, left: str, right: str) -> str | None:
        """The best common ancestor, None for unrelated histories."""
        with suppress(LongHistory), self.open(repo_id) as repo:
            found = history.find_merge_bases(repo, ObjectID(left.encode()), ObjectID(right.encode()))
            if len(found) < 2:
                return next((sha.decode() for sha in found), None)
        code, out = await self.run(repo_id, "merge-base", left, right, accept=(0, 1))
        return out.decode().strip() if code == 0 else None

    async def commits(self, repo_id: int, *arguments: str) -> list[str]:
        """Shas by ``git rev-list``."""
        asked = history.read_ranges(arguments)
        if asked is not None:
            with suppress(LongHistory), self.open(repo_id) as repo:
                found = history.list_commits(repo, asked.heads, asked.excluded)[: asked.most]
                return [sha.decode() for sha in (reversed(found) if asked.reverse else found)]
        return (await self.text(repo_id, "rev-list", *arguments)).split()

    async def list_new_paths(self, repo_id: int, sha: str, folder: str) -> list[str]:
        """The paths below ``folder`` that a commit and those before it touched; no ref may have these yet."""
        with suppress(LongHistory), self.open(repo_id) as repo:
            known = {each for name, each in repo.get_refs().items() if name != b"HEAD"}
            new = history.list_commits(repo, [ObjectID(sha.encode())], known)
            return [path for path in history.list_touched_paths(repo, new) if path.startswith(folder)]
        command = ("log", "--format=", "--name-only", "-m", sha, "--not", "--all", "--", folder)
        return [line for line in (await self.text(repo_id, *command)).split("\n") if line]

    async def is_ancestor(self, repo_id: int, older: str, newer: str) -> bool:
        """Whether moving from one commit to the other is a fast-forward."""
        with suppress(LongHistory), self.open(repo_id) as repo:
            return history.is_ancestor(repo, ObjectID(older.encode()), ObjectID(newer.encode()))
        code, _ = await self.run(repo_id, "merge-base", "--is-ancestor", older, newer, accept=(0, 1))
        return code == 0

    async def diff(self, repo_id: int, base: str, head: str, *paths: str) -> str:
        """The unified diff between two commits, with renames and full blob ids."""
        options = ("--full-index", "--find-renames", "--no-color", "--no-ext-diff", "--no-textconv")
        return await self.text(repo_id, "diff", *options, base, head, "--", *paths)

    async def list_changed_paths(self, repo_id: int, sha: str) -> list[tuple[str, str]]:
        """(status letter, path) of what a commit changed against its first parent."""
        with suppress(LongHistory), self.open(repo_id) as repo:
            parents = self.commit(repo_id, sha).parents
            return history.list_changed_paths(repo, ObjectID(sha.encode()), parents[0] if parents else None)
        first = [parent.decode() for parent in self.commit(repo_id, sha).parents[:1]]
        options = ("-r", "-z", "--root", "--no-commit-id", "--name-status", "--no-renames", *first)
        parts = (await self.text(repo_id, "diff-tree", *options, sha)).split("\0")
        return list(zip(parts[0:-1:2], parts[1::2], strict=True))

    async def merge(self, repo_id: int, base: str, head: str) -> MergeTrial:
        """Try a merge of two commits."""
        with suppress(LongHistory), self.open(repo_id) as repo:
            left, right = ObjectID(base.encode()), ObjectID(head.encode())
            match history.find_merge_bases(repo, left, right):
                case found if found == {left}:
                    return MergeTrial(tree=self.commit(repo_id, head).tree.decode())
                case found if found == {right}:
                    return MergeTrial(tree=self.commit(repo_id, base).tree.decode())
        code, out = await self.run(
            repo_id, "merge-tree", "--write-tree", "--no-messages", base, head, accept=(0, 1)
        )
        return MergeTrial(tree=out.decode().split()[0] if code == 0 else None)


def read_tree(repo: Repo, sha: str) -> Tree:
    """A tree by its full sha; GitError when it is something else."""
    found = repo[ObjectID(sha.encode())]
    if not isinstance(found, Tree):
        raise GitError(f"{sha} is not a tree")
    return found


def _peel_tags(repo: Repo, sha: bytes) -> str | None:
    found = repo[ObjectID(sha)]
    while isinstance(found, Tag):
        found = repo[found.object[1]]
    return found.id.decode() if isinstance(found, Commit) else None
