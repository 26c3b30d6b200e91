"""The mutations of the GraphQL API."""

from __future__ import annotations

import base64
import binascii

from localhub.errors import ApiError
from localhub.git.authoring import make_commit, make_signature, write_tree
from localhub.git.pushes import Move, move_ref
from localhub.graphql.git import render_commit, render_ref
from localhub.graphql.issues import CONTENTS, render_comment
from localhub.graphql.lookup import find_node, render_node
from localhub.graphql.pulls import render_conversation, render_review_comment, render_review_thread
from localhub.graphql.registry import find_pull, mutation, unresolved
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer, render_account
from localhub.node_ids import node_id, read_node_id
from localhub.pull_state import set_draft
from localhub.rest.issues.comments import check_comment, write_comment
from localhub.rest.issues.reactions import react
from localhub.rest.pulls.review_rows import write_reply
from localhub.rest.pulls.reviews import may_resolve
from localhub.rest.repos.contents import check_path
from localhub.rules.queue import dequeue, enqueue
from localhub.state import Row

SUBJECTS = {
    "Issue": "issue", "PullRequest": "issue", "IssueComment": "comment",
    "PullRequestReviewComment": "review_comment",
}  # fmt: skip


def _find_permission(kind: str) -> str:
    if kind.startswith("PullRequestReview"):
        return "pull_requests:write"
    return "issues:write" if kind == "Issue" else "issues:write|pull_requests:write"


async def _resolve(viewer: Viewer, values: Object, *, resolved: bool) -> Object:
    kind, repo, row = find_node(viewer, values["threadId"])
    if kind != "PullRequestReviewThread":
        raise GraphQLFieldError(
            "NOT_FOUND", f"Could not resolve to a node with the global id of '{values['threadId']}'"
        )
    state = viewer.hub.state
    pull = state.one("SELECT * FROM pulls WHERE id = ?", row["pull_id"])
    if not may_resolve(viewer.hub, viewer.actor, repo, pull):
        text = f"{viewer.actor.name} does not have the correct permissions to execute `ResolveReviewThread`"
        raise GraphQLFieldError("FORBIDDEN", text)
    state.update("review_threads", row["id"], resolved_by_id=viewer.actor.account_id if resolved else None)
    fresh = state.one("SELECT * FROM review_threads WHERE id = ?", row["id"])
    return {"thread": render_review_thread(viewer, repo, fresh)}


@mutation("resolveReviewThread")
async def resolve_thread(viewer: Viewer, values: Object) -> Object:
    """Settle a review thread."""
    return await _resolve(viewer, values, resolved=True)


@mutation("unresolveReviewThread")
async def unresolve_thread(viewer: Viewer, values: Object) -> Object:
    """Open a settled review thread again."""
    return await _resolve(viewer, values, resolved=False)


@mutation("addPullRequestReviewThreadReply")
async def reply_in_thread(viewer: Viewer, values: Object) -> Object:
    """Reply in a review thread at once; replies that wait for a review's submission are not supported."""
    thread, state = values["pullRequestReviewThreadId"], viewer.hub.state
    kind, repo, row = find_node(viewer, thread)
    first = state.maybe("SELECT * FROM review_comments WHERE thread_id = ? ORDER BY id", row["id"])
    if kind != "PullRequestReviewThread" or values.get("pullRequestReviewId") or first is None:
        raise unresolved(thread)
    viewer.check(repo, "pull_requests:write", "read")
    check_comment(values["body"], "PullRequestReviewComment")
    pull = state.one("SELECT * FROM pulls WHERE id = ?", row["pull_id"])
    made = write_reply(viewer.hub, viewer.actor, repo, pull, first, values["body"])
    return {"comment": render_review_comment(viewer, repo, made)}


def _find_subject(viewer: Viewer, global_id: str) -> tuple[str, Row]:
    kind, repo, row = find_node(viewer, global_id)
    if kind not in SUBJECTS:
        raise unresolved(global_id)
    viewer.check(repo, _find_permission(kind))
    return SUBJECTS[kind], row


def _render_reaction(viewer: Viewer, row: Row, content: str) -> Object:
    return {
        "id": node_id("Reaction", row["id"]), "databaseId": row["id"], "content": content,
        "createdAt": row["created_at"], "user": render_account(viewer, row["user_id"], "User"),
    }  # fmt: skip


@mutation("addReaction")
async def add_reaction(viewer: Viewer, values: Object) -> Object:
    """React; once is enough."""
    subject, row = _find_subject(viewer, values["subjectId"])
    given, _ = react(viewer.hub, viewer.actor, subject, row["id"], CONTENTS[values["content"]])
    return {
        "reaction": _render_reaction(viewer, given, values["content"]),
        "subject": render_node(viewer, values["subjectId"]),
    }


@mutation("removeReaction")
async def remove_reaction(viewer: Viewer, values: Object) -> Object:
    """Take one's reaction back."""
    subject, row = _find_subject(viewer, values["subjectId"])
    content, mine = CONTENTS[values["content"]], viewer.actor.account_id
    rows = viewer.hub.state.reactions(subject, row["id"])
    given = next((one for one in rows if one["user_id"] == mine and one["content"] == content), None)
    if given is not None:
        viewer.hub.state.run("DELETE FROM reactions WHERE id = ?", given["id"])
    shown = None if given is None else _render_reaction(viewer, given, values["content"])
    return {"reaction": shown, "subject": render_node(viewer, values["subjectId"])}


@mutation("addComment")
async def add_comment(viewer: Viewer, values: Object) -> Object:
    """Comment on an issue or pull request."""
    kind, repo, row = find_node(viewer, values["subjectId"])
    if kind not in ("Issue", "PullRequest"):
        raise GraphQLFieldError(
            "NOT_FOUND", f"Could not resolve to a node with the global id of '{values['subjectId']}'"
        )
    viewer.check(repo, _find_permission(kind))
    made = write_comment(viewer.hub, viewer.actor, repo, row, values["body"])
    edge = {"cursor": "", "node": render_comment(viewer, repo, made)}
    return {"commentEdge": edge, "subject": render_node(viewer, values["subjectId"])}


async def _set_draft(viewer: Viewer, values: Object, *, draft: bool) -> Object:
    repo, row, pull = find_pull(viewer, values["pullRequestId"])
    author = row["user_id"] == viewer.actor.account_id
    viewer.check(repo, "pull_requests:write", "read" if author else "write")
    set_draft(viewer.hub, viewer.actor, repo, pull, draft)
    return {"pullRequest": render_conversation(viewer, repo, row)}


@mutation("convertPullRequestToDraft")
async def convert_to_draft(viewer: Viewer, values: Object) -> Object:
    """Make a pull request a draft."""
    return await _set_draft(viewer, values, draft=True)


@mutation("markPullRequestReadyForReview")
async def mark_ready(viewer: Viewer, values: Object) -> Object:
    """Make a draft ready for review."""
    return await _set_draft(viewer, values, draft=False)


@mutation("enqueuePullRequest")
async def enqueue_pull(viewer: Viewer, values: Object) -> Object:
    """Put a pull request into the merge queue of its base."""
    repo, _, pull = find_pull(viewer, values["pullRequestId"])
    viewer.check(repo, "pull_requests:write", "write")
    return {"mergeQueueEntry": _render_entry(await enqueue(viewer.hub, viewer.actor, repo, pull))}


@mutation("dequeuePullRequest")
async def dequeue_pull(viewer: Viewer, values: Object) -> Object:
    """Take a pull request out of the merge queue."""
    repo, _, pull = find_pull(viewer, values["id"])
    viewer.check(repo, "pull_requests:write", "write")
    return {"mergeQueueEntry": _render_entry(await dequeue(viewer.hub, viewer.actor, repo, pull, "MANUAL"))}


def _render_entry(entry: Row) -> Object:
    return {
        "id": node_id("MergeQueueEntry", entry["id"]),
        "position": 1,
        "state": "AWAITING_CHECKS",
        "enqueuedAt": entry["created_at"],
    }


@mutation("minimizeComment")
async def minimize(viewer: Viewer, values: Object) -> Object:
    """Hide a comment with a reason."""
    kind, repo, row = find_node(viewer, values["subjectId"])
    tables = {"IssueComment": "comments", "PullRequestReviewComment": "review_comments"}
    if kind not in tables:
        raise GraphQLFieldError("UNPROCESSABLE", "The subject cannot be minimized.")
    author = row["user_id"] == viewer.actor.account_id
    viewer.check(repo, _find_permission(kind), "read" if author else "write")
    reason = values["classifier"].lower().replace("_", "-")
    viewer.hub.state.update(
        tables[kind], row["id"], minimized_reason=reason, updated_at=viewer.hub.state.now()
    )
    return {"minimizedComment": render_node(viewer, values["subjectId"])}


@mutation("createCommitOnBranch")
async def create_commit(viewer: Viewer, values: Object) -> Object:
    """One signed commit on a branch that is still where the caller saw it."""
    hub = viewer.hub
    repo, branch = _find_branch(viewer, values["branch"])
    viewer.check(repo, "contents:write", "write")
    head, expected = hub.git.branch(repo["id"], branch), values["expectedHeadOid"]
    if head is None:
        raise GraphQLFieldError("NOT_FOUND", f"Branch {branch} was not found")
    if head != expected:
        text = f'Expected branch to point to "{expected}" but it did not. Pull and try again.'
        raise GraphQLFieldError("STALE_DATA", text)
    tree = _write_changes(viewer, repo, head, values.get("fileChanges") or {})
    message = "\n\n".join(
        part for part in (values["message"]["headline"], values["message"].get("body")) if part
    )
    sha = make_commit(
        hub, viewer.actor, repo, tree=tree, parents=[head], message=message,
        author=make_signature(viewer.actor.writer),
    )  # fmt: skip
    ref = f"refs/heads/{branch}"
    if not await move_ref(hub, viewer.actor, repo, Move(ref=ref, old=head, new=sha)):
        raise GraphQLFieldError("STALE_DATA", "The branch moved meanwhile. Pull and try again.")
    commit = render_commit(viewer, repo, hub.git.commit(repo["id"], sha))
    return {"commit": commit, "ref": render_ref(viewer, repo, ref)}


def _find_branch(viewer: Viewer, values: Object) -> tuple[Row, str]:
    if values.get("id"):
        kind, rest = read_node_id(values["id"]) or ("", "")
        repo_id, _, name = rest.partition(":")
        if kind != "Ref":
            raise GraphQLFieldError("NOT_FOUND", "Could not resolve the branch.")
        repo = viewer.hub.state.repo(int(repo_id))
        return repo, name.removeprefix("refs/heads/")
    owner, _, name = (values.get("repositoryNameWithOwner") or "").partition("/")
    found = viewer.hub.state.repo_by_name(owner, name)
    if found is None or not values.get("branchName"):
        raise GraphQLFieldError("NOT_FOUND", "Could not resolve the branch.")
    return found, str(values["branchName"]).removeprefix("refs/heads/")


def _write_changes(viewer: Viewer, repo: Row, head: str, changes: Object) -> str:
    deletions = [deletion["path"] for deletion in changes.get("deletions") or []]
    additions: dict[str, bytes] = {}
    for addition in changes.get("additions") or []:
        try:
            additions[addition["path"]] = base64.b64decode(addition["contents"], validate=True)
        except (binascii.Error, ValueError):
            raise GraphQLFieldError(
                "UNPROCESSABLE", f"{addition['path']}: contents are not valid Base64."
            ) from None
    for path in (*additions, *deletions):
        check_path(viewer.actor, path)
    for path in deletions:
        if viewer.hub.git.entry(repo["id"], head, path) is None:
            raise ApiError(422, f"A path was requested for deletion which does not exist: {path}")
    tree = viewer.hub.git.commit(repo["id"], head).tree.decode()
    return write_tree(viewer.hub, repo["id"], tree, additions, deletions)
