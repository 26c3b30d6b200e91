"""What the inputs of mutations name by node id: issues, labels, people, milestones."""

from __future__ import annotations

from localhub.graphql.lookup import find_node
from localhub.graphql.pulls import render_conversation
from localhub.graphql.registry import unresolved
from localhub.graphql.viewer import Object, Viewer
from localhub.node_ids import read_node_id
from localhub.state import Row


def find_labels(viewer: Viewer, repo: Row, global_ids: list[str]) -> list[Row]:
    """The labels of a repository with these node ids."""
    found = []
    for global_id in global_ids:
        kind, row_id = read_node_id(global_id) or ("", "")
        sql = "SELECT * FROM labels WHERE id = ? AND repo_id = ?"
        row = viewer.hub.state.maybe(sql, row_id, repo["id"]) if kind == "Label" else None
        if row is None:
            raise unresolved(global_id)
        found.append(row)
    return found


def find_issue(viewer: Viewer, global_id: str) -> tuple[Row, Row]:
    """(repository, issue) that the viewer may change: its author, or who may triage."""
    kind, repo, row = find_node(viewer, global_id)
    if kind != "Issue":
        raise unresolved(global_id)
    author = row["user_id"] == viewer.actor.account_id
    viewer.check(repo, "issues:write", "read" if author else "triage")
    return repo, row


def show(viewer: Viewer, repo: Row, row: Row) -> Object:
    """An issue or a pull request as it is now."""
    fresh = viewer.hub.state.one("SELECT * FROM issues WHERE id = ?", row["id"])
    return render_conversation(viewer, repo, fresh)


def find_logins(viewer: Viewer, global_ids: list[str]) -> list[str]:
    """The logins of people by node id; NOT_FOUND for one who is nobody."""
    found = []
    for global_id in global_ids:
        kind, row_id = read_node_id(global_id) or ("", "")
        row = (
            viewer.hub.state.maybe("SELECT * FROM accounts WHERE id = ?", row_id) if kind == "User" else None
        )
        if row is None:
            raise unresolved(global_id)
        found.append(str(row["login"]))
    return found


def find_milestone(viewer: Viewer, repo: Row, global_id: str) -> Row:
    """A repository's milestone by node id."""
    kind, row_id = read_node_id(global_id) or ("", "")
    sql = "SELECT * FROM milestones WHERE id = ? AND repo_id = ?"
    row = viewer.hub.state.maybe(sql, row_id, repo["id"]) if kind == "Milestone" else None
    if row is None:
        raise unresolved(global_id)
    return row
