"""Issues, their comments, and reactions as JSON."""

from __future__ import annotations

from typing import Any

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.milestone import render_milestone_of
from localhub.objects.people import find_association, render_app_by_id, render_user, render_user_by_id
from localhub.objects.repository import page_url, render_label, repo_url
from localhub.state import Row

Json = dict[str, Any]

CONTENTS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def issue_page(hub: Hub, repo: Row, issue: Row) -> str:
    """The page of an issue or pull request."""
    return f"{page_url(hub, repo)}/{'pull' if issue['is_pull'] else 'issues'}/{issue['number']}"


def count_reactions(hub: Hub, url: str, subject: str, subject_id: int) -> Json:
    """How often each reaction was given."""
    contents = [row["content"] for row in hub.state.reactions(subject, subject_id)]
    counts = {content: contents.count(content) for content in CONTENTS}
    return {"url": f"{url}/reactions", "total_count": len(contents), **counts}


def render_assignees(hub: Hub, issue: Row) -> Json:
    """``assignee`` and ``assignees``."""
    rows = hub.state.all(
        "SELECT accounts.* FROM accounts JOIN issue_assignees ON account_id = accounts.id WHERE issue_id = ?",
        issue["id"],
    )
    users = [render_user(hub, row) for row in rows]
    return {"assignee": users[0] if users else None, "assignees": users}


def find_lock_reason(hub: Hub, issue: Row) -> str | None:
    """Why a conversation is locked, where somebody said so."""
    found = hub.state.maybe("SELECT reason FROM lock_reasons WHERE issue_id = ?", issue["id"])
    return None if found is None else str(found["reason"])


def render_issue(hub: Hub, repo: Row, row: Row) -> Json:
    """An issue, or a pull request seen as an issue."""
    state = hub.state
    url, page = f"{repo_url(hub, repo)}/issues/{row['number']}", issue_page(hub, repo, row)
    answer = {
        "url": url,
        "repository_url": repo_url(hub, repo),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": page,
        "id": row["id"],
        "node_id": node_id("PullRequest" if row["is_pull"] else "Issue", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "user": render_user_by_id(hub, row["user_id"]),
        "labels": [render_label(hub, repo, one) for one in state.labels_of(row["id"])],
        "state": row["state"],
        "locked": bool(row["locked"]),
        **render_assignees(hub, row),
        "milestone": render_milestone_of(hub, repo, row),
        "comments": state.count("SELECT count(*) FROM comments WHERE issue_id = ?", row["id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "author_association": find_association(hub, repo, row["user_id"]),
        "active_lock_reason": find_lock_reason(hub, row),
        "body": row["body"],
        "reactions": count_reactions(hub, url, "issue", row["id"]),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": render_app_by_id(hub, row["app_id"]),
        "state_reason": row["state_reason"],
    }
    if row["is_pull"]:
        pull = state.pull_of(row)
        answer |= {
            "draft": bool(pull["draft"]),
            "pull_request": {
                "url": f"{repo_url(hub, repo)}/pulls/{row['number']}",
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
                "merged_at": pull["merged_at"],
            },
        }
    return answer


def render_whole_issue(hub: Hub, repo: Row, row: Row) -> Json:
    """An issue, as its own address answers."""
    return render_issue(hub, repo, row) | {"closed_by": render_user_by_id(hub, row["closed_by_id"])}


def render_comment(hub: Hub, repo: Row, row: Row) -> Json:
    """A comment on an issue or on a pull request's conversation."""
    url = f"{repo_url(hub, repo)}/issues/comments/{row['id']}"
    parent = hub.state.one("SELECT * FROM issues WHERE id = ?", row["issue_id"])
    return {
        "url": url,
        "html_url": f"{issue_page(hub, repo, parent)}#issuecomment-{row['id']}",
        "issue_url": f"{repo_url(hub, repo)}/issues/{parent['number']}",
        "id": row["id"],
        "node_id": node_id("IssueComment", row["id"]),
        "user": render_user_by_id(hub, row["user_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "author_association": find_association(hub, repo, row["user_id"]),
        "body": row["body"],
        "reactions": count_reactions(hub, url, "comment", row["id"]),
        "performed_via_github_app": render_app_by_id(hub, row["app_id"]),
    }


def render_reaction(hub: Hub, row: Row) -> Json:
    """One reaction."""
    return {
        "id": row["id"],
        "node_id": node_id("Reaction", row["id"]),
        "user": render_user_by_id(hub, row["user_id"]),
        "content": row["content"],
        "created_at": row["created_at"],
    }
