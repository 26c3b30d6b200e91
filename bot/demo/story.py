"""What happens in the demo: a repository with a bug, an issue with a mention, and somebody who watches."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import tempfile
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import aiohttp

from bot.errors import HobError

TITLE = "Orders of exactly 100.00 get no discount"
BODY = """The price list says 5 % **from 100.00 on**, but an order of exactly 100.00 is charged in full.
The same happens at 500.00, where it should be 10 %.

@hob please fix this
"""


def demo_repository(into: Path) -> None:
    """Write the example repository into a new folder and commit it."""
    _copy(files("bot.demo") / "repository", into)
    git(into, "init", "--quiet", "--initial-branch=main")
    git(into, "add", "--all")
    git(into, "commit", "--quiet", "--message=Add up orders")


def check_repository(path: Path) -> None:
    """Raises HobError that says why, when ``path`` cannot be pushed to the local GitHub."""
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    try:
        git(path, "rev-parse", "--git-dir", env=safe)
    except HobError:
        raise HobError(f"--repo: {path} is not a git repository") from None
    try:
        git(path, "rev-parse", "--verify", "--quiet", "HEAD", env=safe)
    except HobError:
        raise HobError(f"--repo: the repository at {path} has no commit yet") from None
    if git(path, "rev-parse", "--is-shallow-repository", env=safe).strip() == "true":
        raise HobError(f"--repo: {path} is a shallow clone; run `git fetch --unshallow` in it first")


def _copy(source: Traversable, into: Path) -> None:
    """Files are kept with ``.txt`` behind their names so that no tool takes them for Hob's own code."""
    into.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, into / item.name)
            continue
        name = item.name.removesuffix(".txt")
        (into / (f".{name}" if name == "gitignore" else name)).write_bytes(item.read_bytes())


def git(path: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    """Run git in a repository of the user's. Raises HobError with git's own message."""
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "maintainer"), ("EMAIL", "maintainer@localhost"))
    }
    done = subprocess.run(
        ["git", "-C", str(path), *arguments],
        env={"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull}
        | identity
        | (env or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise HobError(f"git {arguments[0]} in {path}: {done.stderr.strip()}")
    return done.stdout


class Maintainer:
    """A person with a browser, played through the hub's REST API with a personal token."""

    def __init__(self, session: aiohttp.ClientSession, hub: dict[str, Any]) -> None:
        self._session = session
        self._hub = hub
        self.login: str = hub["users"]["maintainer"]["login"]
        self._token: str = hub["users"]["maintainer"]["token"]

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One REST call. Raises HobError with the answer when it is refused."""
        headers = {"authorization": f"token {self._token}", "accept": "application/vnd.github+json"}
        url = f"{self._hub['api_url']}{path}"
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            if answer.status >= 400:
                raise HobError(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def publish(self, repository: Path, name: str) -> str:
        """Create a repository on the hub and push HEAD to its default branch; returns ``owner/name``."""
        made = await self.call("POST", "/user/repos", {"name": name})
        secret = base64.b64encode(f"{self.login}:{self._token}".encode()).decode()
        header = {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
        }
        target = f"HEAD:refs/heads/{made['default_branch']}"
        git(repository, "push", "--quiet", "--no-verify", made["clone_url"], target, env=header)
        return str(made["full_name"])


async def create_repository(maintainer: Maintainer, repo: Path | None) -> str:
    """Put the example, or the repository at ``repo``, on the local GitHub; returns ``owner/name``."""
    if repo is not None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", repo.resolve().name).strip("-.")
        return await maintainer.publish(repo, name or "repository")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "invoice"
        demo_repository(path)
        return await maintainer.publish(path, "invoice")
