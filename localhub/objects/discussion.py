"""Discussions and their comments, as webhooks show them: GitHub's REST API has none."""

from __future__ import annotations

from typing import Any

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.issue import count_reactions
from localhub.objects.people import find_association, render_user_by_id
from localhub.objects.repository import page_url, repo_url
from localhub.state import Row

Json = dict[str, Any]
ANSWERABLE = "Q&A"
CATEGORIES = {ANSWERABLE: ":pray:", "General": ":speech_balloon:"}  # and the emoji of each


def discussion_page(hub: Hub, repo: Row, row: Row) -> str:
    """The address of a discussion's page."""
    return f"{page_url(hub, repo)}/discussions/{row['number']}"


def comment_page(hub: Hub, repo: Row, discussion: Row, row: Row) -> str:
    """The address of a comment on its discussion's page."""
    return f"{discussion_page(hub, repo, discussion)}#discussioncomment-{row['id']}"


def find_category_id(repo: Row, name: str) -> int:
    """The id of one of a repository's categories: every repository has the same ones."""
    return int(repo["id"]) * 10 + list(CATEGORIES).index(name)


def render_discussion(hub: Hub, repo: Row, row: Row) -> Json:
    """A discussion."""
    url, now = repo_url(hub, repo), repo["created_at"]
    category = find_category_id(repo, row["category"])
    return {
        "repository_url": url,
        "category": {
            "id": category,
            "node_id": node_id("DiscussionCategory", category),
            "repository_id": repo["id"],
            "emoji": CATEGORIES[row["category"]],
            "name": row["category"],
            "description": "",
            "created_at": now,
            "updated_at": now,
            "slug": "q-a" if row["category"] == ANSWERABLE else row["category"].lower(),
            "is_answerable": row["category"] == ANSWERABLE,
        },
        "answer_html_url": None,
        "answer_chosen_at": None,
        "answer_chosen_by": None,
        "html_url": discussion_page(hub, repo, row),
        "id": row["id"],
        "node_id": node_id("Discussion", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "user": render_user_by_id(hub, row["user_id"]),
        "state": "open",
        "locked": False,
        "comments": hub.state.count(
            "SELECT count(*) FROM discussion_comments WHERE discussion_id = ?", row["id"]
        ),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "author_association": find_association(hub, repo, row["user_id"]),
        "active_lock_reason": None,
        "body": row["body"],
        "reactions": count_reactions(hub, url, "discussion", row["id"]),
    }


def render_discussion_comment(hub: Hub, repo: Row, row: Row) -> Json:
    """A comment of a discussion, or a reply to one."""
    parent = hub.state.one("SELECT * FROM discussions WHERE id = ?", row["discussion_id"])
    url = repo_url(hub, repo)
    replies = hub.state.count("SELECT count(*) FROM discussion_comments WHERE parent_id = ?", row["id"])
    return {
        "id": row["id"],
        "node_id": node_id("DiscussionComment", row["id"]),
        "html_url": comment_page(hub, repo, parent, row),
        "parent_id": row["parent_id"],
        "child_comment_count": replies,
        "repository_url": url,
        "discussion_id": row["discussion_id"],
        "author_association": find_association(hub, repo, row["user_id"]),
        "user": render_user_by_id(hub, row["user_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "body": row["body"],
        "reactions": count_reactions(hub, url, "discussion_comment", row["id"]),
    }
