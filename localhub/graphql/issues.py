"""Issues, comments, labels and reactions as GraphQL objects."""

from __future__ import annotations

from localhub.graphql.connections import paged
from localhub.graphql.viewer import Object, Viewer, user_node
from localhub.node_ids import node_id
from localhub.objects import issue as issue_json
from localhub.objects.people import association
from localhub.state import Row

CONTENTS = {
    "THUMBS_UP": "+1", "THUMBS_DOWN": "-1", "LAUGH": "laugh", "HOORAY": "hooray", "CONFUSED": "confused",
    "HEART": "heart", "ROCKET": "rocket", "EYES": "eyes",
}  # fmt: skip


def issue_node(viewer: Viewer, repo: Row, row: Row) -> Object:
    """An issue, or the fields that a pull request shares with issues."""
    viewer.check(repo, "pull_requests:read|issues:read" if row["is_pull"] else "issues:read")
    state, hub = viewer.hub.state, viewer.hub
    return written(viewer, repo, row, "PullRequest" if row["is_pull"] else "Issue") | {
        "number": row["number"],
        "title": row["title"],
        "closed": row["state"] == "closed",
        "closedAt": row["closed_at"],
        "locked": bool(row["locked"]),
        "state": row["state"].upper(),
        "stateReason": row["state_reason"] and row["state_reason"].upper(),
        "url": issue_json.issue_page(hub, repo, row),
        "repository": lambda info: viewer.render_repository(viewer, repo),
        "reactionGroups": lambda info: reaction_groups(viewer, "issue", row["id"]),
        "comments": paged(
            "comments", lambda: state.comments(row["id"]), lambda one: comment_node(viewer, repo, one)
        ),
        "labels": paged("labels", lambda: state.labels_of(row["id"]), label_node),
    }


def written(viewer: Viewer, repo: Row, row: Row, kind: str) -> Object:
    """What everything that somebody wrote has."""
    return {
        "__typename": kind,
        "id": node_id(kind, row["id"]),
        "databaseId": row["id"],
        "fullDatabaseId": str(row["id"]),
        "author": user_node(viewer, row["user_id"]),
        "authorAssociation": association(viewer.hub, repo, row["user_id"]),
        "body": row["body"] or "",
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "lastEditedAt": row.get("last_edited_at"),
        "includesCreatedEdit": row.get("last_edited_at") is not None,
        "viewerDidAuthor": row["user_id"] == viewer.actor.account_id,
        "isMinimized": row.get("minimized_reason") is not None,
        "minimizedReason": row.get("minimized_reason"),
    }


def comment_node(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A comment of a conversation."""
    return written(viewer, repo, row, "IssueComment") | {
        "url": lambda info: issue_json.comment(viewer.hub, repo, row)["html_url"],
        "reactionGroups": lambda info: reaction_groups(viewer, "comment", row["id"]),
    }


def label_node(row: Row) -> Object:
    """A label."""
    names = ("name", "color", "description")
    return {"__typename": "Label", "id": node_id("Label", row["id"]), **{name: row[name] for name in names}}


def reaction_groups(viewer: Viewer, subject: str, subject_id: int) -> list[Object]:
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
            }
        )
    return groups
