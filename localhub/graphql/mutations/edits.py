"""Mutations that change texts, labels and state of issues and pull requests, as ``gh issue edit`` does."""

from __future__ import annotations

from typing import Any

from localhub import events
from localhub.graphql.lookup import find_node
from localhub.graphql.mutations.inputs import find_issue, find_labels, find_logins, find_milestone, show
from localhub.graphql.registry import find_pull, mutation, unresolved
from localhub.graphql.viewer import Object, Viewer
from localhub.pull_state import set_pull_state
from localhub.rest.api import Body
from localhub.rest.issues.assignees import set_assignees
from localhub.rest.issues.issues import close_issue, edit_texts, reopen_issue
from localhub.rest.issues.labels import remove_label, set_labels
from localhub.rest.issues.milestones import set_milestone
from localhub.rest.pulls.pulls import change_base
from localhub.state import Row


def _edit_texts(viewer: Viewer, row: Row, values: Object, resource: str) -> dict[str, Any]:
    given = {name: values[name] for name in ("title", "body") if values.get(name) is not None}
    return edit_texts(viewer.hub, row, Body(given), resource)


def _set_labels(viewer: Viewer, repo: Row, row: Row, values: Object) -> None:
    if values.get("labelIds") is not None:
        names = [label["name"] for label in find_labels(viewer, repo, values["labelIds"])]
        set_labels(viewer.hub, viewer.actor, repo, row, names)


def _set_people(viewer: Viewer, repo: Row, row: Row, values: Object) -> None:
    """The assignees and the milestone, where an edit names them; an empty milestone takes it away."""
    if values.get("assigneeIds") is not None:
        logins = find_logins(viewer, values["assigneeIds"])
        set_assignees(viewer.hub, viewer.actor, repo, row, logins)
    if "milestoneId" in values:
        found = find_milestone(viewer, repo, values["milestoneId"]) if values["milestoneId"] else None
        set_milestone(viewer.hub, viewer.actor, repo, row, found)


@mutation("updateIssue")
async def update_issue(viewer: Viewer, values: Object) -> Object:
    """Change title, text, labels or state of an issue."""
    repo, row = find_issue(viewer, values["id"])
    if changes := _edit_texts(viewer, row, values, "Issue"):
        events.send_issue(viewer.hub, viewer.actor, repo, "edited", row, changes=changes)
    _set_labels(viewer, repo, row, values)
    _set_people(viewer, repo, row, values)
    state = (values.get("state") or row["state"]).lower()
    if state != row["state"] and state == "closed":
        close_issue(viewer.hub, viewer.actor, repo, row, "completed")
    elif state != row["state"]:
        reopen_issue(viewer.hub, viewer.actor, repo, row)
    return {"issue": show(viewer, repo, row)}


@mutation("updatePullRequest")
async def update_pull(viewer: Viewer, values: Object) -> Object:
    """Change title, text, labels or state of a pull request."""
    repo, row, pull = _find_own_pull(viewer, values["pullRequestId"])
    changes = _edit_texts(viewer, row, values, "PullRequest")
    if values.get("baseRefName") not in (None, pull["base_ref"]):
        changes |= await change_base(viewer.hub, viewer.actor, repo, pull, values["baseRefName"])
    if changes:
        events.send_pull(viewer.hub, viewer.actor, repo, "edited", pull, changes=changes)
    _set_labels(viewer, repo, row, values)
    _set_people(viewer, repo, row, values)
    state = (values.get("state") or row["state"]).lower()
    if state != row["state"]:
        await set_pull_state(viewer.hub, viewer.actor, repo, pull, state)
    return {"pullRequest": show(viewer, repo, row)}


@mutation("closePullRequest")
async def close_pull(viewer: Viewer, values: Object) -> Object:
    """Close a pull request."""
    repo, row, pull = _find_own_pull(viewer, values["pullRequestId"])
    if row["state"] == "open":
        await set_pull_state(viewer.hub, viewer.actor, repo, pull, "closed")
    return {"pullRequest": show(viewer, repo, row)}


@mutation("reopenPullRequest")
async def reopen_pull(viewer: Viewer, values: Object) -> Object:
    """Open a closed pull request again."""
    repo, row, pull = _find_own_pull(viewer, values["pullRequestId"])
    if row["state"] == "closed":
        await set_pull_state(viewer.hub, viewer.actor, repo, pull, "open")
    return {"pullRequest": show(viewer, repo, row)}


@mutation("removeLabelsFromLabelable")
async def remove_labels(viewer: Viewer, values: Object) -> Object:
    """Take labels off an issue or pull request."""
    kind, repo, row = find_node(viewer, values["labelableId"])
    if kind not in ("Issue", "PullRequest"):
        raise unresolved(values["labelableId"])
    needs = "issues:write" if kind == "Issue" else "issues:write|pull_requests:write"
    viewer.check(repo, needs, "triage")
    present = {label["id"] for label in viewer.hub.state.labels_of(row["id"])}
    for label in find_labels(viewer, repo, values["labelIds"]):
        if label["id"] in present:
            remove_label(viewer.hub, viewer.actor, repo, row, label)
    return {"labelable": show(viewer, repo, row)}


def _find_own_pull(viewer: Viewer, global_id: str) -> tuple[Row, Row, Row]:
    """(repository, issue row, pull request) that the viewer may change: its author, or who may triage."""
    repo, row, pull = find_pull(viewer, global_id)
    author = row["user_id"] == viewer.actor.account_id
    viewer.check(repo, "pull_requests:write", "read" if author else "triage")
    return repo, row, pull
