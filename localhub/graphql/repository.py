"""Repositories as GraphQL objects: dicts whose callables are fields that cost something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localhub.auth import role_of
from localhub.errors import ApiError
from localhub.graphql.about import render_about
from localhub.graphql.connections import connection_field
from localhub.graphql.discussions import (
    find_discussion,
    list_categories,
    list_discussions,
    render_discussion,
)
from localhub.graphql.git import render_git_object, render_ref
from localhub.graphql.issues import render_label
from localhub.graphql.pulls import pull_state, render_conversation
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer, render_account
from localhub.node_ids import node_id
from localhub.objects.milestone import milestone_of
from localhub.objects.repository import full_name, page_url
from localhub.rest.issues.assignees import list_assigned
from localhub.rest.issues.labels import find_label
from localhub.state import Row


def repository_field(viewer: Viewer) -> Callable[..., Object]:
    """``Query.repository``."""

    def field(info: Any, owner: str, name: str, followRenames: bool = True) -> Object:
        found = viewer.hub.state.repo_by_name(owner, name)
        try:
            if found is not None:
                viewer.check(found, "metadata:read")
                return render_repository(viewer, found)
        except ApiError as error:
            if error.status != 404:
                raise
        text = f"Could not resolve to a Repository with the name '{owner}/{name}'."
        raise GraphQLFieldError("NOT_FOUND", text)

    return field


def render_repository(viewer: Viewer, repo: Row) -> Object:
    """A repository."""
    state = viewer.hub.state
    role = "write" if viewer.actor.kind == "installation" else role_of(state, repo, viewer.actor.account_id)

    def issues(
        states: list[str] | None = None,
        labels: list[str] | None = None,
        filterBy: Object | None = None,
        orderBy: Object | None = None,
    ) -> list[Row]:
        viewer.check(repo, "issues:read")
        asked = filterBy or {}
        states, labels = states or asked.get("states"), labels or asked.get("labels")
        rows = state.all("SELECT * FROM issues WHERE repo_id = ? AND NOT is_pull ORDER BY number", repo["id"])
        rows = [row for row in rows if not states or row["state"].upper() in states]
        if asked.get("createdBy"):
            rows = [row for row in rows if state.account(row["user_id"])["login"] == asked["createdBy"]]
        if asked.get("assignee"):
            rows = [row for row in rows if _is_assigned(viewer, row, asked["assignee"])]
        if asked.get("mentioned"):
            rows = [row for row in rows if f"@{asked['mentioned']}".lower() in (row["body"] or "").lower()]
        if asked.get("milestone"):
            rows = [row for row in rows if _is_in_milestone(viewer, row, asked["milestone"])]
        return put_in_order([row for row in rows if _has_label(viewer, row, labels)], orderBy)

    def labels(query: str | None = None, orderBy: Object | None = None) -> list[Row]:
        rows = state.all("SELECT * FROM labels WHERE repo_id = ? ORDER BY id", repo["id"])
        rows = [row for row in rows if (query or "").lower() in row["name"].lower()]
        return rows[::-1] if orderBy and orderBy["direction"] == "DESC" else rows

    return {
        "__typename": "Repository",
        "id": node_id("Repository", repo["id"]),
        "databaseId": repo["id"],
        "name": repo["name"],
        "nameWithOwner": full_name(repo),
        "owner": render_account(viewer, repo["owner_id"]),
        "description": repo["description"],
        "url": page_url(viewer.hub, repo),
        "hasIssuesEnabled": bool(repo["has_issues"]),
        "hasWikiEnabled": True,
        "mergeCommitAllowed": True,
        "rebaseMergeAllowed": True,
        "squashMergeAllowed": True,
        "parent": lambda info: repo["parent_id"] and render_repository(viewer, state.repo(repo["parent_id"])),
        "label": lambda info, name: _find_label(viewer, repo, name),
        "labels": connection_field("labels", labels, render_label),
        "isPrivate": bool(repo["private"]),
        "isFork": repo["parent_id"] is not None,
        "isArchived": bool(repo["archived"]),
        "createdAt": repo["created_at"],
        "viewerPermission": role.upper(),
        "defaultBranchRef": lambda info: render_ref(viewer, repo, f"refs/heads/{repo['default_branch']}"),
        "ref": lambda info, qualifiedName: render_ref(viewer, repo, qualifiedName),
        "object": lambda info, oid=None, expression=None: render_git_object(
            viewer, repo, oid or expression or ""
        ),
        "hasDiscussionsEnabled": True,
        "discussions": connection_field(
            "discussions",
            lambda orderBy=None: list_discussions(viewer, repo, orderBy),
            lambda row: render_discussion(viewer, repo, row),
        ),
        "discussion": lambda info, number: find_discussion(viewer, repo, number),
        "discussionCategories": connection_field(
            "discussionCategories", lambda: list_categories(repo), lambda one: one
        ),
        "issue": lambda info, number: _find_conversation(viewer, repo, number, "Issue"),
        "pullRequest": lambda info, number: _find_conversation(viewer, repo, number, "PullRequest"),
        "issueOrPullRequest": lambda info, number: _find_conversation(viewer, repo, number, None),
        "issues": connection_field("issues", issues, lambda row: render_conversation(viewer, repo, row)),
        "pullRequests": connection_field(
            "pullRequests",
            _make_pulls_loader(viewer, repo),
            lambda row: render_conversation(viewer, repo, row),
        ),
        **render_about(viewer, repo),
    }


def _is_assigned(viewer: Viewer, row: Row, login: str) -> bool:
    logins = [one["login"].lower() for one in list_assigned(viewer.hub, row)]
    return bool(logins) if login == "*" else login.lower() in logins


def _is_in_milestone(viewer: Viewer, row: Row, wanted: str) -> bool:
    """Whether an issue is in the milestone of this number or title; ``*`` is any."""
    found = milestone_of(viewer.hub, row)
    return found is not None and wanted in ("*", str(found["number"]), found["title"])


def _find_label(viewer: Viewer, repo: Row, name: str) -> Object | None:
    row = find_label(viewer.hub, repo, name)
    return None if row is None else render_label(row)


def put_in_order(rows: list[Row], order: Object | None) -> list[Row]:
    """Issues or pull requests by the time that is asked for; those of the same second by number."""
    if order is None:
        return rows
    column = "updated_at" if order["field"] == "UPDATED_AT" else "created_at"
    return sorted(rows, key=lambda row: (row[column], row["number"]), reverse=order["direction"] == "DESC")


def _has_label(viewer: Viewer, row: Row, labels: list[str] | None) -> bool:
    names = {label["name"].lower() for label in viewer.hub.state.labels_of(row["id"])} if labels else set()
    return not labels or any(name.lower() in names for name in labels)


def _make_pulls_loader(viewer: Viewer, repo: Row) -> Callable[..., list[Row]]:
    def load(
        states: list[str] | None = None,
        headRefName: str | None = None,
        baseRefName: str | None = None,
        labels: list[str] | None = None,
        orderBy: Object | None = None,
    ) -> list[Row]:
        viewer.check(repo, "pull_requests:read")
        rows = viewer.hub.state.all(
            "SELECT issues.*, head_ref, base_ref, merged_at FROM issues JOIN pulls ON issue_id = issues.id"
            " WHERE issues.repo_id = ? ORDER BY issues.number",
            repo["id"],
        )
        kept = [
            row
            for row in rows
            if headRefName in (None, row["head_ref"])
            and baseRefName in (None, row["base_ref"])
            and (not states or pull_state(row, row["merged_at"]) in states)
            and _has_label(viewer, row, labels)
        ]
        return put_in_order(kept, orderBy)

    return load


def _find_conversation(viewer: Viewer, repo: Row, number: int, kind: str | None) -> Object:
    row = viewer.hub.state.issue(repo["id"], number)
    found = None if row is None else "PullRequest" if row["is_pull"] else "Issue"
    if row is None or kind not in (None, found):
        what = {"Issue": "an Issue", "PullRequest": "a PullRequest", None: "an issue or pull request"}[kind]
        raise GraphQLFieldError("NOT_FOUND", f"Could not resolve to {what} with the number of {number}.")
    return render_conversation(viewer, repo, row)
