"""Check runs and statuses as JSON."""

from __future__ import annotations

from typing import Any

from localhub.hub import Hub
from localhub.node_ids import node_id
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
    run["check_suite"] = {
        "id": suite["id"],
        "node_id": node_id("CheckSuite", suite["id"]),
        "head_branch": suite["head_branch"],
        "head_sha": suite["head_sha"],
        "status": row["status"],
        "conclusion": row["conclusion"],
        "url": f"{repo_url(hub, repo)}/check-suites/{suite['id']}",
        "before": None,
        "after": suite["head_sha"],
        "pull_requests": run["pull_requests"],
        "app": run["app"],
        "created_at": suite["created_at"],
        "updated_at": suite["updated_at"],
    }
    return run


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
