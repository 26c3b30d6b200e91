"""Threads, pulls, reviews and checks where GitHub answers in a way that is hard to bring about for real."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain import ChangeKind, FileChange, Person, TriggerKind
from bot.github import (
    checks,
    commits,
    issues,
    job_logs,
    permissions,
    pulls,
    reviews,
    trees,
)
from bot.github.answers import BadAnswer, CheckRun, Comment, Pull, Review
from bot.github.app import GitHub, RepoApi
from bot.github.graphql import discussions, outcome, review_threads, together
from bot.github.graphql.review_threads import ThreadReply
from bot.github.http.responses import Rejected
from bot.github.http.scope import Purpose
from bot.github.lost import recent
from bot.github.lost.installations import InstalledRepository
from bot.github.lost.recent import RecentItem
from bot.github.repository import AppInfo
from bot.text.fit import has_mark, mark
from tests.support.github_scripted import Script, Seen, comment_json, github, pull_json, review_json, scripted
from tests.support.github_spec import check_graphql, check_query, check_request, find_operation

R = "/repos/octo/demo"
OUTCOME = {"repository": {"issueOrPullRequest": {"comments": {"nodes": []}}, "pullRequests": {"nodes": []}}}
REMARK = {
    "fullDatabaseId": "1",
    "body": "why",
    "viewerDidAuthor": False,
    "pullRequestReview": {"fullDatabaseId": "2"},
}
THREAD = {"id": "T", "isResolved": False, "path": "a.py", "comments": {"nodes": [REMARK]}}
NO_MORE = {"hasNextPage": False, "endCursor": None}
THREADS = {"repository": {"pullRequest": {"reviewThreads": {"pageInfo": NO_MORE, "nodes": [THREAD]}}}}
SHA = "0" * 40
POSTED = {
    "fullDatabaseId": "9",
    "url": "https://gh/r/9",
    "submittedAt": None,
    "comments": {"nodes": [REMARK]},
}
SAID = {
    "review": {"pullRequestReview": POSTED},
    "reply0": {"comment": {"id": "C"}},
    "reply1": {"comment": {"id": "D"}},
    "check": {"checkRun": {"id": "K"}},
}
AT = "2026-01-02T03:04:05Z"
WRITER = {"__typename": "Bot", "login": "hob", "databaseId": 77}
WORD = {"id": "DC", "databaseId": 1, "body": "hob/x", "url": "https://gh/d", "createdAt": AT, "updatedAt": AT}
WORDS = {"nodes": [{**WORD, "viewerDidAuthor": True, "author": WRITER, "replies": {"nodes": []}}]}
DISCUSSED = {
    "repository": {"discussion": {"id": "D", "comments": WORDS}},
    "addDiscussionComment": {"comment": {**WORDS["nodes"][0]}},
    "updateDiscussionComment": {"comment": {"id": "DC"}},
}
BOT = {"id": 77, "login": "hob[bot]"}
EVE = {"id": 66, "login": "eve"}


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted() as running:
        running.on("GET /app", {"id": 7, "slug": "hob"})
        running.on("GET /app/installations", [{"id": 10, "suspended_at": "2026-01-01T00:00:00Z"}, {"id": 11}])
        running.on("GET /users/hob[bot]", BOT)
        yield running


@pytest.fixture
async def gh(script: Script) -> AsyncIterator[GitHub]:
    async with github(script) as app:
        yield app


@pytest.fixture
def repo(gh: GitHub) -> RepoApi:
    return gh.for_repo(11, 5, "octo", "demo")


PARTS = (
    RepoApi,
    pulls.Pulls,
    issues.Issues,
    reviews.Reviews,
    review_threads.ReviewThreads,
    together.Together,
    discussions.Discussions,
    checks.Checks,
    commits.Commits,
    trees.Trees,
    permissions.Permissions,
    job_logs.JobLogs,
    outcome.Outcomes,
    recent.Recent,
)


def public_methods(part: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(part, inspect.isfunction) if not name.startswith("_")]


def test_nothing_can_approve_merge_mark_ready_or_delete() -> None:
    forbidden = ("approve", "merge", "ready", "delete", "dismiss", "collaborator", "force", "ref")
    public = [name for part in PARTS for name in public_methods(part) if name != "find_merge_base"]
    assert not [name for name in public for word in forbidden if word in name.split("_")]
    source = "\n".join(
        inspect.getsource(m)
        for m in (
            issues,
            commits,
            trees,
            pulls,
            reviews,
            checks,
            review_threads,
            together,
            discussions,
            outcome,
            recent,
            permissions,
            job_logs,
        )
    )
    code = source.replace("mergeable", "")
    for words in (
        "APPROVE",
        "/merge",
        "markPullRequestReady",
        "enablePullRequestAutoMerge",
        ".delete(",
    ):
        assert words not in code
    assert code.count('"event": "COMMENT"') == code.count('"event":') == 3
    assert code.count('"/git/refs"') == code.count('"/git/refs/heads/{+branch}"') == 1, "made, or moved on"
    assert '"force"' not in code


ARGUMENTS = {
    "comments": [{"path": "a.py", "line": 3, "side": "RIGHT", "body": "why"}],
    "annotations": [
        {"path": "a.py", "start_line": 3, "end_line": 3, "annotation_level": "notice", "message": "see"}
    ],
    "item": RecentItem(
        event="issue_comment",
        id=1,
        author=Person(id=66, login="eve"),
        texts=("",),
        url="https://gh/c/1",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        updated_at=datetime(2026, 1, 2, tzinfo=UTC),
        subject_url="https://gh/issues/3",
        pull=None,
        answer=comment_json(),
    ),
    "repository": InstalledRepository(
        installation=11, id=5, node_id="R_5", owner="octo", name="demo", is_archived=False, answer={}
    ),
    "comment": 1,
    "number": 1,
    "pull": 1,
    "id": 1,
    "check_run": 1,
    "run": CheckRun(id=1, name="Hob", title="Proof", summary="| it |"),
    "job": 1,
    "kind": TriggerKind.COMMENT,
    "content": "eyes",
    "purpose": Purpose.PUBLISH,
    "since": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "status": "completed",
    "conclusion": "success",
    "state": "all",
    "draft": True,
    "details_url": "https://hob.example/runs/1",
    "do": lambda token: asyncio.sleep(0, token),
    "actions": [{"label": "Stop", "description": "End it", "identifier": "stop"}],
    "review": 1,
    "head": SHA,
    "path": "a.py",
    "most_bytes": 100,
    "files": [
        FileChange(path="a.py", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"x"),
        FileChange(path="b.py", kind=ChangeKind.DELETED),
    ],
    "replies": [ThreadReply(thread="T", body="done"), ThreadReply(thread="U", body="done")],
    "threads": ["T", "U"],
    "remarks": together.ReviewDraft(
        commit=SHA, body="see", comments=[{"path": "a.py", "line": 3, "side": "RIGHT", "body": "why"}]
    ),
    "proof": (
        proof := together.CheckRunDraft(
            head_sha=SHA, name="Hob", conclusion="success", title="Proved", summary="| it |"
        )
    ),
    "drafted": proof,
}


def anything(seen: Seen) -> Any:
    """An answer that suits every request of the bot."""
    if seen.path == "/graphql":
        asked = seen.body["query"]
        made = {"createCommitOnBranch": {"commit": {"oid": SHA, "tree": {"oid": SHA}}}}
        if "mutation Say" in asked:
            return {"data": SAID}
        if "query Discussion" in asked or "DiscussionComment" in asked:
            return {"data": DISCUSSED}
        if "query Ids" in asked:
            return {"data": {"repository": {"id": "R", "pullRequest": {"id": "P"}}}}
        return {"data": OUTCOME if "Outcome" in asked else made if "createCommit" in asked else THREADS}
    if (seen.method, seen.path) == ("GET", R):
        at = {"default_branch": "main", "clone_url": "https://github.com/octo/demo.git"}
        return {"id": 5, "name": "demo", "owner": {"login": "octo"}, **at}
    if seen.method == "GET" and seen.path.endswith(
        ("comments", "reviews", "pulls", "files", "pulls/1/commits", "annotations", "/reactions")
    ):
        return []
    commit = {"sha": SHA, "tree": {"sha": SHA}, "message": "x"}
    if re.search(r"/(issues|pulls|pulls/comments|issues/comments)$", seen.path) and seen.method == "GET":
        return []
    known = {"permission": "admin", "check_runs": [], "sha": SHA, "parents": []}
    known |= {"tree": [{"path": "a.py", "mode": "100644", "sha": SHA, "size": 1}], "content": "eA=="}
    known |= comment_json() | review_json() | pull_json(1)
    compared = {"base_commit": {"sha": SHA}, "merge_base_commit": {"sha": SHA}, "behind_by": 0}
    return known | compared | {"commit": commit}


async def call_everything(script: Script, repo: RepoApi) -> None:
    """Call each public method of the repository once."""
    script.fallback = anything
    parts = [part for part in [repo, *vars(repo).values()] if type(part) in PARTS]
    methods = [getattr(part, name) for part in parts for name in public_methods(type(part))]
    assert len(parts) == len(PARTS) and len(methods) > 20
    for method in filter(inspect.iscoroutinefunction, methods):
        await method(**{key: ARGUMENTS.get(key, "hob/x") for key in inspect.signature(method).parameters})


async def test_no_method_sends_anything_that_approves_merges_or_deletes(
    script: Script, repo: RepoApi
) -> None:
    await call_everything(script, repo)
    for one in script.seen:
        assert one.method in ("GET", "POST", "PATCH")
        assert not re.search(r"/merge|/update-branch|/dismissals", one.path)
        if one.method == "PATCH" and "/git/" in one.path:
            assert one.path.startswith(f"{R}/git/refs/heads/hob/") and one.body.keys() == {"sha"}
        elif one.method == "GET" and "/git/" in one.path:
            assert re.search(r"/git/(blobs|trees)/[^/]+$", one.raw_path)
        elif "/git/" in one.path:
            assert one.method == "POST"
            assert re.search(r"/git/(blobs|trees|commits|refs)$", one.path)
        if one.path.endswith("/git/refs"):
            assert one.body["ref"].startswith("refs/heads/hob/")
        if "/actions/" in one.path:
            assert (one.method, one.path) == ("GET", "/repos/octo/demo/actions/jobs/1/logs")
        assert "/branches" not in one.path or one.method == "GET"
        body = one.body or {}
        assert body.get("event", "COMMENT") == "COMMENT"
        assert not {"base", "maintainer_can_modify"} & set(body) or one.path == "/repos/octo/demo/pulls"
        assert body.get("state", "closed") == "closed"  # `undo` takes its own pull request back
        assert body.get("draft", True)


async def test_every_request_is_one_that_github_describes(script: Script, repo: RepoApi) -> None:
    await call_everything(script, repo)
    complaints = []
    for one in script.seen:
        if one.path == "/graphql":
            check_graphql(one.body["query"])
            continue
        operation = find_operation(one.method, one.raw_path)
        faults = [*check_query(operation, one.query), *check_request(operation, one.body)]
        complaints += [f"{one.method} {one.path}: {fault}" for fault in faults]
    assert complaints == []


async def test_who_the_bot_is_is_asked_once(script: Script, gh: GitHub) -> None:
    assert await gh.identify() == AppInfo(id=7, slug="hob", bot_login="hob[bot]", bot_id=77)
    await gh.identify()
    assert len(script.asked("GET /app")) == 1
    assert script.asked("POST /app/installations/11/access_tokens")[0].body == {
        "permissions": {"metadata": "read"}
    }


async def test_find_comment_looks_from_the_newest_page_back(script: Script, repo: RepoApi) -> None:
    def page(seen: Seen) -> list[dict[str, Any]]:
        number = int(seen.query["page"])
        mine = comment_json(2_000 + number, user=BOT, body=f"state\n\n{mark('t1')}")
        forged = comment_json(3_000 + number, user=EVE, body=mark("t1"))
        return [comment_json(number, user=EVE), *([mine] if number == 2 else []), forged]

    script.on(f"GET {R}/issues/3", {"number": 3, "comments": 250})
    script.on(f"GET {R}/issues/3/comments", page)
    found = await repo.issues.find_comment(3, "t1")
    assert found is not None
    assert found.id == 2_002
    assert [one.query["page"] for one in script.asked(f"GET {R}/issues/3/comments")] == ["3", "2"]
    assert await repo.issues.find_comment(3, "t2") is None


async def test_a_comment_of_the_app_is_its_own_and_a_login_proves_nothing(
    script: Script, repo: RepoApi
) -> None:
    via = comment_json(1, user=EVE, performed_via_github_app={"id": 7}, body=mark("t1"))
    somebody = {"id": 5, "login": "hob[bot]"}
    fake = comment_json(2, user=somebody, performed_via_github_app={"id": 8}, body=mark("t1"))
    script.on(f"GET {R}/issues/3", {"number": 3, "comments": 2})
    script.on(f"GET {R}/issues/3/comments", [via, fake])
    found = await repo.issues.find_comment(3, mark("t1"))
    assert found is not None
    assert found.id == 1


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (TriggerKind.ISSUE, "/issues/3/reactions"),
        (TriggerKind.LABEL, "/issues/3/reactions"),
        (TriggerKind.REVIEW, "/issues/3/reactions"),
        (TriggerKind.COMMENT, "/issues/comments/9/reactions"),
        (TriggerKind.REVIEW_COMMENT, "/pulls/comments/9/reactions"),
    ],
)
async def test_reactions_go_to_what_asked(
    script: Script, repo: RepoApi, kind: TriggerKind, path: str
) -> None:
    script.on(f"POST {R}{path}", (200, {"id": 1}))
    await repo.issues.react(kind, 9, 3, "eyes")
    assert script.asked(f"POST {R}{path}")[0].body == {"content": "eyes"}


async def test_bodies_are_cut_to_fit(script: Script, repo: RepoApi) -> None:
    script.on(f"POST {R}/issues/3/comments", (201, comment_json()))
    await repo.issues.create_comment(3, "x" * 70_000)
    assert len(script.seen[-1].body["body"]) <= 60_000


async def test_s36_a_pull_that_exists_is_found(script: Script, repo: RepoApi) -> None:
    said = [
        {
            "resource": "PullRequest",
            "code": "custom",
            "message": "A pull request already exists for octo:hob/3-x.",
        }
    ]
    script.on(f"POST {R}/pulls", (422, {"message": "Validation Failed", "errors": said}))
    script.on(f"GET {R}/pulls", [pull_json(9, repo_id=6), pull_json(8), pull_json(7, ref="hob/3-xy")])
    assert (await repo.pulls.open("Fix", "body", "hob/3-x", "main")).number == 8
    assert script.asked(f"GET {R}/pulls")[0].query["head"] == "octo:hob/3-x"


async def test_an_open_pull_counts_before_a_newer_closed_one(script: Script, repo: RepoApi) -> None:
    script.on(f"GET {R}/pulls", [pull_json(9, "closed"), pull_json(8), pull_json(7, repo_id=None)])
    found = await repo.pulls.find_by_branch("hob/3-x")
    assert found is not None and found.number == 8
    script.on(f"GET {R}/pulls", [pull_json(9, "closed"), pull_json(8, "closed")])
    found = await repo.pulls.find_by_branch("hob/3-x")
    assert found is not None and found.number == 9
    script.on(f"GET {R}/pulls", [])
    assert await repo.pulls.find_by_branch("hob/3-x") is None


@pytest.mark.parametrize("said", ["No commits between main and hob/3-x", "Base does not exist"])
async def test_s36_a_branch_not_seen_yet_is_waited_for(script: Script, said: str) -> None:
    missing = (422, {"message": "Validation Failed", "errors": [{"message": said}]})
    script.on(f"POST {R}/pulls", missing, (201, pull_json(8)))
    async with github(script, settle=0.5) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        assert (await repo.pulls.open("Fix", "body", "hob/3-x", "main")).number == 8
    async with github(script, settle=0.0) as app:
        script.on(f"POST {R}/pulls", missing)
        with pytest.raises(Rejected, match=said):
            await app.for_repo(11, 5, "octo", "demo").pulls.open("Fix", "body", "hob/3-x", "main")


async def test_a_plan_without_drafts_gets_an_ordinary_pull(script: Script, repo: RepoApi) -> None:
    said = [{"message": "Draft pull requests are not supported in this repository."}]
    script.on(f"POST {R}/pulls", (422, {"message": "Validation Failed", "errors": said}), (201, pull_json(8)))
    await repo.pulls.open("Fix", "body", "hob/3-x", "main")
    assert [one.body["draft"] for one in script.asked(f"POST {R}/pulls")] == [True, False]


async def test_update_pull_sends_only_what_is_given(script: Script, repo: RepoApi) -> None:
    script.on(f"PATCH {R}/pulls/8", pull_json(8))
    await repo.pulls.update(8, title="a\nb")
    await repo.pulls.update(8, body="")
    assert [one.body for one in script.asked(f"PATCH {R}/pulls/8")] == [{"title": "a b"}, {"body": ""}]


async def test_s37_a_refused_review_is_posted_with_its_remarks_in_the_body(
    script: Script, repo: RepoApi
) -> None:
    refused = (
        422,
        {"message": "Unprocessable Entity", "errors": ["Pull request review thread line must be part"]},
    )
    script.on(f"POST {R}/pulls/8/reviews", refused, (200, review_json()))
    remark = {"path": "a.py", "line": 3, "side": "RIGHT", "body": "why so"}
    await repo.reviews.create(8, "c0ffee", f"Summary\n\n{mark('r1')}", [remark])
    first, second = (one.body for one in script.asked(f"POST {R}/pulls/8/reviews"))
    assert first["comments"] == [remark]
    assert "comments" not in second
    assert "`a.py`, line 3" in second["body"] and "why so" in second["body"]
    assert has_mark(second["body"], "r1")


async def test_a_review_without_remarks_is_refused_for_good(script: Script, repo: RepoApi) -> None:
    script.on(f"POST {R}/pulls/8/reviews", (422, {"message": "Unprocessable Entity"}))
    with pytest.raises(Rejected):
        await repo.reviews.create(8, "c0ffee", "Summary")
    assert len(script.asked(f"POST {R}/pulls/8/reviews")) == 1


async def test_s39_annotations_go_out_by_fifty(script: Script, repo: RepoApi) -> None:
    notes = [{"path": "a.py", "start_line": n, "end_line": n} for n in range(120)]
    script.on(f"POST {R}/check-runs", (201, {"id": 4}))
    script.on(f"PATCH {R}/check-runs/4", {"id": 4})
    await repo.checks.create(
        "c0ffee", "Hob", "completed", "success", title="ok", summary="s" * 70_000, annotations=notes
    )
    bodies = [one.body["output"] for one in script.seen if "check-runs" in one.path]
    assert [len(body["annotations"]) for body in bodies] == [50, 50, 20]
    assert all(len(body["summary"]) <= 60_000 for body in bodies)
    assert [note for body in bodies for note in body["annotations"]] == notes


async def test_a_check_run_is_found_by_its_external_id(script: Script, repo: RepoApi) -> None:
    def run(number: int, app: int, external: str) -> dict[str, Any]:
        return {"id": number, "app": {"id": app}, "external_id": external}

    runs = [run(1, 7, "task-1"), run(2, 7, "task-1"), run(3, 8, "task-1"), run(4, 7, "task-2")]
    script.on(f"GET {R}/commits/c0ffee/check-runs", {"total_count": 4, "check_runs": runs})
    found = await repo.checks.find("c0ffee", "Hob", "task-1")
    assert found is not None and found.id == 2
    assert await repo.checks.find("c0ffee", "Hob", "task-3") is None


@pytest.mark.parametrize(
    "value",
    [
        Pull.from_json(pull_json(8, labels=[{"name": "hob"}], mergeable=False, maintainer_can_modify=True)),
        Pull.from_json(pull_json(8, "closed", repo_id=None, user=None, merged_at="2026-01-02T03:04:05Z")),
        Comment.from_json(comment_json(user=BOT | {"type": "Bot"})),
        Review.from_json(review_json()),
        Review.from_json(review_json(submitted_at=None)),
        CheckRun(id=4, conclusion="success", app=7, external_id="task-1"),
        CheckRun(id=4),
    ],
)
def test_what_is_recorded_of_an_answer_reads_back(value: Pull | Comment | Review | CheckRun) -> None:
    assert type(value).from_json(value.to_json()) == value


async def test_an_answer_without_a_field_names_it(script: Script, repo: RepoApi) -> None:
    script.on(f"GET {R}/pulls/8", pull_json(8, head={"ref": "x", "repo": None}))
    with pytest.raises(BadAnswer, match=r"pull_request\.head\.sha is missing"):
        await repo.pulls.get(8)
    script.on(f"GET {R}/pulls/8", pull_json(8, title=3))
    with pytest.raises(BadAnswer, match=r"pull_request\.title is not a string"):
        await repo.pulls.get(8)
    script.on(f"GET {R}/pulls/8", ["a list"])
    with pytest.raises(BadAnswer, match="pull_request is not an object"):
        await repo.pulls.get(8)
