"""Commits of the maintainer in a repository of the local hub, made and pushed without a process of git's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dulwich.objects import Commit, ObjectID

from localhub.auth import authenticate
from localhub.git.authoring import write_tree
from localhub.git.pushes import Move, move_ref
from localhub.hub import Hub
from localhub.state import Row

PERSON = ("Maintainer", "maintainer@users.example")
GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": PERSON[0], "GIT_COMMITTER_NAME": PERSON[0],
    "GIT_AUTHOR_EMAIL": PERSON[1], "GIT_COMMITTER_EMAIL": PERSON[1],
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "maintenance.auto", "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.fsync", "GIT_CONFIG_VALUE_1": "none",
}  # fmt: skip


class PushRefused(Exception):
    """A push that git would refuse, or a commit that it would not make."""


@dataclass
class Seed:
    """What the maintainer has of a repository: the branches that were pushed, and the last of them."""

    repo: Row
    current: str = "main"
    branches: dict[str, str] = field(default_factory=dict)


class Seeds:
    """The maintainer's repositories by name, as if each lay in a clone."""

    def __init__(self, hub: Hub, token: str | None) -> None:
        self._hub, self._token = hub, token
        self._seeds: dict[int, Seed] = {}

    def read(self, name: str) -> Seed:
        """What the maintainer has; of a hub that was started again the default branch."""
        state = self._hub.state
        repo = state.repo_by_name("maintainer", name) or state.repo_by_old_name("maintainer", name)
        if repo is None:
            raise PushRefused(f"there is no repository {name}")
        if repo["id"] not in self._seeds:
            seed = self._seeds[repo["id"]] = Seed(repo, repo["default_branch"])
            if head := self._hub.git.branch(repo["id"], seed.current):
                seed.branches[seed.current] = head
        seed = self._seeds[repo["id"]]
        seed.repo = repo
        return seed

    async def push(self, name: str, files: Mapping[str, str], message: str, branch: str) -> str:
        """Commit files on a branch and push it; the commit's sha. Raises PushRefused; ApiError for a rule."""
        hub, seed = self._hub, self.read(name)
        if seed.repo["archived"]:
            raise PushRefused("the repository is archived")
        parent = seed.branches.get(branch) or seed.branches.get(seed.current)
        before = hub.git.commit(seed.repo["id"], parent).tree.decode() if parent else None
        tree = write_tree(hub, seed.repo["id"], before, {path: text.encode() for path, text in files.items()})
        if tree == before:
            raise PushRefused("nothing to commit")
        commit = Commit()
        commit.tree = ObjectID(tree.encode())
        commit.parents = [ObjectID(parent.encode())] if parent else []
        commit.author = commit.committer = f"{PERSON[0]} <{PERSON[1]}>".encode()
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = f"{message}\n".encode()
        new = hub.git.add(seed.repo["id"], commit)
        hub.replicas.note_write(hub)
        actor = authenticate(hub.state, f"Bearer {self._token}")
        move = Move(ref=f"refs/heads/{branch}", old=seed.branches.get(branch), new=new)
        if not await move_ref(hub, actor, seed.repo, move):
            raise PushRefused("the branch has moved")
        seed.branches[branch], seed.current = new, branch
        return new


def clone(hub: Hub, seed: Seed, folder: Path, url: str, env: Mapping[str, str]) -> None:
    """The maintainer's clone of a repository, with ``url`` as its origin."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], env=env, check=True, capture_output=True)

    git("init", "-q", "-b", seed.current, str(folder))
    git("-C", str(folder), "remote", "add", "origin", url)
    objects = hub.git.path(seed.repo["id"]) / "objects"
    shutil.copytree(objects, folder / ".git" / "objects", copy_function=os.link, dirs_exist_ok=True)
    for branch, sha in seed.branches.items():
        for place in ("heads", "remotes/origin"):
            ref = folder / ".git" / "refs" / place / branch
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(f"{sha}\n")
    if seed.branches:
        git("-C", str(folder), "reset", "-q", "--hard")
