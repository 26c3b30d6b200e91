"""Milestones as JSON."""

from __future__ import annotations

from typing import Any

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.people import render_user_by_id
from localhub.objects.repository import page_url, repo_url
from localhub.state import Row


def milestone_of(hub: Hub, issue: Row) -> Row | None:
    """The milestone that an issue or pull request belongs to."""
    return hub.state.maybe(
        "SELECT milestones.* FROM milestones JOIN issue_milestones ON milestone_id = milestones.id"
        " WHERE issue_id = ?",
        issue["id"],
    )


def render_milestone(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """A milestone."""
    url = f"{repo_url(hub, repo)}/milestones/{row['number']}"
    sql = (
        "SELECT count(*) FROM issues JOIN issue_milestones ON issue_id = issues.id"
        " WHERE milestone_id = ? AND state = ?"
    )
    return {
        "url": url,
        "html_url": f"{page_url(hub, repo)}/milestone/{row['number']}",
        "labels_url": f"{url}/labels",
        "id": row["id"],
        "node_id": node_id("Milestone", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "description": row["description"],
        "creator": render_user_by_id(hub, row["creator_id"]),
        "open_issues": hub.state.count(sql, row["id"], "open"),
        "closed_issues": hub.state.count(sql, row["id"], "closed"),
        "state": row["state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "due_on": row["due_on"],
        "closed_at": row["closed_at"],
    }


def render_milestone_of(hub: Hub, repo: Row, issue: Row) -> dict[str, Any] | None:
    """The milestone of an issue or pull request, or None."""
    row = milestone_of(hub, issue)
    return None if row is None else render_milestone(hub, repo, row)
