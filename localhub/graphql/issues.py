"""Issues, comments, labels and reactions as GraphQL objects."""

from __future__ import annotations

from localhub.graphql.about import render_milestone_of
from localhub.graphql.connections import connection_field
from localhub.graphql.viewer import Object, Viewer, render_account
from localhub.node_ids import node_id
from localhub.objects import issue as issue_json
from localhub.objects.people import find_association
from localhub.rest.issues.assignees import list_assigned
from localhub.state import Row

MOST_INT = 2**31 - 1  # of GraphQL's Int, in which ``databaseId`` is given
CONTENTS = {
    "THUMBS_UP": "+1", "THUMBS_DOWN": "-1", "LAUGH": "laugh", "HOORAY": "hooray", "CONFUSED": "confused",
    "HEART": "heart", "ROCKET": "rocket", "EYES": "eyes",
}  # fmt: skip


def render_issue(viewer: Viewer, repo: Row, row: Row) -> Object:
    """An issue, or the fields that a pull request shares with issues."""
    viewer.check(repo, "pull_requests:read|issues:read" if row["is_pull"] else "issues:read")
    state, hub = viewer.hub.state, viewer.hub
    return render_authored(viewer, repo, row, "PullRequest" if row["is_pull"] else "Issue") | {
        "number": row["number"],
        "title": row["title"],
        "closed": row["state"] == "closed",
        "closedAt": row["closed_at"],
        "locked": bool(row["locked"]),
        "activeLockReason": _name_lock_reason(issue_json.find_lock_reason(hub, row)),
        "state": row["state"].upper(),
        "stateReason": row["state_reason"] and row["state_reason"].upper(),
        "url": issue_json.issue_page(hub, repo, row),
        "repository": lambda info: viewer.render_repository(viewer, repo),
        "reactionGroups": lambda info: count_reactions(viewer, "issue", row["id"]),
        "comments": connection_field(
            "comments", lambda: state.comments(row["id"]), lambda one: render_comment(viewer, repo, one)
        ),
        "milestone": lambda info: render_milestone_of(viewer, repo, row),
        "isPinned": state.maybe("SELECT 1 FROM pinned_issues WHERE issue_id = ?", row["id"]) is not None,
        "projectCards": connection_field("projectCards", list, dict),  # there are no boards of projects here
        "assignees": connection_field(
            "assignees",
            lambda: list_assigned(viewer.hub, row),
            lambda one: render_account(viewer, one["id"]) or {},
        ),
        "labels": connection_field("labels", lambda: state.labels_of(row["id"]), render_label),
    }


def _name_lock_reason(reason: str | None) -> str | None:
    return None if reason is None else reason.upper().replace("-", "_").replace(" ", "_")


def render_authored(viewer: Viewer, repo: Row, row: Row, kind: str) -> Object:
    """What everything that somebody wrote has."""
    return {
        "__typename": kind,
        "id": node_id(kind, row["id"]),
        "databaseId": row["id"] if row["id"] <= MOST_INT else None,
        "fullDatabaseId": str(row["id"]),
        "author": render_account(viewer, row["user_id"]),
        "authorAssociation": find_association(viewer.hub, repo, row["user_id"]),
        "body": row["body"] or "",
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "lastEditedAt": row.get("last_edited_at"),
        "includesCreatedEdit": row.get("last_edited_at") is not None,
        "viewerDidAuthor": row["user_id"] == viewer.actor.account_id,
        "isMinimized": row.get("minimized_reason") is not None,
        "minimizedReason": row.get("minimized_reason"),
    }


def render_comment(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A comment of a conversation."""
    return render_authored(viewer, repo, row, "IssueComment") | {
        "url": lambda info: issue_json.render_comment(viewer.hub, repo, row)["html_url"],
        "reactionGroups": lambda info: count_reactions(viewer, "comment", row["id"]),
    }


def render_label(row: Row) -> Object:
    """A label."""
    names = ("name", "color", "description")
    return {"__typename": "Label", "id": node_id("Label", row["id"]), **{name: row[name] for name in names}}


def count_reactions(viewer: Viewer, subject: str, subject_id: int) -> list[Object]:
    """How often each reaction was given."""
    rows = viewer.hub.state.reactions(subject, subject_id)
    groups = []
    for name, content in CONTENTS.items():
        who = [row["user_id"] for row in rows if row["content"] == content]
        reactors = {"totalCount": len(who)}
        groups.append(
            {
                "content": name,
                "viewerHasReacted": viewer.actor.account_id in who,
                "reactors": lambda info, reactors=reactors, **paging: reactors,
                "users": lambda info, reactors=reactors, **paging: reactors,
            }
        )
    return groups
