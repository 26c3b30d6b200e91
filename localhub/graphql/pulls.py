"""Pull requests, reviews and review threads as GraphQL objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localhub.closing_keywords import find_closed_numbers
from localhub.errors import ApiError
from localhub.graphql.checks import render_rollup
from localhub.graphql.connections import connection_field
from localhub.graphql.git import render_commit, render_git_object, render_ref
from localhub.graphql.issues import count_reactions, render_authored, render_issue
from localhub.graphql.viewer import Object, Viewer, render_account
from localhub.node_ids import node_id
from localhub.objects.pull import issue_of, pull_page
from localhub.objects.repository import full_name
from localhub.rest.pulls.reviews import may_resolve
from localhub.state import Row


def pull_state(issue: Row, merged_at: str | None) -> str:
    """OPEN, CLOSED or MERGED."""
    return "MERGED" if merged_at else str(issue["state"]).upper()


def render_conversation(viewer: Viewer, repo: Row, row: Row) -> Object:
    """An issue or a pull request, by the row of ``issues`` that both have."""
    fields = render_issue(viewer, repo, row)
    return fields | (_render_pull_fields(viewer, repo, row) if row["is_pull"] else {})


def _render_pull_fields(viewer: Viewer, repo: Row, row: Row) -> Object:
    """What a pull request has beyond an issue."""
    state, hub = viewer.hub.state, viewer.hub
    pull = state.pull_of(row)
    head_repo = None if pull["head_repo_id"] is None else state.repo(pull["head_repo_id"])
    mergeable = {None: "UNKNOWN", 0: "CONFLICTING", 1: "MERGEABLE"}[pull["mergeable"]]

    def closing() -> list[Row]:
        found = [
            state.issue(repo["id"], number)
            for number in find_closed_numbers(row["body"] or "", full_name(repo))
        ]
        return [one for one in found if one is not None and not one["is_pull"]]

    def reviews(states: list[str] | None = None, author: str | None = None) -> list[Row]:
        rows = _visible_reviews(viewer, pull)
        logins = {one["id"]: state.account(one["user_id"])["login"].removesuffix("[bot]") for one in rows}
        kept = [one for one in rows if not states or one["state"] in states]
        return [one for one in kept if author in (None, logins[one["id"]])]

    def threads() -> list[Row]:
        return state.all("SELECT * FROM review_threads WHERE pull_id = ? ORDER BY id", pull["id"])

    def merge_commit(info: Any) -> Object | None:
        if pull["merged_at"] is None:
            return None
        return render_commit(viewer, repo, hub.git.commit(repo["id"], pull["merge_commit_sha"]))

    return {
        "state": pull_state(row, pull["merged_at"]),
        "isDraft": bool(pull["draft"]),
        "merged": pull["merged_at"] is not None,
        "mergedAt": pull["merged_at"],
        "mergeable": mergeable if row["state"] == "open" else "UNKNOWN",
        "mergeCommit": merge_commit,
        "additions": pull["additions"],
        "deletions": pull["deletions"],
        "changedFiles": pull["changed_files"],
        "baseRefName": pull["base_ref"],
        "baseRefOid": pull["base_sha"],
        "baseRef": lambda info: render_ref(viewer, repo, f"refs/heads/{pull['base_ref']}"),
        "headRefName": pull["head_ref"],
        "headRefOid": pull["head_sha"],
        "headRef": lambda info: head_repo and render_ref(viewer, head_repo, f"refs/heads/{pull['head_ref']}"),
        "headRepository": lambda info: head_repo and viewer.render_repository(viewer, head_repo),
        "headRepositoryOwner": lambda info: head_repo and render_account(viewer, head_repo["owner_id"]),
        "isCrossRepository": pull["head_repo_id"] != repo["id"],
        "maintainerCanModify": bool(pull["maintainer_can_modify"]),
        "reviewDecision": lambda info: _decision(viewer, pull),
        "mergeStateStatus": _judge_mergeability(pull, row),
        "statusCheckRollup": lambda info: render_rollup(viewer, repo, pull["head_sha"]),
        "commits": _commits_field(viewer, repo, pull),
        "reviewRequests": connection_field(
            "reviewRequests", lambda: _list_requested(viewer, pull), lambda one: _render_request(viewer, one)
        ),
        "closingIssuesReferences": connection_field(
            "closingIssuesReferences", closing, lambda one: render_conversation(viewer, repo, one)
        ),
        "reviews": connection_field("reviews", reviews, lambda one: render_review(viewer, repo, one)),
        "latestReviews": connection_field(
            "latestReviews",
            lambda: list(_find_newest(reviews()).values()),
            lambda one: render_review(viewer, repo, one),
        ),
        "reviewThreads": connection_field(
            "reviewThreads", threads, lambda one: render_review_thread(viewer, repo, one)
        ),
    }


def _judge_mergeability(pull: Row, row: Row) -> str:
    if row["state"] != "open" or pull["mergeable"] is None:
        return "UNKNOWN"
    return "CLEAN" if pull["mergeable"] else "DIRTY"


def _commits_field(viewer: Viewer, repo: Row, pull: Row) -> Callable[..., Any]:
    git = viewer.hub.git

    async def field(info: Any, **paging: Any) -> Object:
        shas = await git.commits(repo["id"], "--reverse", f"{pull['merge_base_sha']}..{pull['head_sha']}")

        def show(one: Row) -> Object:
            commit = render_commit(viewer, repo, git.commit(repo["id"], one["sha"]))
            return {"__typename": "PullRequestCommit", "id": commit["id"], "commit": commit}

        return connection_field("commits", lambda: [{"sha": sha} for sha in shas], show)(info, **paging)

    return field


def _list_requested(viewer: Viewer, pull: Row) -> list[Row]:
    sql = "SELECT account_id AS id FROM requested_reviewers WHERE pull_id = ?"
    return viewer.hub.state.all(sql, pull["id"])


def _render_request(viewer: Viewer, one: Row) -> Object:
    reviewer = render_account(viewer, one["id"])
    return {"__typename": "ReviewRequest", "id": reviewer and reviewer["id"], "requestedReviewer": reviewer}


def _visible_reviews(viewer: Viewer, pull: Row) -> list[Row]:
    mine = viewer.actor.account_id
    return [
        r for r in viewer.hub.state.reviews(pull["id"]) if r["state"] != "PENDING" or r["user_id"] == mine
    ]


def _find_newest(rows: list[Row]) -> dict[int, Row]:
    """The newest submitted review of each reviewer."""
    return {row["user_id"]: row for row in rows if row["state"] != "PENDING"}


def _decision(viewer: Viewer, pull: Row) -> str | None:
    """What the newest verdicts of the reviewers come to; null without any, as no review is required here."""
    newest: dict[int, str] = {}
    for row in viewer.hub.state.reviews(pull["id"]):
        if row["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            newest[row["user_id"]] = row["state"]
    if "CHANGES_REQUESTED" in newest.values():
        return "CHANGES_REQUESTED"
    return "APPROVED" if "APPROVED" in newest.values() else None


def _pull_of(viewer: Viewer, row: Row) -> Row:
    return viewer.hub.state.one("SELECT * FROM pulls WHERE id = ?", row["pull_id"])


def render_review(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A review."""
    pull = _pull_of(viewer, row)

    def comments() -> list[Row]:
        return [one for one in viewer.hub.state.review_comments(pull["id"]) if one["review_id"] == row["id"]]

    return render_authored(viewer, repo, row, "PullRequestReview") | {
        "state": row["state"],
        "submittedAt": row["submitted_at"],
        "commit": lambda info: render_git_object(viewer, repo, row["commit_id"]),
        "reactionGroups": [],
        "url": f"{pull_page(viewer.hub, repo, pull)}#pullrequestreview-{row['id']}",
        "comments": connection_field(
            "comments", comments, lambda one: render_review_comment(viewer, repo, one)
        ),
    }


def render_review_comment(viewer: Viewer, repo: Row, row: Row) -> Object:
    """An inline comment."""
    state = viewer.hub.state

    def reply_to(info: Any) -> Object | None:
        parent = state.maybe("SELECT * FROM review_comments WHERE id = ?", row["in_reply_to_id"])
        return None if parent is None else render_review_comment(viewer, repo, parent)

    def review(info: Any) -> Object:
        return render_review(viewer, repo, state.one("SELECT * FROM reviews WHERE id = ?", row["review_id"]))

    return render_authored(viewer, repo, row, "PullRequestReviewComment") | {
        "path": row["path"],
        "line": row["line"],
        "originalLine": row["original_line"],
        "diffHunk": row["diff_hunk"],
        "outdated": row["position"] is None,
        "replyTo": reply_to,
        "pullRequestReview": review,
        "reactionGroups": lambda info: count_reactions(viewer, "review_comment", row["id"]),
        "url": f"{pull_page(viewer.hub, repo, _pull_of(viewer, row))}#discussion_r{row['id']}",
    }


def render_review_thread(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A review thread: the comments under one line, and whether they are settled."""
    state = viewer.hub.state
    pull = _pull_of(viewer, row)
    comments = state.all("SELECT * FROM review_comments WHERE thread_id = ? ORDER BY id", row["id"])
    first: Row = comments[0] if comments else {}
    outdated = first.get("subject_type") == "line" and first.get("line") is None
    return {
        "__typename": "PullRequestReviewThread",
        "id": node_id("PullRequestReviewThread", row["id"]),
        "isResolved": row["resolved_by_id"] is not None,
        "isCollapsed": row["resolved_by_id"] is not None or outdated,
        "isOutdated": outdated,
        "resolvedBy": render_account(viewer, row["resolved_by_id"], "User"),
        "path": first.get("path", ""),
        "line": first.get("line"),
        "originalLine": first.get("original_line"),
        "startLine": first.get("start_line"),
        "originalStartLine": first.get("original_start_line"),
        "diffSide": first.get("side", "RIGHT"),
        "subjectType": str(first.get("subject_type", "line")).upper(),
        "viewerCanResolve": lambda info: _can_resolve(viewer, repo, pull),
        "pullRequest": lambda info: render_conversation(viewer, repo, issue_of(viewer.hub, pull)),
        "comments": connection_field(
            "comments", lambda: comments, lambda one: render_review_comment(viewer, repo, one)
        ),
    }


def _can_resolve(viewer: Viewer, repo: Row, pull: Row) -> bool:
    try:
        return may_resolve(viewer.hub, viewer.actor, repo, pull)
    except ApiError:
        return False
