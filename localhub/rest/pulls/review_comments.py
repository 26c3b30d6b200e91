"""Inline comments on a pull request's diff, alone, in a review, or as replies."""

from __future__ import annotations

from aiohttp import web

from localhub import events
from localhub.errors import ApiError, invalid, not_found
from localhub.objects.pull import render_review_comment
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.rest.issues.comments import check_comment
from localhub.rest.issues.issues import check_author
from localhub.rest.pulls.diff_positions import RESOURCE, find_position, load_patches
from localhub.rest.pulls.pulls import BASE, ONE, READ, WRITE
from localhub.rest.pulls.review_rows import insert_comment, insert_lone_review, send_comments, write_reply
from localhub.state import Row

routes = Routes()


@routes.post(ONE + "/comments", app=WRITE)
async def create(call: Call) -> web.Response:
    """POST pulls/{number}/comments: one inline comment, or a reply by ``in_reply_to``."""
    hub, body, pull = call.hub, call.body, call.pull()
    text = body.text("body")
    check_comment(text, RESOURCE)
    if body.number("in_reply_to") is not None:
        parent = _find_parent(call, pull, body.number("in_reply_to") or 0)
        return _answer_reply(call, pull, parent, text)
    commit = body.text("commit_id")
    spot = find_position(await load_patches(hub, call.repo, pull, commit), body, commit)
    if isinstance(spot, str):
        field = "pull_request_review_thread.path" if "Path" in spot else "pull_request_review_thread.line"
        raise invalid(RESOURCE, field, "custom", f"{field} {spot[0].lower()}{spot[1:]}")
    with hub.state.transaction():
        review = insert_lone_review(hub, call.actor, call.repo, pull, commit)
        row = insert_comment(hub, call.actor, call.repo, pull, review, spot, text)
        hub.state.update("issues", pull["issue_id"], updated_at=hub.state.now())
    events.send_review(hub, call.actor, call.repo, "submitted", pull, review)
    send_comments(hub, call.actor, call.repo, pull, [row])
    shown = render_review_comment(hub, call.repo, pull, row)
    return answer(shown, 201, {"Location": shown["url"]})


def _find_parent(call: Call, pull: Row, comment_id: int) -> Row:
    row = call.hub.state.maybe(
        "SELECT * FROM review_comments WHERE id = ? AND pull_id = ?", comment_id, pull["id"]
    )
    if row is None:
        raise not_found()
    if row["in_reply_to_id"] is not None:
        error = {"resource": RESOURCE, "code": "invalid", "field": "in_reply_to"}
        raise ApiError(422, "Validation Failed", errors=[error])
    return row


def _answer_reply(call: Call, pull: Row, parent: Row, text: str) -> web.Response:
    shown = render_review_comment(
        call.hub, call.repo, pull, write_reply(call.hub, call.actor, call.repo, pull, parent, text)
    )
    return answer(shown, 201, {"Location": shown["url"]})


@routes.post(ONE + "/comments/{id:\\d+}/replies", app=WRITE)
async def reply(call: Call) -> web.Response:
    """POST pulls/{number}/comments/{id}/replies: to a thread's first comment only."""
    text = call.body.text("body")
    check_comment(text, RESOURCE)
    pull = call.pull()
    return _answer_reply(call, pull, _find_parent(call, pull, call.number("id")), text)


def _drop_pending(call: Call, rows: list[Row]) -> list[Row]:
    account = None if call.actor.account is None else call.actor.account["id"]
    pending = {
        row["id"]
        for row in call.hub.state.all(
            "SELECT * FROM reviews WHERE repo_id = ? AND state = 'PENDING'", call.repo["id"]
        )
        if row["user_id"] != account
    }
    return [
        row for row in rows if row["review_id"] not in pending and row["updated_at"] >= call.query("since")
    ]


@routes.get(ONE + "/comments", app=READ)
async def list_of_pull(call: Call) -> web.Response:
    """GET pulls/{number}/comments."""
    pull = call.pull()
    rows = _drop_pending(call, call.hub.state.review_comments(pull["id"]))
    if call.query("direction") == "desc" and call.query("sort"):
        rows.reverse()
    return answer_page(call, rows, lambda row: render_review_comment(call.hub, call.repo, pull, row))


def _pull_of(call: Call, row: Row) -> Row:
    return call.hub.state.one("SELECT * FROM pulls WHERE id = ?", row["pull_id"])


@routes.get(BASE + "/comments", app=READ)
async def list_of_repo(call: Call) -> web.Response:
    """GET pulls/comments."""
    rows = call.hub.state.all("SELECT * FROM review_comments WHERE repo_id = ? ORDER BY id", call.repo["id"])
    return answer_page(
        call,
        _drop_pending(call, rows),
        lambda row: render_review_comment(call.hub, call.repo, _pull_of(call, row), row),
    )


@routes.get(BASE + "/comments/{id:\\d+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET pulls/comments/{id}."""
    row = call.row("review_comments")
    return answer(render_review_comment(call.hub, call.repo, _pull_of(call, row), row))


@routes.patch(BASE + "/comments/{id:\\d+}", app=WRITE)
async def change(call: Call) -> web.Response:
    """PATCH pulls/comments/{id}."""
    row, text, state = call.row("review_comments"), call.body.text("body"), call.hub.state
    check_author(call, row)
    check_comment(text, RESOURCE)
    pull = _pull_of(call, row)
    if text != row["body"]:
        state.update(
            "review_comments", row["id"], body=text, updated_at=state.now(), last_edited_at=state.now()
        )
        changes = {"body": {"from": row["body"]}}
        fresh = call.row("review_comments")
        events.send_review_comment(call.hub, call.actor, call.repo, "edited", pull, fresh, changes=changes)
    return answer(render_review_comment(call.hub, call.repo, pull, call.row("review_comments")))


@routes.delete(BASE + "/comments/{id:\\d+}", app=WRITE)
async def delete(call: Call) -> web.Response:
    """DELETE pulls/comments/{id}."""
    row = call.row("review_comments")
    check_author(call, row)
    events.send_review_comment(call.hub, call.actor, call.repo, "deleted", _pull_of(call, row), row)
    call.hub.state.run("DELETE FROM review_comments WHERE id = ?", row["id"])
    return answer_nothing()
