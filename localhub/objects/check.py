"""Check runs and statuses as JSON."""

from __future__ import annotations

from typing import Any

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.commit import render_git_commit
from localhub.objects.people import render_app_by_id, render_user, render_user_by_id
from localhub.objects.pull import render_pull_of_check
from localhub.objects.repository import page_url, repo_url
from localhub.state import Row

Json = dict[str, Any]


def _render_pulls(hub: Hub, repo: Row, sha: str) -> list[Json]:
    rows = hub.state.all(
        "SELECT pulls.* FROM pulls JOIN issues ON issues.id = issue_id"
        " WHERE pulls.repo_id = ? AND head_sha = ? AND head_repo_id = pulls.repo_id AND state = 'open'",
        repo["id"], sha,
    )  # fmt: skip
    return [render_pull_of_check(hub, repo, row) for row in rows]


def render_check_run(hub: Hub, repo: Row, row: Row) -> Json:
    """A check run, as REST answers."""
    url = f"{repo_url(hub, repo)}/check-runs/{row['id']}"
    page = f"{page_url(hub, repo)}/runs/{row['id']}"
    count = hub.state.count("SELECT count(*) FROM annotations WHERE check_run_id = ?", row["id"])
    return {
        "id": row["id"],
        "name": row["name"],
        "node_id": node_id("CheckRun", row["id"]),
        "head_sha": row["head_sha"],
        "external_id": row["external_id"],
        "url": url,
        "html_url": page,
        "details_url": row["details_url"] or page,
        "status": row["status"],
        "conclusion": row["conclusion"],
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
        "output": {
            "title": row["title"],
            "summary": row["summary"],
            "text": row["text"],
            "annotations_count": count,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": row["suite_id"]},
        "app": render_app_by_id(hub, row["app_id"]),
        "pull_requests": _render_pulls(hub, repo, row["head_sha"]),
    }


def render_check_run_payload(hub: Hub, repo: Row, row: Row) -> Json:
    """A check run, as webhooks carry it: with its whole suite."""
    run = render_check_run(hub, repo, row)
    suite = hub.state.one("SELECT * FROM check_suites WHERE id = ?", row["suite_id"])
    run["check_suite"] = render_check_suite(hub, repo, suite)
    return run


def render_check_suite(hub: Hub, repo: Row, suite: Row) -> Json:
    """A check suite, as a check run's payload carries it."""
    status, conclusion = _judge_suite(hub, suite)
    return {
        "id": suite["id"],
        "node_id": node_id("CheckSuite", suite["id"]),
        "head_branch": suite["head_branch"],
        "head_sha": suite["head_sha"],
        "status": status,
        "conclusion": conclusion,
        "url": f"{repo_url(hub, repo)}/check-suites/{suite['id']}",
        "before": None,
        "after": suite["head_sha"],
        "pull_requests": _render_pulls(hub, repo, suite["head_sha"]),
        "app": render_app_by_id(hub, suite["app_id"]),
        "created_at": suite["created_at"],
        "updated_at": suite["updated_at"],
    }


def render_whole_check_suite(hub: Hub, repo: Row, suite: Row) -> Json:
    """A check suite, as its own webhook carries it."""
    count = hub.state.count("SELECT count(*) FROM check_runs WHERE suite_id = ?", suite["id"])
    shown = render_check_suite(hub, repo, suite)
    return shown | {
        "head_commit": render_head_commit(hub, repo, suite["head_sha"]),
        "latest_check_runs_count": count,
        "check_runs_url": f"{shown['url']}/check-runs",
    }


def render_head_commit(hub: Hub, repo: Row, sha: str) -> Json:
    """A commit, as a check suite names it."""
    shown = render_git_commit(hub, repo, hub.git.commit(repo["id"], sha))
    return {
        "id": sha,
        "tree_id": shown["tree"]["sha"],
        "message": shown["message"],
        "timestamp": shown["committer"]["date"],
        "author": {"name": shown["author"]["name"], "email": shown["author"]["email"]},
        "committer": {"name": shown["committer"]["name"], "email": shown["committer"]["email"]},
    }


def _judge_suite(hub: Hub, suite: Row) -> tuple[str, str | None]:
    """Status and conclusion of a suite: queued again once it was requested again, until its App acts."""
    if hub.state.maybe("SELECT 1 FROM rerequested_suites WHERE suite_id = ?", suite["id"]):
        return "queued", None
    rows = hub.state.all("SELECT * FROM check_runs WHERE suite_id = ? ORDER BY id DESC", suite["id"])
    newest: dict[str, Row] = {}
    for row in rows:
        newest.setdefault(row["name"], row)
    if not newest:
        return "queued", None
    if any(row["status"] != "completed" for row in newest.values()):
        return "in_progress", None
    found = {row["conclusion"] for row in newest.values()}
    order = ("failure", "timed_out", "action_required", "cancelled", "success", "neutral", "skipped", "stale")
    return "completed", next(one for one in order if one in found)


def render_status(hub: Hub, repo: Row, row: Row) -> Json:
    """A commit status, as lists of them show it."""
    return render_short_status(hub, repo, row) | {"creator": render_user_by_id(hub, row["user_id"])}


def render_short_status(hub: Hub, repo: Row, row: Row) -> Json:
    """A commit status, as the combined one shows it."""
    creator = render_user(hub, hub.state.account(row["user_id"]))
    return {
        "url": f"{repo_url(hub, repo)}/statuses/{row['sha']}",
        "avatar_url": creator["avatar_url"],
        "id": row["id"],
        "node_id": node_id("Status", row["id"]),
        "state": row["state"],
        "description": row["description"],
        "target_url": row["target_url"],
        "context": row["context"],
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
    }
