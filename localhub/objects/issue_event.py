"""What happened to an issue or pull request, kept for its list of events and its timeline."""

from __future__ import annotations

import json
from typing import Any

from localhub.auth import Actor
from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.people import render_app_by_id, render_user_by_id
from localhub.objects.repository import repo_url
from localhub.state import Row

KEPT = frozenset(
    """
    closed reopened labeled unlabeled merged ready_for_review assigned unassigned milestoned demilestoned
    locked unlocked pinned unpinned
    """.split()  # noqa: SIM905
)


def note_event(hub: Hub, actor: Actor, repo: Row, issue_id: int, event: str, **more: Any) -> None:
    """Keep an event, if it is of a kind that is listed."""
    if event in KEPT:
        hub.state.insert(
            "issue_events",
            repo_id=repo["id"],
            issue_id=issue_id,
            event=event,
            actor_id=actor.account_id,
            app_id=actor.app_id,
            more_json=json.dumps(more),
            created_at=hub.state.now(),
        )


def list_events(hub: Hub, issue: Row) -> list[Row]:
    """The events of an issue or pull request, oldest first."""
    return hub.state.all("SELECT * FROM issue_events WHERE issue_id = ? ORDER BY id", issue["id"])


def render_event(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """An event, as both lists show it."""
    return {
        "id": row["id"],
        "node_id": node_id("IssueEvent", row["id"]),
        "url": f"{repo_url(hub, repo)}/issues/events/{row['id']}",
        "actor": render_user_by_id(hub, row["actor_id"]),
        "event": row["event"],
        "commit_id": None,
        "commit_url": None,
        "created_at": row["created_at"],
        "performed_via_github_app": render_app_by_id(hub, row["app_id"]),
        **json.loads(row["more_json"]),
    }
