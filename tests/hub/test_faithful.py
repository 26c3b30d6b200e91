"""The local GitHub against GitHub's own descriptions: each operation, webhook and GraphQL field it has.

One story goes through all resources, as people and as an App would. Every exchange is judged by the fixture
(`tests.support.github_spec.spec_middleware`); the parts at the end see that nothing served was left out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)

import localhub
from localhub.server import TABLES
from tests.support.github_spec import find_operation, graphql_schema
from tests.support.hub import Client, Hub, running_hub
from tests.support.sign_in import consent, exchange

PROGRAM = 'def half(number):\n    """Half of it."""\n    return number // 3\n'
FIXED = PROGRAM.replace("// 3", "// 2")
REPO = "/repos/maintainer/halves"

# What the hub tells Apps of in the story. ``event`` stands for events without actions.
TOLD = frozenset(
    """
    ping.event installation.created installation_repositories.added installation_repositories.removed
    installation.suspend installation.unsuspend
    installation.deleted push.event create.event delete.event
    issues.opened issues.edited issues.labeled issues.unlabeled issues.closed issues.reopened
    issue_comment.created issue_comment.edited issue_comment.deleted
    pull_request.opened pull_request.edited pull_request.synchronize pull_request.labeled pull_request.closed
    pull_request.reopened pull_request.ready_for_review pull_request.converted_to_draft
    pull_request.review_requested pull_request.review_request_removed
    pull_request_review.submitted pull_request_review.edited pull_request_review.dismissed
    pull_request_review_comment.created pull_request_review_comment.edited pull_request_review_comment.deleted
    check_run.created check_run.completed check_run.rerequested check_run.requested_action
    issues.assigned issues.unassigned issues.milestoned issues.demilestoned issues.locked issues.unlocked
    issues.pinned issues.unpinned issues.deleted issues.transferred
    check_suite.rerequested pull_request.enqueued pull_request.dequeued
    merge_group.checks_requested merge_group.destroyed
    discussion.created discussion_comment.created discussion_comment.edited
    """.split()  # noqa: SIM905
)


class Caller:
    """Somebody's calls of the REST API; an answer with another status than expected fails the test."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        accept: str = "application/vnd.github+json",
    ) -> Any:
        answer = await self._client.send(method, path, body, headers={"Accept": accept})
        assert answer.status == status, f"{method} {path} -> {answer.status}: {answer.text[:600]}"
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.data if is_json else answer.text


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub whose webhooks go nowhere."""
    async with running_hub(tmp_path, "http://127.0.0.1:9/webhook") as running:
        yield running


async def organise(person: Caller, other: Caller) -> None:
    """Repositories, people, labels."""
    await person(
        "POST", "/user/repos", {"name": "halves", "auto_init": True, "description": "Halves"}, status=201
    )
    await person("POST", "/user/repos", {"name": "halves"}, status=422)
    await person("POST", "/user/repos", {"name": "spare", "private": True}, status=201)
    await person("POST", "/orgs/workshop/repos", {"name": "tools"}, status=201)
    await person("GET", REPO)
    await person("PATCH", REPO, {"description": "Halves of numbers", "homepage": "https://example.com"})
    await person("GET", "/user/repos?per_page=2&page=1")
    await person("GET", "/users/maintainer/repos")
    await person("GET", "/user")
    await person("GET", "/users/stranger")
    await person("GET", "/users/hob[bot]")
    await person("GET", "/users/nobody", status=404)
    await person("GET", "/apps/hob")
    await person("GET", "/rate_limit")
    await person("GET", "/meta")
    people = f"{REPO}/collaborators"
    await other("GET", f"{people}/stranger/permission")
    await person("PUT", f"{people}/stranger", {"permission": "push"}, status=201)
    await person("GET", people)
    await person("GET", f"{people}/stranger", status=204)
    await person("GET", f"{people}/stranger/permission")
    await person("DELETE", f"{people}/stranger", status=204)
    await person("GET", f"{people}/stranger", status=404)
    await person("GET", "/")
    await person("GET", "/orgs/workshop")
    await person("GET", "/orgs/workshop/repos")
    await person("GET", "/orgs/workshop/members/maintainer", status=204)
    await person("GET", "/orgs/workshop/members/stranger", status=404)
    await person("GET", "/user/orgs")
    await person("GET", "/users/maintainer/orgs")
    await person(
        "POST", f"{REPO}/labels", {"name": "hob", "color": "0f766e", "description": "For the bot"}, status=201
    )
    await person("POST", f"{REPO}/labels", {"name": "hob"}, status=422)
    await person("GET", f"{REPO}/labels/hob")
    await person("PATCH", f"{REPO}/labels/hob", {"color": "ffffff"})
    await person("GET", f"{REPO}/labels?per_page=3")
    await person("POST", f"{REPO}/labels", {"name": "a b"}, status=201)
    await person("DELETE", f"{REPO}/labels/a%20b", status=204)
    await other("POST", f"{REPO}/forks", {}, status=202)
    await person("GET", "/repos/stranger/halves")


async def write_files(person: Caller) -> None:
    """The contents API and the git database."""
    path = f"{REPO}/contents/halves.py"
    made = await person("PUT", path, {"message": "Add halves", "content": encode_base64(PROGRAM)}, status=201)
    await person("PUT", path, {"message": "Again", "content": encode_base64(FIXED)}, status=422)
    await person("GET", path)
    await person("GET", f"{path}?ref=main", accept="application/vnd.github.raw+json")
    await person("GET", f"{REPO}/contents/")
    await person("GET", f"{REPO}/contents/none.py", status=404)
    notes = f"{REPO}/contents/docs/notes.md"
    added = await person("PUT", notes, {"message": "Note", "content": encode_base64("# Notes\n")}, status=201)
    sha = added["content"]["sha"]
    body = {"message": "More", "content": encode_base64("# Notes\n\nMore.\n"), "sha": sha}
    changed = await person("PUT", notes, body)
    await person("DELETE", notes, {"message": "Away", "sha": changed["content"]["sha"]})
    await person("GET", f"{REPO}/readme")
    head = (await person("GET", f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    blob = await person("POST", f"{REPO}/git/blobs", {"content": FIXED, "encoding": "utf-8"}, status=201)
    await person("GET", f"{REPO}/git/blobs/{blob['sha']}")
    base = await person("GET", f"{REPO}/git/commits/{head}")
    entry = {"path": "halves.py", "mode": "100644", "type": "blob", "sha": blob["sha"]}
    tree = await person(
        "POST", f"{REPO}/git/trees", {"base_tree": base["tree"]["sha"], "tree": [entry]}, status=201
    )
    await person("GET", f"{REPO}/git/trees/{tree['sha']}?recursive=1")
    commit = {"message": "Halve by two", "tree": tree["sha"], "parents": [head]}
    fix = await person("POST", f"{REPO}/git/commits", commit, status=201)
    await person("POST", f"{REPO}/git/refs", {"ref": "refs/heads/fix/halves", "sha": head}, status=201)
    await person("PATCH", f"{REPO}/git/refs/heads/fix/halves", {"sha": fix["sha"], "force": False})
    await person("POST", f"{REPO}/git/refs", {"ref": "refs/heads/gone", "sha": head}, status=201)
    await person("DELETE", f"{REPO}/git/refs/heads/gone", status=204)
    await person("GET", f"{REPO}/git/ref/heads/gone", status=404)
    tag = {"tag": "v1", "message": "One", "object": head, "type": "commit"}
    tagged = await person("POST", f"{REPO}/git/tags", tag, status=201)
    await person("POST", f"{REPO}/git/refs", {"ref": "refs/tags/v1", "sha": tagged["sha"]}, status=201)
    await person("GET", f"{REPO}/git/matching-refs/heads/fix")
    await person("GET", f"{REPO}/branches")
    await person("GET", f"{REPO}/branches/fix/halves")
    await person("GET", f"{REPO}/commits?sha=fix/halves&per_page=2")
    await person("GET", f"{REPO}/commits/{fix['sha']}")
    await person("GET", f"{REPO}/compare/main...fix/halves")
    await person("GET", f"{REPO}/tags")
    await person("GET", f"{REPO}/contributors?anon=1")
    assert (await person("GET", f"{REPO}/languages"))["Python"] == len(PROGRAM)
    await person("PUT", f"{REPO}/topics", {"names": ["Upper Case"]}, status=422)
    await person("PUT", f"{REPO}/topics", {"names": ["numbers", "halves"]})
    assert (await person("GET", f"{REPO}/topics"))["names"] == ["halves", "numbers"]
    await person("GET", "/search/repositories?q=halves+user:maintainer")
    await person("GET", "/search/users?q=stranger")
    await person("POST", f"{REPO}/statuses/{fix['sha']}", {"state": "success", "context": "ci"}, status=201)
    await person("GET", f"{REPO}/commits/{fix['sha']}/status")
    await person("GET", f"{REPO}/commits/{fix['sha']}/statuses")
    assert made["commit"]["sha"]


async def discuss(person: Caller, other: Caller) -> None:
    """Issues, comments, reactions."""
    body = {
        "title": "half(8) is 2",
        "body": "@hob please fix this",
        "labels": ["bug"],
        "assignees": ["maintainer"],
    }
    issue = await person("POST", f"{REPO}/issues", body, status=201)
    await other("POST", f"{REPO}/issues", {"title": "A question"}, status=201)
    await other("POST", f"{REPO}/issues", {"title": ""}, status=422)
    path = f"{REPO}/issues/{issue['number']}"
    await person("GET", f"{REPO}/issues?state=all&labels=bug&sort=updated&direction=asc")
    await person("GET", path)
    assert [one["event"] for one in await person("GET", f"{path}/events")] == ["labeled", "assigned"]
    await person("GET", f"{REPO}/issues/99", status=404)
    await person("PATCH", path, {"title": "half(8) is 2, not 4", "body": "@hob please!"})
    await person("PATCH", path, {"state": "closed", "state_reason": "not_planned"})
    await person("PATCH", path, {"state": "open"})
    await person("POST", f"{path}/labels", {"labels": ["hob", "question"]})
    await person("GET", f"{path}/labels")
    await person("PUT", f"{path}/labels", {"labels": ["hob"]})
    await person("DELETE", f"{path}/labels/hob")
    await person("DELETE", f"{path}/labels", status=204)
    await person("DELETE", f"{path}/assignees", {"assignees": ["maintainer"]})
    await person("POST", f"{path}/assignees", {"assignees": ["maintainer", "stranger"]}, status=201)
    told = [one["event"] for one in await person("GET", f"{path}/timeline?per_page=100")]
    assert told[:4] == ["labeled", "assigned", "closed", "reopened"] and told.count("unlabeled") >= 2
    await manage(person, path, issue)
    await person("PUT", f"{path}/lock", {"lock_reason": "resolved"}, status=204)
    await person("GET", path)
    await other("POST", f"{path}/comments", {"body": "But"}, status=403)
    await person("DELETE", f"{path}/lock", status=204)
    comment = await other("POST", f"{path}/comments", {"body": "Me too"}, status=201)
    await other("POST", f"{path}/comments", {"body": " "}, status=422)
    one = f"{REPO}/issues/comments/{comment['id']}"
    await person("GET", one)
    await other("PATCH", one, {"body": "Me, too"})
    await person("GET", f"{path}/comments?since=2020-01-01T00:00:00Z")
    await person("GET", f"{REPO}/issues/comments")
    for subject in (path, one):
        reaction = await person("POST", f"{subject}/reactions", {"content": "eyes"}, status=201)
        await person("POST", f"{subject}/reactions", {"content": "eyes"})
        await person("GET", f"{subject}/reactions")
        await person("DELETE", f"{subject}/reactions/{reaction['id']}", status=204)
    await other("DELETE", one, status=204)


async def manage(person: Caller, path: str, issue: dict[str, Any]) -> None:
    """Milestones, sub-issues, who may be assigned."""
    milestones = f"{REPO}/milestones"
    wanted = {"title": "First", "description": "All of it", "due_on": "2026-12-24T00:00:00Z"}
    made = await person("POST", milestones, wanted, status=201)
    await person("POST", milestones, {"title": "First"}, status=422)
    await person("PATCH", path, {"milestone": 99}, status=422)
    assert (await person("PATCH", path, {"milestone": made["number"]}))["milestone"]["open_issues"] == 1
    assert len(await person("GET", f"{REPO}/issues?milestone={made['number']}&assignee=*")) == 1
    await person("GET", f"{REPO}/issues?milestone=none&assignee=none")
    await person("GET", f"{milestones}?state=all")
    await person("PATCH", f"{milestones}/{made['number']}", {"state": "closed"})
    await person("GET", f"{milestones}/{made['number']}")
    await person("PATCH", path, {"milestone": None})
    await person("DELETE", f"{milestones}/{made['number']}", status=204)
    await person("GET", f"{milestones}/{made['number']}", status=404)
    await person("GET", f"{REPO}/assignees")
    await person("GET", f"{REPO}/assignees/maintainer", status=204)
    await person("GET", f"{REPO}/assignees/stranger", status=404)
    below = await person("POST", f"{REPO}/issues", {"title": "A half of it"}, status=201)
    await person("POST", f"{path}/sub_issues", {"sub_issue_id": below["id"]}, status=201)
    await person("POST", f"{path}/sub_issues", {"sub_issue_id": issue["id"]}, status=422)
    assert [one["id"] for one in await person("GET", f"{path}/sub_issues")] == [below["id"]]


async def publish(person: Caller, other: Caller) -> None:
    """Releases, drafts and the newest of them."""
    releases = f"{REPO}/releases"
    await person("GET", f"{releases}/latest", status=404)
    draft = await person("POST", releases, {"tag_name": "v2", "draft": True, "name": "Two"}, status=201)
    await person("GET", f"{releases}/tags/v2", status=404)
    await other("GET", f"{releases}/{draft['id']}", status=404)
    await person("PATCH", f"{releases}/{draft['id']}", {"draft": False, "body": "Halves."})
    await person("GET", f"{releases}/tags/v2")
    assert (await person("GET", f"{REPO}/git/ref/tags/v2"))["object"]["type"] == "commit"
    await person("POST", releases, {"tag_name": "v2"}, status=422)
    early = await person("POST", releases, {"tag_name": "v3", "prerelease": True}, status=201)
    assert (await person("GET", f"{releases}/latest"))["tag_name"] == "v2"
    assert len(await other("GET", releases)) == 2
    await person("GET", f"{releases}/{early['id']}/assets")
    await person("DELETE", f"{releases}/{early['id']}", status=204)


async def run_workflow(person: Caller, hub: Hub, sha: str) -> None:
    """A workflow, a run of it, and its job."""
    ci = f"{REPO}/contents/.github/workflows/ci.yml"
    text = "name: Halves\non: push\n"
    await person("PUT", ci, {"message": "Run", "content": encode_base64(text)}, status=201)
    made = await hub.admin("app", slug="github-actions", permissions={"checks": "write", "contents": "read"})
    actions = Caller(hub.client(made["token"]))
    body = {"name": "tests", "head_sha": sha, "conclusion": "failure"}
    check = await actions("POST", f"{REPO}/check-runs", body, status=201)
    [workflow] = (await person("GET", f"{REPO}/actions/workflows"))["workflows"]
    assert workflow["name"] == "Halves"
    await person("GET", f"{REPO}/actions/workflows/{workflow['id']}")
    await person("GET", f"{REPO}/actions/workflows/ci.yml/runs?status=failure")
    await person("GET", f"{REPO}/actions/workflows/none.yml", status=404)
    [run] = (await person("GET", f"{REPO}/actions/runs?head_sha={sha}"))["workflow_runs"]
    await person("GET", f"{REPO}/actions/runs/{run['id']}")
    [job] = (await person("GET", f"{REPO}/actions/runs/{run['id']}/jobs"))["jobs"]
    assert job["id"] == check["id"] and job["conclusion"] == "failure"
    await person("GET", f"{REPO}/actions/jobs/{job['id']}")
    await person("GET", f"{REPO}/actions/jobs/7", status=404)
    await person("GET", f"{REPO}/check-suites/{run['check_suite_id']}/check-runs")


async def moderate(person: Caller, other: Caller) -> None:
    """What GraphQL alone has: pins, deleting and transferring."""
    pinned = await person("POST", f"{REPO}/issues", {"title": "Read this first"}, status=201)
    moved = await person("POST", f"{REPO}/issues", {"title": "Elsewhere", "labels": ["bug"]}, status=201)
    await other("POST", f"{REPO}/issues/{moved['number']}/comments", {"body": "Indeed"}, status=201)
    spare = await person("GET", "/repos/maintainer/spare")

    async def ask(caller: Caller, name: str, shown: str, **values: Any) -> Any:
        query = (
            f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {shown} }} }}"
        )
        return await caller("POST", "/graphql", {"query": query, "variables": {"input": values}})

    own = pinned["node_id"]
    refused = await ask(other, "pinIssue", "issue { isPinned }", issueId=own)
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    for name, shown, key in (
        ("pinIssue", "issue { isPinned }", "issueId"),
        ("unpinIssue", "issue { isPinned }", "issueId"),
        ("lockLockable", "lockedRecord { activeLockReason }", "lockableId"),
        ("unlockLockable", "unlockedRecord { locked }", "lockableId"),
    ):
        more = {"lockReason": "TOO_HEATED"} if name == "lockLockable" else {}
        answer = await ask(person, name, shown, **{key: own}, **more)
        assert "errors" not in answer, answer
    assert "errors" in await ask(other, "deleteIssue", "repository { name }", issueId=own)
    assert "errors" not in await ask(person, "deleteIssue", "repository { name }", issueId=own)
    await person("GET", f"{REPO}/issues/{pinned['number']}", status=404)
    into = {"issueId": moved["node_id"], "repositoryId": spare["node_id"]}
    answer = await ask(person, "transferIssue", "issue { number comments { totalCount } }", **into)
    assert answer["data"]["transferIssue"]["issue"] == {"number": 1, "comments": {"totalCount": 1}}
    await person("GET", f"{REPO}/issues/{moved['number']}", status=301)
    await other("GET", f"{REPO}/issues/{moved['number']}", status=404)


async def propose(person: Caller, other: Caller) -> dict[str, Any]:
    """A pull request with reviews and inline comments, up to the merge's eve."""
    body = {"title": "Halve by two", "body": "Fixes #1", "head": "fix/halves", "base": "main", "draft": True}
    pull = await person("POST", f"{REPO}/pulls", body, status=201)
    await person("POST", f"{REPO}/pulls", body, status=422)
    path = f"{REPO}/pulls/{pull['number']}"
    await person("GET", path)
    await person("GET", path, accept="application/vnd.github.diff")
    await person("GET", f"{REPO}/pulls?state=all&head=maintainer:fix/halves")
    await person("PATCH", path, {"title": "Halve by 2", "body": "Fixes #1.", "state": "closed"})
    await person("PATCH", path, {"state": "open"})
    await person("POST", f"{REPO}/issues/{pull['number']}/labels", {"labels": ["enhancement"]})
    await person("GET", f"{path}/files")
    await person("GET", f"{path}/commits")
    await person("GET", f"{REPO}/commits/{pull['head']['sha']}/pulls")
    await person("POST", f"{path}/requested_reviewers", {"reviewers": ["stranger"]}, status=422)
    await person("PUT", f"{REPO}/collaborators/stranger", {"permission": "push"}, status=201)
    await person("POST", f"{path}/requested_reviewers", {"reviewers": ["stranger"]}, status=201)
    await person("GET", f"{path}/requested_reviewers")
    await person("DELETE", f"{path}/requested_reviewers", {"reviewers": ["stranger"]})
    await review(person, other, pull, path)
    await person("GET", f"{path}/merge", status=404)
    await person(
        "PUT", f"{REPO}/contents/more.txt", {"message": "More", "content": encode_base64("x\n")}, status=201
    )
    await person("PUT", f"{path}/update-branch", {}, status=202)
    return pull  # type: ignore[no-any-return]


async def review(person: Caller, other: Caller, pull: dict[str, Any], path: str) -> None:
    """Reviews, their comments, replies, edits, dismissals."""
    spot = {"path": "halves.py", "line": 3, "side": "RIGHT", "body": "Why two?"}
    draft = {"body": "A question", "event": "COMMENT", "commit_id": pull["head"]["sha"], "comments": [spot]}
    made = await other("POST", f"{path}/reviews", draft)
    await other("POST", f"{path}/reviews", draft | {"comments": [spot | {"line": 99}]}, status=422)
    await person("POST", f"{path}/reviews", {"event": "APPROVE"}, status=422)
    one = f"{path}/reviews/{made['id']}"
    await person("GET", f"{path}/reviews")
    await person("GET", one)
    await other("PUT", one, {"body": "Two questions"})
    [comment] = await person("GET", f"{one}/comments")
    pending = await other("POST", f"{path}/reviews", {"comments": [spot]})
    await other("DELETE", f"{path}/reviews/{pending['id']}")
    pending = await other("POST", f"{path}/reviews", {"body": "Wait"})
    await other(
        "POST", f"{path}/reviews/{pending['id']}/events", {"event": "REQUEST_CHANGES", "body": "Wait!"}
    )
    await person(
        "PUT", f"{path}/reviews/{pending['id']}/dismissals", {"message": "Waited", "event": "DISMISS"}
    )
    await other("POST", f"{path}/reviews", {"event": "APPROVE"})
    reply = await person(
        "POST", f"{path}/comments/{comment['id']}/replies", {"body": "It is called half."}, status=201
    )
    where = {"commit_id": pull["head"]["sha"], "path": "halves.py", "line": 3, "start_line": 2}
    single = await person(
        "POST",
        f"{path}/comments",
        where | {"side": "RIGHT", "start_side": "RIGHT", "body": "Both"},
        status=201,
    )
    await person("GET", f"{path}/comments?sort=created")
    await person("GET", f"{REPO}/pulls/comments")
    subject = f"{REPO}/pulls/comments/{reply['id']}"
    await person("GET", subject)
    await person("PATCH", subject, {"body": "It is called *half*."})
    reaction = await other("POST", f"{subject}/reactions", {"content": "+1"}, status=201)
    await person("GET", f"{subject}/reactions")
    await other("DELETE", f"{subject}/reactions/{reaction['id']}", status=204)
    await person("DELETE", f"{REPO}/pulls/comments/{single['id']}", status=204)


async def check(bot: Caller, person: Caller, hub: Hub, sha: str) -> None:
    """Check runs of an App."""
    note = {
        "path": "halves.py",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "notice",
        "message": "Here",
    }
    body = {"name": "hob", "head_sha": sha, "status": "in_progress", "external_id": "7"}
    run = await bot("POST", f"{REPO}/check-runs", body, status=201)
    path = f"{REPO}/check-runs/{run['id']}"
    output = {"title": "Passed", "summary": "All *well*", "text": "Much", "annotations": [note]}
    action = {"label": "Again", "description": "Run it again", "identifier": "again"}
    done = {"status": "completed", "conclusion": "success", "output": output, "actions": [action]}
    await bot("PATCH", path, done)
    await person("GET", path)
    await person("GET", f"{path}/annotations")
    await person("GET", f"{REPO}/commits/{sha}/check-runs?check_name=hob&filter=latest")
    suites = (await person("GET", f"{REPO}/commits/{sha}/check-suites?check_name=hob"))["check_suites"]
    assert [one["id"] for one in suites] == [run["check_suite"]["id"]]
    await bot("POST", f"{path}/rerequest", status=201)
    suite = f"{REPO}/check-suites/{run['check_suite']['id']}"
    assert (await person("GET", suite))["status"] == "queued", "until its App acts"
    await bot("PATCH", path, {"status": "completed", "conclusion": "success"})
    assert (await person("GET", suite))["conclusion"] == "success"
    await person("POST", f"{suite}/rerequest", status=201)
    assert (await person("GET", suite))["conclusion"] is None
    await hub.admin("press", check_run=run["id"], identifier="again", login="maintainer")


async def administer(app: Caller, hub: Hub) -> Caller:
    """The App's own endpoints; gives the calls of its installation."""
    await app("GET", "/app")
    await app("GET", "/app/installations")
    installation = (await app("GET", f"{REPO}/installation"))["id"]
    await app("GET", f"/app/installations/{installation}")
    await app("GET", "/users/maintainer/installation")
    await app("GET", "/orgs/workshop/installation")
    await app("GET", "/app/hook/config")
    await app("PATCH", "/app/hook/config", {"content_type": "json"})
    tokens = f"/app/installations/{installation}/access_tokens"
    await app("POST", tokens, {"repositories": ["nothing"]}, status=422)
    narrow = await app(
        "POST", tokens, {"repositories": ["halves"], "permissions": {"issues": "read"}}, status=201
    )
    reader = Caller(hub.client(narrow["token"]))
    await reader("POST", f"{REPO}/issues", {"title": "No"}, status=403)
    await reader("DELETE", "/installation/token", status=204)
    await reader("GET", REPO, status=401)
    token = (await app("POST", tokens, status=201))["token"]
    bot = Caller(hub.client(token))
    await bot("GET", "/installation/repositories")
    return bot


def encode_base64(text: str) -> str:
    """As the contents API wants a file."""
    return base64.b64encode(text.encode()).decode()


async def sign_in(hub: Hub) -> None:
    """What a person's token of the App shows of where the App is."""
    told = await exchange(hub, (await consent(hub))["code"])
    signed_in = Caller(hub.client(told["access_token"]))
    found = await signed_in("GET", "/user/installations")
    await signed_in("GET", f"/user/installations/{found['installations'][0]['id']}/repositories")


async def test_every_operation_and_webhook_is_as_on_github(hub: Hub) -> None:
    person, other, app = Caller(hub.as_maintainer), Caller(hub.as_stranger), Caller(hub.as_app)
    await organise(person, other)
    await write_files(person)
    await publish(person, other)
    await discuss(person, other)
    await moderate(person, other)
    bot = await administer(app, hub)
    pull = await propose(person, other)
    fresh = await person("GET", f"{REPO}/pulls/{pull['number']}")
    await check(bot, person, hub, fresh["head"]["sha"])
    await toggle_draft(person, hub, pull["node_id"])
    await run_workflow(person, hub, fresh["head"]["sha"])
    await person("GET", "/search/issues?q=repo:maintainer/halves+is:pr")
    await person("GET", "/search/issues?q=", status=422)
    await rule(person, hub, fresh)
    await protect(person, bot)
    await hold_discussion(person, hub)
    await person("PUT", f"{REPO}/pulls/{pull['number']}/merge", {"merge_method": "squash"})
    await person("GET", f"{REPO}/pulls/{pull['number']}/merge", status=204)
    await person("PUT", f"{REPO}/pulls/{pull['number']}/merge", {}, status=405)
    await person("PATCH", REPO, {"name": "halved"})
    moved = await person("GET", f"{REPO}/labels?per_page=1", status=301)
    await person("GET", moved["url"])
    await person("PATCH", "/repos/maintainer/halved", {"name": "halves"})
    await manage_installation(app, person, hub)
    await register(hub)
    await deliveries(app, hub)
    await sign_in(hub)
    await person("DELETE", "/repos/maintainer/spare", status=204)
    hub.ledger.raise_if_any()
    assert served_operations() - hub.ledger.exercised == set()


async def rule(person: Caller, hub: Hub, pull: dict[str, Any]) -> None:
    """Rulesets and the merge queue, of which an App with the permission is told."""
    events = ["merge_group", "pull_request"]
    await hub.admin("app", slug="ci", permissions={"merge_queues": "read", "contents": "read"}, events=events)
    conditions = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    parameters = {
        "merge_method": "SQUASH", "grouping_strategy": "ALLGREEN", "check_response_timeout_minutes": 5,
        "max_entries_to_build": 1, "max_entries_to_merge": 1, "min_entries_to_merge": 1,
        "min_entries_to_merge_wait_minutes": 0,
    }  # fmt: skip
    ruleset = {"name": "Queue", "enforcement": "active", "target": "branch", "conditions": conditions}
    ruleset["rules"] = [{"type": "merge_queue", "parameters": parameters}]
    made = await person("POST", f"{REPO}/rulesets", ruleset, status=201)
    await person("POST", f"{REPO}/rulesets", {"name": "No", "enforcement": "no"}, status=422)
    await person("GET", f"{REPO}/rulesets")
    await person("GET", f"{REPO}/rulesets/{made['id']}")
    await person("GET", f"{REPO}/rules/branches/main")
    await person("PUT", f"{REPO}/pulls/{pull['number']}/merge", {}, status=405)
    for name, key in (("enqueuePullRequest", "pullRequestId"), ("dequeuePullRequest", "id")):
        query = f"mutation($id: ID!) {{ {name}(input: {{{key}: $id}}) {{ mergeQueueEntry {{ state }} }} }}"
        body = {"query": query, "variables": {"id": pull["node_id"]}}
        answer = await person("POST", "/graphql", body)
        assert "errors" not in answer, answer
    await person("PUT", f"{REPO}/rulesets/{made['id']}", {"enforcement": "disabled"})
    await person("DELETE", f"{REPO}/rulesets/{made['id']}", status=204)


async def protect(person: Caller, bot: Caller) -> None:
    """Classic protection of a branch, which an App without administration sees the effect of alone."""
    path = f"{REPO}/branches/main/protection"
    await person("GET", path, status=404)
    wanted = {"required_status_checks": {"strict": True, "contexts": ["ci"]}, "enforce_admins": True}
    wanted |= {"required_pull_request_reviews": {}, "restrictions": None, "required_linear_history": True}
    await person("PUT", path, {"enforce_admins": True}, status=422)
    assert (await person("PUT", path, wanted))["required_status_checks"]["contexts"] == ["ci"]
    await person("POST", f"{path}/required_signatures")
    assert (await person("GET", path))["required_signatures"]["enabled"]
    await bot("GET", path, status=403)
    assert (await bot("GET", f"{REPO}/branches/main"))["protected"]
    await person("GET", f"{REPO}/rules/branches/main")
    put = {"message": "Directly", "content": encode_base64("x"), "branch": "main"}
    refused = await person("PUT", f"{REPO}/contents/direct.txt", put, status=409)
    assert "Changes must be made through a pull request." in refused["message"]
    await person("DELETE", path, status=204)


async def hold_discussion(person: Caller, hub: Hub) -> None:
    """A discussion by GraphQL, of which an App with the permission is told."""
    events = ["discussion", "discussion_comment"]
    await hub.admin("app", slug="talks", permissions={"discussions": "write"}, events=events)

    async def ask(query: str, **variables: Any) -> Any:
        answer = await person("POST", "/graphql", {"query": query, "variables": variables})
        assert "errors" not in answer, answer
        return answer["data"]

    repo = (
        await ask(
            """query { repository(owner: "maintainer", name: "halves") {
              id hasDiscussionsEnabled
              discussionCategories(first: 5) { nodes { id name isAnswerable } } } }"""
        )
    )["repository"]
    wanted = {"repositoryId": repo["id"], "title": "Halves", "body": "Why?"}
    made = await ask(
        """mutation($input: CreateDiscussionInput!) {
          createDiscussion(input: $input) { discussion { id number } } }""",
        input=wanted | {"categoryId": repo["discussionCategories"]["nodes"][0]["id"]},
    )
    discussion = made["createDiscussion"]["discussion"]
    add = """mutation($input: AddDiscussionCommentInput!) {
      addDiscussionComment(input: $input) { comment { id } } }"""
    said = await ask(add, input={"discussionId": discussion["id"], "body": "Because."})
    comment = said["addDiscussionComment"]["comment"]["id"]
    await ask(add, input={"discussionId": discussion["id"], "replyToId": comment, "body": "Oh."})
    update = """mutation($input: UpdateDiscussionCommentInput!) {
      updateDiscussionComment(input: $input) { comment { id } } }"""
    await ask(update, input={"commentId": comment, "body": "Because of that."})
    found = await ask(
        """query($number: Int!) { repository(owner: "maintainer", name: "halves") {
          discussion(number: $number) { comments(last: 5) { nodes {
            body replies(last: 5) { nodes { body author { login } } } } } } } }""",
        number=discussion["number"],
    )
    (shown,) = found["repository"]["discussion"]["comments"]["nodes"]
    assert shown["body"] == "Because of that." and shown["replies"]["nodes"][0]["body"] == "Oh."


async def toggle_draft(person: Caller, hub: Hub, node_id: str) -> None:
    """Drafts come and go by GraphQL only."""
    for name in (
        "markPullRequestReadyForReview",
        "convertPullRequestToDraft",
        "markPullRequestReadyForReview",
    ):
        query = (
            f"mutation($id: ID!) {{ {name}(input: {{pullRequestId: $id}}) {{ pullRequest {{ isDraft }} }} }}"
        )
        answer = await person("POST", "/graphql", {"query": query, "variables": {"id": node_id}})
        assert "errors" not in answer, answer


async def manage_installation(app: Caller, person: Caller, hub: Hub) -> None:
    """What the owner of an installation may change on GitHub's pages."""
    installation = (await app("GET", f"{REPO}/installation"))["id"]
    halves = (await person("GET", REPO))["id"]
    await hub.admin("installation", id=installation, repositories=[halves])
    await hub.admin("installation", id=installation, suspended=True)
    await app("GET", "/app/installations")
    await hub.admin("installation", id=installation, suspended=False)
    await hub.admin("installation", id=installation, repositories=None)
    workshop = (await app("GET", "/orgs/workshop/installation"))["id"]
    await app("DELETE", f"/app/installations/{workshop}", status=204)


async def register(hub: Hub) -> None:
    """A new App from a manifest."""
    manifest = {"name": "Second", "url": "https://example.com", "redirect_url": "http://127.0.0.1:9/made"}
    url = f"{hub.facts['web_url']}/settings/apps/new?state=s"
    async with aiohttp.ClientSession() as session:
        sent = {"manifest": json.dumps(manifest)}
        async with session.post(url, data=sent, allow_redirects=False) as response:
            code = re.findall(r"code=(\w+)", response.headers["Location"])[0]
        path = f"{hub.facts['api_url']}/app-manifests/{code}/conversions"
        for status in (201, 404):
            async with session.post(path) as response:
                assert response.status == status


async def deliveries(app: Caller, hub: Hub) -> None:
    """What was sent: listed, sent again, and every payload as GitHub's schemas want it."""
    await hub.admin("idle")
    listed = await app("GET", "/app/hook/deliveries?per_page=2")
    await app("GET", f"/app/hook/deliveries/{listed[0]['id']}")
    await app("POST", f"/app/hook/deliveries/{listed[0]['id']}/attempts", status=202)
    await hub.admin("idle")
    rows = hub.hub.state.all("SELECT DISTINCT event, action FROM deliveries")
    assert TOLD - {f"{row['event']}.{row['action'] or 'event'}" for row in rows} == set()


def served_operations() -> set[str]:
    """GitHub's ids of what the hub's routes are; a route that GitHub does not have raises."""
    found = set()
    for route in (route for table in TABLES for route in table.all):
        if not route.path.startswith(("/repositories/", "/graphql")):
            path = re.sub(r"\{(\w+)(:(?:[^{}]|\{[^{}]*\})*)?\}", sample, route.path)
            found.add(find_operation(route.method, path).name)
    return found


def sample(parameter: re.Match[str]) -> str:
    """A value for a parameter of a route's path."""
    if parameter[2] is None:
        return "x"
    return "7" if r"\d" in parameter[2] else "a" * 40


def sdl() -> GraphQLSchema:
    """The hub's GraphQL schema."""
    return build_schema((Path(localhub.__file__).parent / "graphql" / "schema.graphql").read_text())


OWN_TYPES = sorted(name for name in sdl().type_map if not name.startswith("__"))


@pytest.mark.parametrize("name", OWN_TYPES)
def test_graphql_is_a_part_of_githubs(name: str) -> None:
    ours, theirs = sdl_types()[name], graphql_schema().type_map.get(name)
    assert theirs is not None, "GitHub has no such type (or wanted.toml leaves it out)"
    assert type(ours) is type(theirs)
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
        assert {one.name for one in ours.interfaces} <= {one.name for one in theirs.interfaces}
        for field, made in ours.fields.items():
            assert str(made.type) == str(theirs.fields[field].type), f"{name}.{field}"
            for argument, taken in made.args.items():
                same = theirs.fields[field].args[argument]
                assert str(taken.type) == str(same.type), f"{name}.{field}({argument})"
                assert taken.default_value == same.default_value, f"{name}.{field}({argument})"
    elif isinstance(ours, GraphQLInputObjectType):
        assert isinstance(theirs, GraphQLInputObjectType)
        for field, taken in ours.fields.items():
            assert str(taken.type) == str(theirs.fields[field].type), f"{name}.{field}"
        for field, wanted in theirs.fields.items():
            assert field in ours.fields or not str(wanted.type).endswith("!"), f"{name}.{field} is required"
    elif isinstance(ours, GraphQLUnionType):
        assert isinstance(theirs, GraphQLUnionType)
        assert {one.name for one in ours.types} <= {one.name for one in theirs.types}
    elif isinstance(ours, GraphQLEnumType):
        assert isinstance(theirs, GraphQLEnumType)
        assert set(ours.values) <= set(theirs.values)


@cache
def sdl_types() -> dict[str, GraphQLNamedType]:
    """The hub's types by name."""
    return sdl().type_map
