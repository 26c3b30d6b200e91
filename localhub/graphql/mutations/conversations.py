"""Mutations of issues and pull requests: opened, closed, labelled, reviewed, merged; check runs made."""

from __future__ import annotations

from collections.abc import Mapping

from localhub.graphql.checks import render_run
from localhub.graphql.lookup import find_node
from localhub.graphql.mutations.inputs import find_issue, find_labels, find_logins, find_milestone, show
from localhub.graphql.pulls import render_conversation, render_review
from localhub.graphql.registry import find_pull, find_repository, mutation, unresolved
from localhub.graphql.viewer import Object, Viewer
from localhub.rest.api import Body
from localhub.rest.issues.issues import close_issue, open_issue, reopen_issue
from localhub.rest.issues.labels import add_label
from localhub.rest.pulls.merging import MergeRequest, merge_pull
from localhub.rest.pulls.pulls import open_pull
from localhub.rest.pulls.reviews import review_pull
from localhub.rest.repos.checks import MOST_ANNOTATIONS, make_check_run


@mutation("createIssue")
async def create_issue(viewer: Viewer, values: Object) -> Object:
    """Open an issue."""
    repo = find_repository(viewer, values["repositoryId"])
    viewer.check(repo, "issues:write")
    labels = [row["name"] for row in find_labels(viewer, repo, values.get("labelIds") or [])]
    logins = find_logins(viewer, values.get("assigneeIds") or [])
    milestone = find_milestone(viewer, repo, values["milestoneId"]) if values.get("milestoneId") else None
    row = open_issue(
        viewer.hub, viewer.actor, repo, values["title"], values.get("body"), labels, logins, milestone
    )
    return {"issue": show(viewer, repo, row)}


@mutation("closeIssue")
async def close(viewer: Viewer, values: Object) -> Object:
    """Close an issue."""
    repo, row = find_issue(viewer, values["issueId"])
    reason = (values.get("stateReason") or "COMPLETED").lower()
    if row["state"] == "open":
        close_issue(viewer.hub, viewer.actor, repo, row, reason)
    return {"issue": show(viewer, repo, row)}


@mutation("reopenIssue")
async def reopen(viewer: Viewer, values: Object) -> Object:
    """Open a closed issue again."""
    repo, row = find_issue(viewer, values["issueId"])
    if row["state"] == "closed":
        reopen_issue(viewer.hub, viewer.actor, repo, row)
    return {"issue": show(viewer, repo, row)}


@mutation("addLabelsToLabelable")
async def add_labels(viewer: Viewer, values: Object) -> Object:
    """Put labels on an issue or pull request."""
    kind, repo, row = find_node(viewer, values["labelableId"])
    if kind not in ("Issue", "PullRequest"):
        raise unresolved(values["labelableId"])
    needs = "issues:write" if kind == "Issue" else "issues:write|pull_requests:write"
    viewer.check(repo, needs, "triage")
    present = {label["id"] for label in viewer.hub.state.labels_of(row["id"])}
    for label in find_labels(viewer, repo, values["labelIds"]):
        if label["id"] not in present:
            add_label(viewer.hub, viewer.actor, repo, row, label)
    return {"labelable": show(viewer, repo, row)}


@mutation("createPullRequest")
async def create_pull(viewer: Viewer, values: Object) -> Object:
    """Open a pull request."""
    repo = find_repository(viewer, values["repositoryId"])
    viewer.check(repo, "pull_requests:write")
    pull = await open_pull(
        viewer.hub,
        viewer.actor,
        repo,
        title=values["title"],
        body=values.get("body"),
        head=values["headRefName"],
        base=values["baseRefName"],
        draft=bool(values.get("draft")),
        maintainer_can_modify=values.get("maintainerCanModify", True),
    )
    row = viewer.hub.state.one("SELECT * FROM issues WHERE id = ?", pull["issue_id"])
    return {"pullRequest": render_conversation(viewer, repo, row)}


def _rename(values: Object, names: Mapping[str, str]) -> Object:
    """An input of GraphQL with REST's names."""
    return {names.get(name, name): value for name, value in values.items() if value is not None}


@mutation("addPullRequestReview")
async def add_review(viewer: Viewer, values: Object) -> Object:
    """Review a pull request, with threads on its lines."""
    repo, _, pull = find_pull(viewer, values["pullRequestId"])
    viewer.check(repo, "pull_requests:write")
    names = {"startLine": "start_line", "startSide": "start_side"}
    row = await review_pull(
        viewer.hub,
        viewer.actor,
        repo,
        pull,
        event=values.get("event"),
        text=values.get("body") or "",
        commit=values.get("commitOID"),
        drafts=[_rename(thread, names) for thread in values.get("threads") or []],
    )
    return {"pullRequestReview": render_review(viewer, repo, row)}


@mutation("createCheckRun")
async def create_check_run(viewer: Viewer, values: Object) -> Object:
    """Make a check run. More annotations than fifty: none is made, and no error is reported.

    mc1arke/sonarqube-community-branch-plugin#159
    """
    repo = find_repository(viewer, values["repositoryId"])
    viewer.check(repo, "checks:write", "write")
    output = dict(values.get("output") or {})
    annotations = output.pop("annotations", None) or []
    if len(annotations) > MOST_ANNOTATIONS:
        return {"checkRun": None}
    names = {
        "headSha": "head_sha",
        "externalId": "external_id",
        "detailsUrl": "details_url",
        "startedAt": "started_at",
        "completedAt": "completed_at",
    }
    wanted = {
        name: value.lower() if name in ("status", "conclusion") else value
        for name, value in _rename(values, names).items()
        if name not in ("repositoryId", "clientMutationId")
    }
    if output:
        wanted["output"] = {**output, "annotations": [_read_annotation(one) for one in annotations]}
    row = await make_check_run(viewer.hub, viewer.actor, repo, Body(wanted))
    return {"checkRun": render_run(viewer, repo, row)}


def _read_annotation(values: Object) -> Object:
    """An annotation with REST's names."""
    place = {"startLine": "start_line", "endLine": "end_line"}
    place |= {"startColumn": "start_column", "endColumn": "end_column"}
    return {
        **_rename(values["location"], place),
        **_rename(values, {"rawDetails": "raw_details"}),
        "annotation_level": values["annotationLevel"].lower(),
    }


@mutation("mergePullRequest")
async def merge(viewer: Viewer, values: Object) -> Object:
    """Merge a pull request."""
    repo, row, pull = find_pull(viewer, values["pullRequestId"])
    viewer.check(repo, "contents:write", "write")
    wanted = MergeRequest(
        method=(values.get("mergeMethod") or "MERGE").lower(),
        title=values.get("commitHeadline"),
        text=values.get("commitBody"),
    )
    await merge_pull(viewer.hub, viewer.actor, repo, pull["number"], wanted, values.get("expectedHeadOid"))
    return {"pullRequest": show(viewer, repo, row)}
