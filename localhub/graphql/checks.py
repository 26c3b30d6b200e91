"""Check runs and statuses of a commit as GraphQL objects, and what they come to."""

from __future__ import annotations

from typing import Any

from localhub.graphql.connections import connection_field
from localhub.graphql.viewer import Object, Viewer
from localhub.node_ids import node_id
from localhub.objects.check import render_check_run, render_status
from localhub.state import Row

FAILED = ("action_required", "cancelled", "failure", "stale", "timed_out")


def render_rollup(viewer: Viewer, repo: Row, sha: str) -> Object | None:
    """All checks and statuses of a commit, the newest of each name; None where there are none."""
    state = viewer.hub.state
    newest: dict[tuple[str, object], Row] = {}
    for row in state.check_runs(repo["id"], sha):
        newest.setdefault((row["name"], row["app_id"]), row)
    sql = "SELECT * FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id DESC"
    for row in state.all(sql, repo["id"], sha):
        newest.setdefault((row["context"], "status"), row)
    if not newest:
        return None
    rows = list(newest.values())

    def show(row: Row) -> Object:
        return render_run(viewer, repo, row) if "suite_id" in row else _render_context(viewer, repo, row)

    return {
        "__typename": "StatusCheckRollup",
        "id": node_id("Commit", f"{repo['id']}:{sha}:rollup"),
        "state": _judge(rows),
        "contexts": connection_field("contexts", lambda: rows, show),
    }


def _judge(rows: list[Row]) -> str:
    found = {str(row["conclusion"] if "suite_id" in row else row["state"]) for row in rows}
    if found & {*FAILED, "error"}:
        return "FAILURE"
    return "PENDING" if found & {"None", "pending"} else "SUCCESS"


def render_run(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A check run."""
    shown = render_check_run(viewer.hub, repo, row)
    suite: Object = {
        "__typename": "CheckSuite",
        "id": node_id("CheckSuite", row["suite_id"]),
        "databaseId": row["suite_id"],
        "workflowRun": None,  # nothing is run here
    }
    return {
        "__typename": "CheckRun",
        "id": shown["node_id"],
        "databaseId": row["id"],
        "name": row["name"],
        "status": row["status"].upper(),
        "conclusion": row["conclusion"] and row["conclusion"].upper(),
        "startedAt": row["started_at"],
        "completedAt": row["completed_at"],
        "detailsUrl": shown["details_url"],
        "url": shown["html_url"],
        "title": row["title"],
        "summary": row["summary"],
        "checkSuite": suite,
        "isRequired": _is_required,
    }


def _render_context(viewer: Viewer, repo: Row, row: Row) -> Object:
    shown = render_status(viewer.hub, repo, row)
    return {
        "__typename": "StatusContext",
        "id": shown["node_id"],
        "context": row["context"],
        "state": row["state"].upper(),
        "description": row["description"],
        "targetUrl": row["target_url"],
        "createdAt": row["created_at"],
        "isRequired": _is_required,
    }


def _is_required(info: Any, **_: Any) -> bool:
    return False
