"""Clients that know nothing of localhub play a story each against it: octokit, git, PyGithub, gh, Probot.

    python -m tests.hub.clients.play            # all that can be had here
    python -m tests.hub.clients.play octokit    # one of them

octokit and Probot come from npm, by name, into a temporary directory; gh is a package of Debian's. What
cannot be had is said, and is no failure.
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
from github.Issue import Issue
from github.Repository import Repository

from tests.hub.clients.gh import play_gh
from tests.hub.clients.probot import play_probot
from tests.hub.clients.programs import CannotBeHad, install_from_npm, run
from tests.support.hub import Hub, running_hub

OCTOKIT = (
    "@octokit/rest@22", "@octokit/auth-app@8", "@octokit/plugin-throttling@11", "@octokit/plugin-retry@8",
)  # fmt: skip
HERE = Path(__file__).parent
NAME = "clients"


async def play_octokit(hub: Hub, folder: Path) -> str:
    """GitHub's own client, as an installation of the App."""
    await install_from_npm(folder, *OCTOKIT)
    shutil.copy(HERE / "octokit.mjs", folder)
    facts = {**hub.facts, "api_url": hub.api_url}
    env = {**os.environ, "HUB_FACTS": json.dumps(facts)}
    return await run("node", "octokit.mjs", cwd=folder, env=env)


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
            issue.set_labels("help wanted", "wontfix")
            assert [label.name for label in issue.get_labels()] == ["help wanted", "wontfix"]
            found = person.search_issues(f"repo:maintainer/{NAME} is:issue label:wontfix")
            assert [one.title for one in found] == ["By PyGithub"]
            work_around(person, repo, issue)

    await asyncio.to_thread(story)
    return "PyGithub: an issue, its comment, labels and milestone, a release, runs, searches\n"


def work_around(person: Github, repo: Repository, issue: Issue) -> None:
    """What programs ask about a repository beside its issues."""
    milestone = repo.create_milestone("By PyGithub", description="Soon")
    issue.edit(milestone=milestone, assignees=["maintainer"])
    assert repo.get_milestone(milestone.number).open_issues == 1
    assert [one.title for one in repo.get_issues(milestone=milestone)] == ["By PyGithub"]
    assert [one.login for one in repo.get_assignees()] == ["maintainer"]
    issue.lock("spam")
    issue.unlock()
    repo.replace_topics(["clients"])
    assert repo.get_topics() == ["clients"]
    assert repo.get_languages().keys() <= {"url"}, "which PyGithub itself puts there"
    release = repo.create_git_release("by-pygithub", "By PyGithub", "Notes")
    assert repo.get_release("by-pygithub").id == release.id
    assert "by-pygithub" in [tag.name for tag in repo.get_tags()]
    assert "by-pygithub" in [one.tag_name for one in repo.get_releases()]
    assert list(repo.get_workflows()) == [] and list(repo.get_workflow_runs()) == []
    first = repo.get_commits()[0]
    assert first.sha == repo.get_branch("main").commit.sha
    found = repo.get_contents("")
    assert isinstance(found, list) and [one.path for one in found] == ["code.txt"]
    assert [one.login for one in repo.get_contributors()] == ["maintainer"]
    assert "labeled" in [one.event for one in issue.get_events()]
    assert "workshop" in [one.login for one in person.get_user().get_orgs()]
    assert person.get_organization("workshop").login == "workshop"
    assert repo.full_name in [one.full_name for one in person.search_repositories("clients user:maintainer")]


CLIENTS: dict[str, Callable[[Hub, Path], Awaitable[str]]] = {
    "octokit": play_octokit,
    "git": play_git,
    "pygithub": play_pygithub,
    "gh": play_gh,
    "probot": play_probot,
}


async def main(names: list[str]) -> int:
    """Play the stories of these clients side by side, of all for none; how many failed."""
    with tempfile.TemporaryDirectory() as place:
        async with running_hub(Path(place)) as hub:
            await hub.seed_repo(NAME, {"code.txt": "whole\n"})
            played = [play(name, hub, Path(place) / f"client-{name}") for name in names or CLIENTS]
            return sum(await asyncio.gather(*played))


async def play(name: str, hub: Hub, folder: Path) -> bool:
    """Play one story in a folder of its own, and print how it went; whether it failed."""
    folder.mkdir()
    try:
        sys.stdout.write(await CLIENTS[name](hub, folder))
    except CannotBeHad as missing:
        sys.stdout.write(f"{name}: not played: {missing}\n")
    except (AssertionError, TimeoutError) as wrong:
        sys.stdout.write(f"{name}: FAILED: {type(wrong).__name__} {wrong}\n")
        return True
    return False


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
