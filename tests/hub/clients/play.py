"""Clients that know nothing of localhub play a story each against it: octokit, git, PyGithub.

    python -m tests.hub.clients.play            # all that can be had here
    python -m tests.hub.clients.play octokit    # one of them

octokit comes from npm, by name, into a temporary directory. What cannot be had is said, and is no failure.
Whatever passes is judged by GitHub's own descriptions, as in every test.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from github import Auth, Github

from tests.support.hub import Hub, running_hub

OCTOKIT = ("@octokit/rest@22", "@octokit/auth-app@8")
HERE = Path(__file__).parent
SECONDS = 300.0
NAME = "clients"


class CannotBeHad(Exception):
    """A client is not on this machine, and cannot be fetched."""


async def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a program printed. Raises AssertionError with that when it failed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    text = said.decode(errors="replace")
    assert process.returncode == 0, f"{' '.join(command)}\n{text}"
    return text


async def play_octokit(hub: Hub, folder: Path) -> str:
    """GitHub's own client, as an installation of the App."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise CannotBeHad("Node.js and npm are not here")
    (folder / "package.json").write_text('{"private": true}')
    try:
        await run("npm", "install", "--silent", "--no-audit", "--no-fund", *OCTOKIT, cwd=folder)
    except AssertionError as failed:
        raise CannotBeHad(f"npm cannot fetch it: {failed}") from None
    shutil.copy(HERE / "octokit.mjs", folder)
    facts = {**hub.facts, "api_url": hub.api_url}
    return await run("node", "octokit.mjs", cwd=folder, env={"HUB_FACTS": json.dumps(facts)})


async def play_git(hub: Hub, folder: Path) -> str:
    """Plain git: clone, a branch, a push, and the redirect of a renamed repository."""
    token = hub.as_maintainer.token
    await hub.git("clone", "-q", hub.git_url(NAME, token), "work", cwd=folder)
    work = folder / "work"
    await hub.git("checkout", "-q", "-b", "by-git", cwd=work)
    (work / "git.txt").write_text("git\n")
    await hub.git("add", "-A", cwd=work)
    await hub.git("commit", "-q", "-m", "By git", cwd=work)
    await hub.git("push", "-q", "origin", "by-git", cwd=work)
    made = await hub.as_maintainer.post("/user/repos", {"name": "before", "auto_init": True})
    await hub.as_maintainer.patch(f"/repos/{made['full_name']}", {"name": "after"})
    await hub.git("clone", "-q", hub.git_url("before", token), "renamed", cwd=folder)
    assert (folder / "renamed" / "README.md").exists()
    return "git: clone, push, a renamed repository\n"


async def play_pygithub(hub: Hub, folder: Path) -> str:
    """PyGithub, as a person."""
    token = hub.as_maintainer.token
    assert token is not None

    def story() -> None:
        with Github(auth=Auth.Token(token), base_url=hub.api_url, retry=None) as person:
            repo = person.get_repo(f"maintainer/{NAME}")
            issue = repo.create_issue("By PyGithub", labels=["bug"])
            issue.create_comment("One")
            assert [comment.body for comment in issue.get_comments()] == ["One"]

    await asyncio.to_thread(story)
    return "PyGithub: an issue and its comment\n"


CLIENTS: dict[str, Callable[[Hub, Path], Awaitable[str]]] = {
    "octokit": play_octokit,
    "git": play_git,
    "pygithub": play_pygithub,
}


async def main(names: list[str]) -> int:
    """Play the stories of these clients, of all for none; how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        async with running_hub(Path(place)) as hub:
            await hub.seed_repo(NAME, {"code.txt": "whole\n"})
            for name in names or CLIENTS:
                folder = Path(place) / f"client-{name}"
                folder.mkdir()
                try:
                    sys.stdout.write(await CLIENTS[name](hub, folder))
                except CannotBeHad as missing:
                    sys.stdout.write(f"{name}: not played: {missing}\n")
                except AssertionError as wrong:
                    failed += 1
                    sys.stdout.write(f"{name}: FAILED: {wrong}\n")
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
