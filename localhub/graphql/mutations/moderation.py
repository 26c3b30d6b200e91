"""Mutations of those who look after issues: lock, pin, delete, transfer, assign, ask for reviews."""

from __future__ import annotations

from localhub import events
from localhub.errors import ApiError
from localhub.graphql.lookup import find_node
from localhub.graphql.mutations.inputs import find_issue, find_logins, show
from localhub.graphql.registry import find_pull, find_repository, mutation, unresolved
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer, render_account
from localhub.objects.issue import render_issue
from localhub.objects.repository import render_repository
from localhub.rest.issues.assignees import list_assigned, set_assignees
from localhub.rest.issues.issues import insert_issue
from localhub.rest.issues.labels import find_label
from localhub.rest.issues.locks import set_lock
from localhub.rest.pulls.pulls import request_reviews
from localhub.state import Row

MOST_PINNED = 3  # https://docs.github.com/en/issues/tracking-your-work-with-issues/administering-issues/pinning-an-issue-to-your-repository
ANYWHERE = "issues:write|pull_requests:write"


def _find_conversation(viewer: Viewer, global_id: str, user: str) -> tuple[Row, Row]:
    kind, repo, row = find_node(viewer, global_id)
    if kind not in ("Issue", "PullRequest"):
        raise unresolved(global_id)
    viewer.check(repo, "issues:write" if kind == "Issue" else ANYWHERE, user)
    return repo, row


@mutation("lockLockable")
async def lock(viewer: Viewer, values: Object) -> Object:
    """Lock a conversation."""
    repo, row = _find_conversation(viewer, values["lockableId"], "write")
    reason = (values.get("lockReason") or "").lower()
    reason = reason.replace("_", " " if reason == "too_heated" else "-") or None
    set_lock(viewer.hub, viewer.actor, repo, row, locked=True, reason=reason)
    return _answer_lock(viewer, repo, row, "lockedRecord")


@mutation("unlockLockable")
async def unlock(viewer: Viewer, values: Object) -> Object:
    """Unlock a conversation."""
    repo, row = _find_conversation(viewer, values["lockableId"], "write")
    set_lock(viewer.hub, viewer.actor, repo, row, locked=False)
    return _answer_lock(viewer, repo, row, "unlockedRecord")


def _answer_lock(viewer: Viewer, repo: Row, row: Row, name: str) -> Object:
    return {"actor": render_account(viewer, viewer.actor.account_id), name: show(viewer, repo, row)}


@mutation("pinIssue")
async def pin(viewer: Viewer, values: Object) -> Object:
    """Pin an issue to the top of its repository's list; three at most."""
    repo, row = find_issue(viewer, values["issueId"])
    viewer.check(repo, "issues:write", "write")
    state = viewer.hub.state
    pinned = "SELECT count(*) FROM pinned_issues JOIN issues ON issues.id = issue_id WHERE repo_id = ?"
    if state.count(pinned, repo["id"]) >= MOST_PINNED:
        raise GraphQLFieldError("UNPROCESSABLE", f"Maximum {MOST_PINNED} pinned issues per repository")
    state.run("INSERT OR IGNORE INTO pinned_issues VALUES (?)", row["id"])
    events.send_issue(viewer.hub, viewer.actor, repo, "pinned", row)
    return {"issue": show(viewer, repo, row)}


@mutation("unpinIssue")
async def unpin(viewer: Viewer, values: Object) -> Object:
    """Take an issue's pin away."""
    repo, row = find_issue(viewer, values["issueId"])
    viewer.check(repo, "issues:write", "write")
    viewer.hub.state.run("DELETE FROM pinned_issues WHERE issue_id = ?", row["id"])
    events.send_issue(viewer.hub, viewer.actor, repo, "unpinned", row)
    return {"issue": show(viewer, repo, row), "id": values["issueId"]}


@mutation("deleteIssue")
async def delete(viewer: Viewer, values: Object) -> Object:
    """Delete an issue with all that was said on it, which only an administrator may."""
    repo, row = find_issue(viewer, values["issueId"])
    if viewer.actor.kind == "installation":  # no permission of an App allows it
        raise GraphQLFieldError("FORBIDDEN", "Resource not accessible by integration")
    try:
        viewer.check(repo, "administration:write", "admin")
    except ApiError:
        text = f"{viewer.actor.name} does not have permission to delete the issue {values['issueId']}."
        raise GraphQLFieldError("FORBIDDEN", text) from None
    events.send_issue(viewer.hub, viewer.actor, repo, "deleted", row)
    viewer.hub.state.run("DELETE FROM issues WHERE id = ?", row["id"])
    return {"repository": viewer.render_repository(viewer, repo)}


@mutation("transferIssue")
async def transfer(viewer: Viewer, values: Object) -> Object:
    """Move an issue to another repository of the same owner: a new number, and 301 from the old one.

    https://docs.github.com/en/issues/tracking-your-work-with-issues/administering-issues/transferring-an-issue-to-another-repository
    """
    repo, row = find_issue(viewer, values["issueId"])
    there = find_repository(viewer, values["repositoryId"])
    for one in (repo, there):
        viewer.check(one, "issues:write", "write")
    if there["id"] == repo["id"] or there["owner_id"] != repo["owner_id"]:
        raise GraphQLFieldError(
            "UNPROCESSABLE", "Issues can be transferred to another repository of the owner."
        )
    state, hub = viewer.hub.state, viewer.hub
    with state.transaction():
        made = insert_issue(hub, viewer.actor, there, row["title"], row["body"], is_pull=False)
        kept = (
            "user_id",
            "app_id",
            "state",
            "state_reason",
            "closed_at",
            "closed_by_id",
            "created_at",
            "locked",
        )
        state.update("issues", made["id"], **{name: row[name] for name in kept})
        comments = "UPDATE comments SET issue_id = ?, repo_id = ? WHERE issue_id = ?"
        state.run(comments, made["id"], there["id"], row["id"])
        for label in state.labels_of(row["id"]):
            same = find_label(hub, there, label["name"])
            if same is not None:
                state.run("INSERT INTO issue_labels VALUES (?, ?)", made["id"], same["id"])
    fresh = state.one("SELECT * FROM issues WHERE id = ?", made["id"])
    moved = {"new_issue": render_issue(hub, there, fresh), "new_repository": render_repository(hub, there)}
    events.send_issue(hub, viewer.actor, repo, "transferred", row, changes=moved)
    with state.transaction():
        state.run("DELETE FROM issues WHERE id = ?", row["id"])
        state.insert("moved_issues", repo_id=repo["id"], number=row["number"], issue_id=made["id"])
    return {"issue": show(viewer, there, fresh)}


@mutation("addAssigneesToAssignable")
async def add_assignees(viewer: Viewer, values: Object) -> Object:
    """Assign people to an issue or pull request."""
    repo, row = _find_conversation(viewer, values["assignableId"], "triage")
    present = [one["login"] for one in list_assigned(viewer.hub, row)]
    added = find_logins(viewer, values["assigneeIds"])
    set_assignees(viewer.hub, viewer.actor, repo, row, present + added)
    return {"assignable": show(viewer, repo, row)}


@mutation("removeAssigneesFromAssignable")
async def remove_assignees(viewer: Viewer, values: Object) -> Object:
    """Take people off an issue or pull request."""
    repo, row = _find_conversation(viewer, values["assignableId"], "triage")
    gone = set(find_logins(viewer, values["assigneeIds"]))
    kept = [one["login"] for one in list_assigned(viewer.hub, row) if one["login"] not in gone]
    set_assignees(viewer.hub, viewer.actor, repo, row, kept)
    return {"assignable": show(viewer, repo, row)}


@mutation("requestReviews")
async def ask_for_reviews(viewer: Viewer, values: Object) -> Object:
    """Ask people for a review; ``union`` adds to those who were asked, else they replace them."""
    repo, row, pull = find_pull(viewer, values["pullRequestId"])
    viewer.check(repo, "pull_requests:write", "write")
    if not values.get("union"):
        viewer.hub.state.run("DELETE FROM requested_reviewers WHERE pull_id = ?", pull["id"])
    logins = find_logins(viewer, values.get("userIds") or [])
    request_reviews(viewer.hub, viewer.actor, repo, pull, logins)
    return {"actor": render_account(viewer, viewer.actor.account_id), "pullRequest": show(viewer, repo, row)}
