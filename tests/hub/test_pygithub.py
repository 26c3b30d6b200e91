"""PyGithub, a client that knows nothing of us, works against the local GitHub: as a person and as an App."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from github import Auth, Github, GithubException, GithubIntegration
from github.Repository import Repository

from tests.support.hub import Hub, running_hub

QUICK: dict[str, Any] = {"seconds_between_requests": 0.0, "seconds_between_writes": 0.0, "retry": None}


def make_repository(person: Github) -> Repository:
    """A repository with a file and a branch that changes it."""
    repo = person.get_user().create_repo("greetings", auto_init=True)
    repo.create_file("hello.py", "Say hello", 'def hello():\n    return "helo"\n')
    head = repo.get_branch("main").commit.sha
    repo.create_git_ref("refs/heads/hob/1-hello", head)
    old = repo.get_contents("hello.py", ref="hob/1-hello")
    assert not isinstance(old, list)
    repo.update_file(
        "hello.py", "Spell it", 'def hello():\n    return "hello"\n', old.sha, branch="hob/1-hello"
    )
    return repo


def talk(repo: Repository) -> None:
    """Issues, labels, comments, reactions."""
    issue = repo.create_issue("helo", "@hob please", labels=["bug"])
    assert [label.name for label in issue.labels] == ["bug"]
    comment = issue.create_comment("On it")
    comment.create_reaction("eyes")
    comment.edit("Done")
    assert [(item.body, item.user.login) for item in issue.get_comments()] == [("Done", repo.owner.login)]
    assert [item.content for item in comment.get_reactions()] == ["eyes"]
    issue.edit(state="closed")
    assert repo.get_issue(issue.number).state == "closed"
    with pytest.raises(GithubException, match="404"):
        repo.get_issue(99)


def work_as_app(integration: GithubIntegration, repo: Repository) -> None:
    """What a bot does: read, open a draft, review it, report a check."""
    installation = integration.get_repo_installation(repo.owner.login, repo.name)
    bot = installation.get_github_for_installation()
    mine = bot.get_repo(repo.full_name)
    issue = mine.get_issue(1)
    answer = issue.create_comment("I opened a pull request.")
    assert answer.user.login == "hob[bot]"
    pull = mine.create_pull(base="main", head="hob/1-hello", title="Spell hello", body="Fixes #1", draft=True)
    assert pull.draft and pull.user.type == "Bot"
    assert [file.filename for file in pull.get_files()] == ["hello.py"]
    commit = mine.get_commit(pull.head.sha)
    spot: Any = {"path": "hello.py", "line": 2, "side": "RIGHT", "body": "Two l."}
    review = pull.create_review(commit=commit, body="One place", event="COMMENT", comments=[spot])
    [comment] = pull.get_review_comments()
    assert review.user.login == "hob[bot]"
    reply = pull.create_review_comment_reply(comment.id, "Indeed")
    assert reply.in_reply_to_id == comment.id
    run = mine.create_check_run("hob", pull.head.sha, status="in_progress")
    run.edit(status="completed", conclusion="success", output={"title": "Passed", "summary": "All of it"})
    assert [item.conclusion for item in commit.get_check_runs()] == ["success"]
    with pytest.raises(GithubException, match="422"):
        mine.create_pull(base="main", head="hob/1-hello", title="Again", body="")
    bot.close()


def merge(repo: Repository) -> None:
    """A person approves by merging."""
    pull = repo.get_pull(2)
    pull.mark_ready_for_review()
    assert pull.merge(merge_method="squash").merged
    assert repo.get_pull(2).merged


async def test_pygithub_works_against_the_local_github(tmp_path: Path) -> None:
    def session(hub: Hub) -> None:
        token = Auth.Token(hub.users["maintainer"]["token"])
        person = Github(auth=token, base_url=hub.api_url, **QUICK)
        auth = Auth.AppAuth(hub.app_id, hub.private_key)
        integration = GithubIntegration(auth=auth, base_url=hub.api_url, **QUICK)
        assert integration.get_app().slug == "hob"
        repo = make_repository(person)
        talk(repo)
        work_as_app(integration, repo)
        merge(repo)
        integration.close()
        person.close()

    async with running_hub(tmp_path) as running:
        await asyncio.to_thread(session, running)
