"""Finding things by their node id, and showing them as GraphQL objects."""

from __future__ import annotations

from localhub.errors import ApiError
from localhub.graphql.issues import render_comment
from localhub.graphql.pulls import (
    render_conversation,
    render_review,
    render_review_comment,
    render_review_thread,
)
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer
from localhub.node_ids import read_node_id
from localhub.state import Row

TABLES = {
    "IssueComment": "comments", "PullRequestReview": "reviews", "PullRequestReviewComment": "review_comments",
    "PullRequestReviewThread": "review_threads", "Discussion": "discussions",
    "DiscussionComment": "discussion_comments",
}  # fmt: skip
MOST_NODES = 100


def find_node(viewer: Viewer, global_id: str) -> tuple[str, Row, Row]:
    """(kind, repository, row) of a node id; NOT_FOUND also for what the viewer may not see."""
    missing = GraphQLFieldError(
        "NOT_FOUND", f"Could not resolve to a node with the global id of '{global_id}'"
    )
    kind, row_id = read_node_id(global_id) or ("", "")
    state = viewer.hub.state
    if kind == "Repository":
        table = "repos"
    elif kind in ("Issue", "PullRequest"):
        table = "issues"
    elif kind in TABLES:
        table = TABLES[kind]
    else:
        raise missing
    row = state.maybe(f"SELECT * FROM {table} WHERE id = ?", row_id)  # noqa: S608 (table names are ours)
    if row is None:
        raise missing
    if kind == "Repository":
        repo_id = row["id"]
    else:
        pull = "SELECT repo_id FROM pulls WHERE id = ?"
        repo_id = row.get("repo_id") or state.one(pull, row["pull_id"])["repo_id"]
    repo = state.repo(repo_id)
    try:
        viewer.check(repo, "metadata:read")
    except ApiError:
        raise missing from None
    return kind, repo, row


def render_node(viewer: Viewer, global_id: str) -> Object | None:
    """``Query.node``."""
    kind, repo, row = find_node(viewer, global_id)
    if kind == "Repository":
        return viewer.render_repository(viewer, repo)
    if kind == "PullRequestReviewThread":
        return render_review_thread(viewer, repo, row)
    shows = {
        "IssueComment": render_comment, "PullRequestReview": render_review,
        "PullRequestReviewComment": render_review_comment,
    }  # fmt: skip
    return shows.get(kind, render_conversation)(viewer, repo, row)


def render_nodes(viewer: Viewer, global_ids: list[str]) -> list[Object | GraphQLFieldError | None]:
    """``Query.nodes``: at most a hundred, an error in the place of each that there is not."""
    if len(global_ids) > MOST_NODES:
        text = f"You may not provide more than {MOST_NODES} node ids; you provided {len(global_ids)}."
        raise GraphQLFieldError("ARGUMENT_LIMIT", text)
    found: list[Object | GraphQLFieldError | None] = []
    for global_id in global_ids:
        try:
            found.append(render_node(viewer, global_id))
        except GraphQLFieldError as error:
            found.append(error)
    return found
