"""Discussions in GraphQL, where alone GitHub has them: read, opened, answered, edited."""

from __future__ import annotations

from localhub import events
from localhub.graphql.connections import connection_field
from localhub.graphql.issues import render_authored
from localhub.graphql.lookup import find_node
from localhub.graphql.registry import find_repository, mutation, unresolved
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer
from localhub.node_ids import node_id
from localhub.objects.discussion import (
    ANSWERABLE,
    CATEGORIES,
    comment_page,
    discussion_page,
    find_category_id,
)
from localhub.rest.api import check_text
from localhub.rest.issues.comments import check_comment
from localhub.rest.issues.issues import next_number
from localhub.state import Row

READ, WRITE = "discussions:read", "discussions:write"


def find_discussion(viewer: Viewer, repo: Row, number: int) -> Object:
    """``Repository.discussion``."""
    sql = "SELECT * FROM discussions WHERE repo_id = ? AND number = ?"
    row = viewer.hub.state.maybe(sql, repo["id"], number)
    if row is None:
        text = f"Could not resolve to a Discussion with the number of {number}."
        raise GraphQLFieldError("NOT_FOUND", text)
    viewer.check(repo, READ)
    return render_discussion(viewer, repo, row)


def list_discussions(viewer: Viewer, repo: Row, order: Object | None) -> list[Row]:
    """``Repository.discussions``, the newest first where no order is asked for."""
    viewer.check(repo, READ)
    rows = viewer.hub.state.all("SELECT * FROM discussions WHERE repo_id = ?", repo["id"])
    column = "updated_at" if order and order["field"] == "UPDATED_AT" else "created_at"
    newest_first = order is None or order["direction"] == "DESC"
    return sorted(rows, key=lambda row: (row[column], row["number"]), reverse=newest_first)


def list_categories(repo: Row) -> list[Object]:
    """A repository's categories of discussions."""
    return [
        {
            "__typename": "DiscussionCategory",
            "id": node_id("DiscussionCategory", find_category_id(repo, name)),
            "name": name,
            "isAnswerable": name == ANSWERABLE,
        }
        for name in CATEGORIES
    ]


def render_discussion(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A discussion."""
    return render_authored(viewer, repo, row, "Discussion") | {
        "number": row["number"],
        "title": row["title"],
        "locked": False,
        "url": discussion_page(viewer.hub, repo, row),
        "comments": connection_field(
            "comments",
            lambda: _list_comments(viewer, row, None),
            lambda one: render_discussion_comment(viewer, repo, row, one),
        ),
    }


def render_discussion_comment(viewer: Viewer, repo: Row, discussion: Row, row: Row) -> Object:
    """A comment of a discussion, with the replies to it."""
    return render_authored(viewer, repo, row, "DiscussionComment") | {
        "url": comment_page(viewer.hub, repo, discussion, row),
        "isAnswer": False,
        "replies": connection_field(
            "replies",
            lambda: _list_comments(viewer, discussion, row["id"]),
            lambda one: render_discussion_comment(viewer, repo, discussion, one),
        ),
    }


def _list_comments(viewer: Viewer, discussion: Row, parent: int | None) -> list[Row]:
    sql = "SELECT * FROM discussion_comments WHERE discussion_id = ? AND parent_id IS ? ORDER BY id"
    return viewer.hub.state.all(sql, discussion["id"], parent)


@mutation("createDiscussion")
async def create_discussion(viewer: Viewer, values: Object) -> Object:
    """Open a discussion in a category."""
    repo, hub = find_repository(viewer, values["repositoryId"]), viewer.hub
    viewer.check(repo, WRITE)
    known = {one["id"]: one["name"] for one in list_categories(repo)}
    if values["categoryId"] not in known:
        raise unresolved(values["categoryId"])
    check_text("Discussion", "body", values["body"])
    now = hub.state.now()
    with hub.state.transaction():
        row_id = hub.state.insert(
            "discussions",
            repo_id=repo["id"],
            number=next_number(hub, repo["id"]),
            title=values["title"],
            body=values["body"],
            category=known[values["categoryId"]],
            user_id=viewer.actor.account_id,
            created_at=now,
            updated_at=now,
        )
    row = hub.state.one("SELECT * FROM discussions WHERE id = ?", row_id)
    events.send_discussion(hub, viewer.actor, repo, "created", row)
    return {"discussion": render_discussion(viewer, repo, row)}


@mutation("addDiscussionComment")
async def add_discussion_comment(viewer: Viewer, values: Object) -> Object:
    """Comment on a discussion, or reply to one of its comments; replies have no replies."""
    hub = viewer.hub
    kind, repo, row = find_node(viewer, values["discussionId"])
    if kind != "Discussion":
        raise unresolved(values["discussionId"])
    viewer.check(repo, WRITE)
    check_comment(values["body"], "DiscussionComment")
    parent = None
    if values.get("replyToId"):
        kind, _, above = find_node(viewer, values["replyToId"])
        if kind != "DiscussionComment" or above["discussion_id"] != row["id"]:
            raise unresolved(values["replyToId"])
        if above["parent_id"] is not None:
            text = "Parent comment is already in a thread, cannot reply to it"
            raise GraphQLFieldError("UNPROCESSABLE", text)
        parent = above["id"]
    now = hub.state.now()
    row_id = hub.state.insert(
        "discussion_comments",
        repo_id=repo["id"],
        discussion_id=row["id"],
        parent_id=parent,
        body=values["body"],
        user_id=viewer.actor.account_id,
        created_at=now,
        updated_at=now,
    )
    hub.state.update("discussions", row["id"], updated_at=now)
    made = hub.state.one("SELECT * FROM discussion_comments WHERE id = ?", row_id)
    events.send_discussion_comment(hub, viewer.actor, repo, "created", made)
    return {"comment": render_discussion_comment(viewer, repo, row, made)}


@mutation("updateDiscussionComment")
async def update_discussion_comment(viewer: Viewer, values: Object) -> Object:
    """Edit a comment of a discussion."""
    hub = viewer.hub
    kind, repo, row = find_node(viewer, values["commentId"])
    if kind != "DiscussionComment":
        raise unresolved(values["commentId"])
    author = row["user_id"] == viewer.actor.account_id
    viewer.check(repo, WRITE, "read" if author else "write")
    check_comment(values["body"], "DiscussionComment")
    now = hub.state.now()
    hub.state.update(
        "discussion_comments", row["id"], body=values["body"], last_edited_at=now, updated_at=now
    )
    fresh = hub.state.one("SELECT * FROM discussion_comments WHERE id = ?", row["id"])
    if fresh["body"] != row["body"]:
        changes = {"body": {"from": row["body"]}}
        events.send_discussion_comment(hub, viewer.actor, repo, "edited", fresh, changes=changes)
    above = hub.state.one("SELECT * FROM discussions WHERE id = ?", row["discussion_id"])
    return {"comment": render_discussion_comment(viewer, repo, above, fresh)}
