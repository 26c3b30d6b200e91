"""Pull requests, reviews and review comments as JSON."""

from __future__ import annotations

from typing import Any

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.issue import count_reactions, find_lock_reason, render_assignees
from localhub.objects.milestone import render_milestone_of
from localhub.objects.people import find_association, render_user, render_user_by_id
from localhub.objects.repository import (
    page_url,
    render_label,
    render_repository,
    render_repository_of_check,
    repo_url,
)
from localhub.state import Row

Json = dict[str, Any]


def issue_of(hub: Hub, pull: Row) -> Row:
    """The row with a pull request's title, body and state."""
    return hub.state.one("SELECT * FROM issues WHERE id = ?", pull["issue_id"])


def pull_page(hub: Hub, repo: Row, pull: Row) -> str:
    """The pull request's page."""
    return f"{page_url(hub, repo)}/pull/{pull['number']}"


def _head(hub: Hub, pull: Row) -> Json:
    repo = None if pull["head_repo_id"] is None else hub.state.repo(pull["head_repo_id"])
    owner = hub.state.require_account(pull["head_owner"])
    return {
        "label": f"{pull['head_owner']}:{pull['head_ref']}",
        "ref": pull["head_ref"],
        "sha": pull["head_sha"],
        "user": render_user(hub, owner),
        "repo": None if repo is None else render_repository(hub, repo),
    }


def _base(hub: Hub, repo: Row, pull: Row) -> Json:
    return {
        "label": f"{repo['owner']}:{pull['base_ref']}",
        "ref": pull["base_ref"],
        "sha": pull["base_sha"],
        "user": render_user(hub, hub.state.account(repo["owner_id"])),
        "repo": render_repository(hub, repo),
    }


def render_short_pull(hub: Hub, repo: Row, pull: Row) -> Json:
    """A pull request, as lists and review events carry it."""
    row = issue_of(hub, pull)
    url, page = f"{repo_url(hub, repo)}/pulls/{pull['number']}", pull_page(hub, repo, pull)
    issue_url = f"{repo_url(hub, repo)}/issues/{pull['number']}"
    statuses = f"{repo_url(hub, repo)}/statuses/{pull['head_sha']}"
    reviewers = hub.state.all(
        "SELECT accounts.* FROM accounts JOIN requested_reviewers ON account_id = accounts.id"
        " WHERE pull_id = ?",
        pull["id"],
    )
    links = {
        "self": url, "html": page, "issue": issue_url, "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{repo_url(hub, repo)}/pulls/comments{{/number}}", "commits": f"{url}/commits",
        "statuses": statuses,
    }  # fmt: skip
    return {
        "url": url,
        "id": pull["id"],
        "node_id": node_id("PullRequest", row["id"]),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        "number": pull["number"],
        "state": row["state"],
        "locked": bool(row["locked"]),
        "title": row["title"],
        "user": render_user_by_id(hub, row["user_id"]),
        "body": row["body"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "merged_at": pull["merged_at"],
        "merge_commit_sha": pull["merge_commit_sha"],
        **render_assignees(hub, row),
        "requested_reviewers": [render_user(hub, reviewer) for reviewer in reviewers],
        "requested_teams": [],
        "labels": [render_label(hub, repo, one) for one in hub.state.labels_of(row["id"])],
        "milestone": render_milestone_of(hub, repo, row),
        "draft": bool(pull["draft"]),
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": statuses,
        "head": _head(hub, pull),
        "base": _base(hub, repo, pull),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": find_association(hub, repo, row["user_id"]),
        "auto_merge": None,
        "active_lock_reason": find_lock_reason(hub, row),
    }


def render_pull(hub: Hub, repo: Row, pull: Row) -> Json:
    """A pull request in full."""
    state, row = hub.state, issue_of(hub, pull)
    mergeable = None if pull["mergeable"] is None or row["state"] == "closed" else bool(pull["mergeable"])
    return render_short_pull(hub, repo, pull) | {
        "merged": pull["merged_at"] is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": _mergeable_state(pull, mergeable),
        "merged_by": render_user_by_id(hub, pull["merged_by_id"]),
        "comments": state.count("SELECT count(*) FROM comments WHERE issue_id = ?", row["id"]),
        "review_comments": state.count("SELECT count(*) FROM review_comments WHERE pull_id = ?", pull["id"]),
        "maintainer_can_modify": bool(pull["maintainer_can_modify"]),
        "commits": pull["commits"],
        "additions": pull["additions"],
        "deletions": pull["deletions"],
        "changed_files": pull["changed_files"],
    }


def _mergeable_state(pull: Row, mergeable: bool | None) -> str:
    if mergeable is None:
        return "unknown"
    if not mergeable:
        return "dirty"
    return "draft" if pull["draft"] else "clean"


def render_pull_of_check(hub: Hub, repo: Row, pull: Row) -> Json:
    """A pull request as check runs name it."""
    head = hub.state.repo(pull["head_repo_id"] or repo["id"])
    return {
        "url": f"{repo_url(hub, repo)}/pulls/{pull['number']}",
        "id": pull["id"],
        "number": pull["number"],
        "head": {
            "ref": pull["head_ref"],
            "sha": pull["head_sha"],
            "repo": render_repository_of_check(hub, head),
        },
        "base": {
            "ref": pull["base_ref"],
            "sha": pull["base_sha"],
            "repo": render_repository_of_check(hub, repo),
        },
    }


def render_review(hub: Hub, repo: Row, pull: Row, row: Row) -> Json:
    """A review, as REST answers (webhooks write its state in small letters)."""
    url = f"{repo_url(hub, repo)}/pulls/{pull['number']}"
    page = f"{pull_page(hub, repo, pull)}#pullrequestreview-{row['id']}"
    answer = {
        "id": row["id"],
        "node_id": node_id("PullRequestReview", row["id"]),
        "user": render_user_by_id(hub, row["user_id"]),
        "body": row["body"],
        "state": row["state"],
        "html_url": page,
        "pull_request_url": url,
        "author_association": find_association(hub, repo, row["user_id"]),
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "commit_id": row["commit_id"],
    }
    if row["submitted_at"] is not None:
        answer["submitted_at"] = row["submitted_at"]
    return answer


def render_review_comment(hub: Hub, repo: Row, pull: Row, row: Row) -> Json:
    """An inline comment."""
    url = f"{repo_url(hub, repo)}/pulls/comments/{row['id']}"
    pull_url = f"{repo_url(hub, repo)}/pulls/{pull['number']}"
    page = f"{pull_page(hub, repo, pull)}#discussion_r{row['id']}"
    answer = {
        "url": url,
        "pull_request_review_id": row["review_id"],
        "id": row["id"],
        "node_id": node_id("PullRequestReviewComment", row["id"]),
        "diff_hunk": row["diff_hunk"],
        "path": row["path"],
        "commit_id": row["commit_id"],
        "original_commit_id": row["original_commit_id"],
        "user": render_user_by_id(hub, row["user_id"]),
        "body": row["body"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "html_url": page,
        "pull_request_url": pull_url,
        "author_association": find_association(hub, repo, row["user_id"]),
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull_url}},
        "reactions": count_reactions(hub, url, "review_comment", row["id"]),
        "start_line": row["start_line"],
        "original_start_line": row["original_start_line"],
        "start_side": row["start_side"],
        "line": row["line"],
        "original_line": row["original_line"],
        "side": row["side"],
        "position": row["position"],
        "original_position": row["original_position"],
        "subject_type": row["subject_type"],
    }
    if row["in_reply_to_id"] is not None:
        answer["in_reply_to_id"] = row["in_reply_to_id"]
    return answer
