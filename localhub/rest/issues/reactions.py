"""Reactions on issues, comments and review comments."""

from __future__ import annotations

from aiohttp import web

from localhub.auth import Actor
from localhub.errors import ApiError, not_found
from localhub.hub import Hub
from localhub.objects.issue import CONTENTS, render_reaction
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()

REPO = "/repos/{owner}/{repo}"
ON_ISSUE = REPO + "/issues/{number:\\d+}/reactions"
ON_COMMENT = REPO + "/issues/comments/{id:\\d+}/reactions"
ON_REVIEW_COMMENT = REPO + "/pulls/comments/{id:\\d+}/reactions"
# Unlike comments, reactions on a pull request's own thread take the permission for issues (GitHub's table of
# permissions lists them there alone, without an alternative).
READ, WRITE = "issues:read", "issues:write"
PULL_READ, PULL_WRITE = "pull_requests:read", "pull_requests:write"


def react(hub: Hub, actor: Actor, subject: str, subject_id: int, content: str) -> tuple[Row, bool]:
    """Give a reaction; the row and whether it is new."""
    sql = "SELECT * FROM reactions WHERE subject = ? AND subject_id = ? AND user_id = ? AND content = ?"
    key = (subject, subject_id, actor.account_id, content)
    found = hub.state.maybe(sql, *key)
    if found is not None:
        return found, False
    hub.state.insert(
        "reactions", subject=subject, subject_id=subject_id, user_id=actor.account_id, content=content,
        created_at=hub.state.now(),
    )  # fmt: skip
    return hub.state.one(sql, *key), True


def _create(call: Call, subject: str, subject_id: int) -> web.Response:
    content = call.body.choice("content", CONTENTS)
    row, new = react(call.hub, call.actor, subject, subject_id, content)
    return answer(render_reaction(call.hub, row), 201 if new else 200)


def _list(call: Call, subject: str, subject_id: int) -> web.Response:
    wanted = call.query("content")
    rows = [row for row in call.hub.state.reactions(subject, subject_id) if wanted in ("", row["content"])]
    return answer_page(call, rows, lambda row: render_reaction(call.hub, row))


def _delete(call: Call, subject: str, subject_id: int) -> web.Response:
    sql = "SELECT * FROM reactions WHERE id = ? AND subject = ? AND subject_id = ?"
    row = call.hub.state.maybe(sql, call.number("reaction"), subject, subject_id)
    if row is None:
        raise not_found()
    if row["user_id"] != call.actor.account_id:
        raise ApiError(403, "Must be the author of the reaction.")
    call.hub.state.run("DELETE FROM reactions WHERE id = ?", row["id"])
    return answer_nothing()


@routes.post(ON_ISSUE, app=WRITE)
async def create_on_issue(call: Call) -> web.Response:
    """POST issues/{number}/reactions: 201, or 200 when it was there."""
    return _create(call, "issue", call.issue()["id"])


@routes.get(ON_ISSUE, app=READ)
async def list_on_issue(call: Call) -> web.Response:
    """GET issues/{number}/reactions."""
    return _list(call, "issue", call.issue()["id"])


@routes.delete(ON_ISSUE + "/{reaction:\\d+}", app=WRITE)
async def delete_on_issue(call: Call) -> web.Response:
    """DELETE issues/{number}/reactions/{reaction}."""
    return _delete(call, "issue", call.issue()["id"])


@routes.post(ON_COMMENT, app=WRITE)
async def create_on_comment(call: Call) -> web.Response:
    """POST issues/comments/{id}/reactions: 201, or 200 when it was there."""
    return _create(call, "comment", call.row("comments")["id"])


@routes.get(ON_COMMENT, app=READ)
async def list_on_comment(call: Call) -> web.Response:
    """GET issues/comments/{id}/reactions."""
    return _list(call, "comment", call.row("comments")["id"])


@routes.delete(ON_COMMENT + "/{reaction:\\d+}", app=WRITE)
async def delete_on_comment(call: Call) -> web.Response:
    """DELETE issues/comments/{id}/reactions/{reaction}."""
    return _delete(call, "comment", call.row("comments")["id"])


@routes.post(ON_REVIEW_COMMENT, app=PULL_WRITE)
async def create_on_review_comment(call: Call) -> web.Response:
    """POST pulls/comments/{id}/reactions: 201, or 200 when it was there."""
    return _create(call, "review_comment", call.row("review_comments")["id"])


@routes.get(ON_REVIEW_COMMENT, app=PULL_READ)
async def list_on_review_comment(call: Call) -> web.Response:
    """GET pulls/comments/{id}/reactions."""
    return _list(call, "review_comment", call.row("review_comments")["id"])


@routes.delete(ON_REVIEW_COMMENT + "/{reaction:\\d+}", app=PULL_WRITE)
async def delete_on_review_comment(call: Call) -> web.Response:
    """DELETE pulls/comments/{id}/reactions/{reaction}."""
    return _delete(call, "review_comment", call.row("review_comments")["id"])
