"""Repositories, issues, comments and git objects in GraphQL: dicts whose callables are fields with a cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localhub.auth import role_of
from localhub.errors import ApiError
from localhub.graphql.connections import GraphProblem, Object, Viewer, paged, user_node
from localhub.graphql.git import git_object, ref_node
from localhub.node_ids import node_id, read_node_id
from localhub.objects import issue as issue_json
from localhub.objects.people import association
from localhub.objects.repository import full_name, page_url
from localhub.state import Row

CONTENTS = {
    "THUMBS_UP": "+1", "THUMBS_DOWN": "-1", "LAUGH": "laugh", "HOORAY": "hooray", "CONFUSED": "confused",
    "HEART": "heart", "ROCKET": "rocket", "EYES": "eyes",
}  # fmt: skip
TABLES = {
    "IssueComment": "comments", "PullRequestReview": "reviews", "PullRequestReviewComment": "review_comments",
    "PullRequestReviewThread": "review_threads",
}  # fmt: skip


def repository_field(viewer: Viewer) -> Callable[..., Object]:
    """``Query.repository``."""

    def field(info: Any, owner: str, name: str, followRenames: bool = True) -> Object:
        found = viewer.hub.state.repo_by_name(owner, name)
        try:
            if found is not None:
                viewer.check(found, "metadata:read")
                return repository_node(viewer, found)
        except ApiError as error:
            if error.status != 404:
                raise
        text = f"Could not resolve to a Repository with the name '{owner}/{name}'."
        raise GraphProblem("NOT_FOUND", text)

    return field


def repository_node(viewer: Viewer, repo: Row) -> Object:
    """A repository."""
    state = viewer.hub.state
    role = "write" if viewer.actor.kind == "installation" else role_of(state, repo, viewer.actor.account_id)

    def issues(states: list[str] | None = None, labels: list[str] | None = None) -> list[Row]:
        rows = state.all("SELECT * FROM issues WHERE repo_id = ? AND NOT is_pull ORDER BY number", repo["id"])
        rows = [row for row in rows if not states or row["state"].upper() in states]
        return [row for row in rows if _has_label(viewer, row, labels)]

    return {
        "__typename": "Repository",
        "id": node_id("Repository", repo["id"]),
        "databaseId": repo["id"],
        "name": repo["name"],
        "nameWithOwner": full_name(repo),
        "owner": user_node(viewer, repo["owner_id"]),
        "description": repo["description"],
        "url": page_url(viewer.hub, repo),
        "isPrivate": bool(repo["private"]),
        "isFork": repo["parent_id"] is not None,
        "isArchived": bool(repo["archived"]),
        "createdAt": repo["created_at"],
        "viewerPermission": role.upper(),
        "defaultBranchRef": lambda info: ref_node(viewer, repo, f"refs/heads/{repo['default_branch']}"),
        "ref": lambda info, qualifiedName: ref_node(viewer, repo, qualifiedName),
        "object": lambda info, oid=None, expression=None: git_object(viewer, repo, oid or expression or ""),
        "issue": lambda info, number: _numbered(viewer, repo, number, "Issue"),
        "pullRequest": lambda info, number: _numbered(viewer, repo, number, "PullRequest"),
        "issueOrPullRequest": lambda info, number: _numbered(viewer, repo, number, None),
        "issues": paged("issues", issues, lambda row: thread_node(viewer, repo, row)),
        "pullRequests": paged(
            "pullRequests", _pulls_loader(viewer, repo), lambda row: thread_node(viewer, repo, row)
        ),
    }


def _has_label(viewer: Viewer, row: Row, labels: list[str] | None) -> bool:
    names = {label["name"].lower() for label in viewer.hub.state.labels_of(row["id"])} if labels else set()
    return not labels or any(name.lower() in names for name in labels)


def _pulls_loader(viewer: Viewer, repo: Row) -> Callable[..., list[Row]]:
    def load(
        states: list[str] | None = None,
        headRefName: str | None = None,
        baseRefName: str | None = None,
        labels: list[str] | None = None,
    ) -> list[Row]:
        viewer.check(repo, "pull_requests:read")
        rows = viewer.hub.state.all(
            "SELECT issues.*, head_ref, base_ref, merged_at FROM issues JOIN pulls ON issue_id = issues.id"
            " WHERE issues.repo_id = ? ORDER BY issues.number",
            repo["id"],
        )
        return [
            row
            for row in rows
            if headRefName in (None, row["head_ref"])
            and baseRefName in (None, row["base_ref"])
            and (not states or pull_state(row, row["merged_at"]) in states)
            and _has_label(viewer, row, labels)
        ]

    return load


def pull_state(issue: Row, merged_at: str | None) -> str:
    """OPEN, CLOSED or MERGED."""
    return "MERGED" if merged_at else str(issue["state"]).upper()


def _numbered(viewer: Viewer, repo: Row, number: int, kind: str | None) -> Object:
    row = viewer.hub.state.issue(repo["id"], number)
    found = None if row is None else "PullRequest" if row["is_pull"] else "Issue"
    if row is None or kind not in (None, found):
        what = {"Issue": "an Issue", "PullRequest": "a PullRequest", None: "an issue or pull request"}[kind]
        raise GraphProblem("NOT_FOUND", f"Could not resolve to {what} with the number of {number}.")
    return thread_node(viewer, repo, row)


def thread_node(viewer: Viewer, repo: Row, row: Row) -> Object:
    """An issue or a pull request."""
    from localhub.graphql.pulls import pull_fields

    viewer.check(repo, "pull_requests:read|issues:read" if row["is_pull"] else "issues:read")
    state, hub = viewer.hub.state, viewer.hub
    shared = written(viewer, repo, row, "PullRequest" if row["is_pull"] else "Issue") | {
        "number": row["number"],
        "title": row["title"],
        "closed": row["state"] == "closed",
        "closedAt": row["closed_at"],
        "locked": bool(row["locked"]),
        "state": row["state"].upper(),
        "stateReason": row["state_reason"] and row["state_reason"].upper(),
        "url": issue_json.issue_page(hub, repo, row),
        "repository": lambda info: repository_node(viewer, repo),
        "reactionGroups": lambda info: reaction_groups(viewer, "issue", row["id"]),
        "comments": paged(
            "comments", lambda: state.comments(row["id"]), lambda one: comment_node(viewer, repo, one)
        ),
        "labels": paged("labels", lambda: state.labels_of(row["id"]), label_node),
    }
    return shared | (pull_fields(viewer, repo, row) if row["is_pull"] else {})


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


def find(viewer: Viewer, global_id: str) -> tuple[str, Row, Row]:
    """(kind, repository, row) of a node id; NOT_FOUND also for what the viewer may not see."""
    missing = GraphProblem("NOT_FOUND", f"Could not resolve to a node with the global id of '{global_id}'")
    kind, row_id = read_node_id(global_id) or ("", "")
    state = viewer.hub.state
    if kind in ("Issue", "PullRequest"):
        table = "issues"
    elif kind in TABLES:
        table = TABLES[kind]
    else:
        raise missing
    row = state.maybe(f"SELECT * FROM {table} WHERE id = ?", row_id)  # noqa: S608 (table names are ours)
    if row is None:
        raise missing
    repo_id = (
        row.get("repo_id") or state.one("SELECT repo_id FROM pulls WHERE id = ?", row["pull_id"])["repo_id"]
    )
    repo = state.repo(repo_id)
    try:
        viewer.check(repo, "metadata:read")
    except ApiError:
        raise missing from None
    return kind, repo, row


def node(viewer: Viewer, global_id: str) -> Object | None:
    """``Query.node``."""
    from localhub.graphql.pulls import review_comment_node, review_node, thread_of

    kind, repo, row = find(viewer, global_id)
    if kind == "PullRequestReviewThread":
        return thread_of(viewer, repo, row)
    shows = {
        "IssueComment": comment_node, "PullRequestReview": review_node,
        "PullRequestReviewComment": review_comment_node,
    }  # fmt: skip
    return shows.get(kind, thread_node)(viewer, repo, row)
