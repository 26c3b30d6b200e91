"""Reviews of pull requests: begun, submitted with inline comments, dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import Actor, check_repo, includes_level, role_of
from localhub.errors import ApiError, invalid, malformed
from localhub.hub import Hub
from localhub.objects.pull import issue_of, render_review, render_review_comment
from localhub.rest.api import Body, Call, Routes, answer, answer_page, check_text
from localhub.rest.pulls.diff_positions import DiffPosition, find_position, load_patches
from localhub.rest.pulls.pulls import ONE, READ, WRITE
from localhub.rest.pulls.review_rows import insert_comment, insert_review, send_review
from localhub.state import Row

routes = Routes()

BASE = ONE + "/reviews"
STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def _find_review(call: Call, pull: Row) -> Row:
    row = call.row("reviews", "review")
    if row["pull_id"] != pull["id"] or (
        row["state"] == "PENDING" and row["user_id"] != call.actor.account_id
    ):
        raise ApiError(404, "Not Found")
    return row


def _check_verdict(hub: Hub, actor: Actor, pull: Row, event: str, body: str, comments: int) -> None:
    """422 for verdicts that GitHub refuses: on one's own pull request, or without a text."""
    if event in ("APPROVE", "REQUEST_CHANGES") and issue_of(hub, pull)["user_id"] == actor.account_id:
        what = "approve" if event == "APPROVE" else "request changes on"
        raise ApiError(422, "Unprocessable Entity", errors=[f"Can not {what} your own pull request"])
    if (event == "REQUEST_CHANGES" and not body) or (event == "COMMENT" and not body and not comments):
        raise ApiError(422, "Unprocessable Entity", errors=["Body can't be blank"])


async def review_pull(
    hub: Hub,
    actor: Actor,
    repo: Row,
    pull: Row,
    *,
    event: str | None,
    text: str,
    commit: str | None = None,
    drafts: Sequence[dict[str, Any]] = (),
) -> Row:
    """Review a pull request, and send the event unless it stays pending.

    One of ``drafts``, the comments, that is not on the diff refuses the whole review.
    """
    check_text("PullRequestReview", "body", text)
    commit = commit or pull["head_sha"]
    if event is not None:
        _check_verdict(hub, actor, pull, event, text, len(drafts))
    sql = "SELECT 1 FROM reviews WHERE pull_id = ? AND user_id = ? AND state = 'PENDING'"
    if event is None and hub.state.maybe(sql, pull["id"], actor.account_id):
        error = "User can only have one pending review per pull request"
        raise ApiError(422, "Unprocessable Entity", errors=[error])
    positions = await _find_positions(hub, repo, pull, commit, drafts)
    with hub.state.transaction():
        state = "PENDING" if event is None else STATES[event]
        row = insert_review(hub, actor, repo, pull, commit=commit, body=text, state=state)
        for position, comment_text in positions:
            insert_comment(hub, actor, repo, pull, row, position, comment_text)
    if event is not None:
        send_review(hub, actor, repo, pull, row)
    return row


@routes.post(BASE, app=WRITE)
async def create(call: Call) -> web.Response:
    """POST pulls/{number}/reviews; one comment that is not on the diff refuses the whole review."""
    hub, body, pull = call.hub, call.body, call.pull()
    event = body.choice("event", tuple(STATES), "") if body.maybe("event") else None
    drafts = body.items("comments") or []
    if not all(isinstance(draft, dict) for draft in drafts):
        raise malformed("For 'properties/comments', every comment must be an object.")
    row = await review_pull(
        hub,
        call.actor,
        call.repo,
        pull,
        event=event,
        text=body.maybe("body") or "",
        commit=body.maybe("commit_id"),
        drafts=drafts,
    )
    return answer(render_review(hub, call.repo, pull, row))


async def _find_positions(
    hub: Hub, repo: Row, pull: Row, commit: str, drafts: Sequence[dict[str, Any]]
) -> list[tuple[DiffPosition, str]]:
    if not drafts:
        return []
    patches = await load_patches(hub, repo, pull, commit)
    found: list[tuple[DiffPosition, str]] = []
    problems: list[str] = []
    for draft in drafts:
        comment_text = Body(draft).text("body")
        if not comment_text.strip():
            problems.append("Pull request review thread comments body can't be blank")
        position = find_position(patches, Body(draft), commit)
        if isinstance(position, str):
            problems.append(position)
        else:
            found.append((position, comment_text))
    if problems:
        raise ApiError(422, "Unprocessable Entity", errors=list(dict.fromkeys(problems)))
    return found


@routes.get(BASE, app=READ)
async def list_all(call: Call) -> web.Response:
    """GET pulls/{number}/reviews, oldest first; pending ones are their author's own."""
    pull = call.pull()
    account = None if call.actor.account is None else call.actor.account["id"]
    rows = [
        r for r in call.hub.state.reviews(pull["id"]) if r["state"] != "PENDING" or r["user_id"] == account
    ]
    return answer_page(call, rows, lambda row: render_review(call.hub, call.repo, pull, row))


@routes.get(BASE + "/{review:\\d+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET pulls/{number}/reviews/{review}."""
    pull = call.pull()
    return answer(render_review(call.hub, call.repo, pull, _find_review(call, pull)))


@routes.put(BASE + "/{review:\\d+}", app=WRITE)
async def change(call: Call) -> web.Response:
    """PUT pulls/{number}/reviews/{review}: its text."""
    pull = call.pull()
    row = _find_review(call, pull)
    if row["user_id"] != call.actor.account_id:
        raise ApiError(403, "Must be the author of the review.")
    text = call.body.text("body")
    check_text("PullRequestReview", "body", text)
    call.hub.state.update("reviews", row["id"], body=text, updated_at=call.hub.state.now())
    if text != row["body"] and row["state"] != "PENDING":
        changes = {"body": {"from": row["body"]}}
        events.send_review(
            call.hub, call.actor, call.repo, "edited", pull, _find_review(call, pull), changes=changes
        )
    return answer(render_review(call.hub, call.repo, pull, _find_review(call, pull)))


@routes.delete(BASE + "/{review:\\d+}", app=WRITE)
async def delete(call: Call) -> web.Response:
    """DELETE pulls/{number}/reviews/{review}: only a pending one."""
    pull = call.pull()
    row = _find_review(call, pull)
    if row["state"] != "PENDING":
        raise ApiError(422, "Can not delete a non-pending pull request review")
    call.hub.state.run("DELETE FROM reviews WHERE id = ?", row["id"])
    return answer(render_review(call.hub, call.repo, pull, row))


@routes.post(BASE + "/{review:\\d+}/events", app=WRITE)
async def submit(call: Call) -> web.Response:
    """POST pulls/{number}/reviews/{review}/events: submit a pending review."""
    hub, pull = call.hub, call.pull()
    row, event = _find_review(call, pull), call.body.choice("event", tuple(STATES))
    if row["state"] != "PENDING":
        raise ApiError(422, "Unprocessable Entity", errors=["Could not submit a review that is not pending"])
    text = call.body.maybe("body") or row["body"]
    comments = [one for one in hub.state.review_comments(pull["id"]) if one["review_id"] == row["id"]]
    _check_verdict(hub, call.actor, pull, event, text, len(comments))
    now = hub.state.now()
    hub.state.update("reviews", row["id"], body=text, state=STATES[event], submitted_at=now, updated_at=now)
    row = _find_review(call, pull)
    send_review(hub, call.actor, call.repo, pull, row)
    return answer(render_review(hub, call.repo, pull, row))


@routes.put(BASE + "/{review:\\d+}/dismissals", app=WRITE, user="write")
async def dismiss(call: Call) -> web.Response:
    """PUT pulls/{number}/reviews/{review}/dismissals: only a verdict can be dismissed."""
    pull = call.pull()
    row = _find_review(call, pull)
    if not call.body.text("message").strip():
        raise invalid("PullRequestReview", "message", "missing_field")
    if row["state"] not in ("APPROVED", "CHANGES_REQUESTED"):
        raise ApiError(422, f"Can not dismiss a {row['state'].lower()} pull request review")
    call.hub.state.update("reviews", row["id"], state="DISMISSED", updated_at=call.hub.state.now())
    row = _find_review(call, pull)
    events.send_review(call.hub, call.actor, call.repo, "dismissed", pull, row)
    return answer(render_review(call.hub, call.repo, pull, row))


@routes.get(BASE + "/{review:\\d+}/comments", app=READ)
async def list_comments(call: Call) -> web.Response:
    """GET pulls/{number}/reviews/{review}/comments."""
    pull = call.pull()
    row = _find_review(call, pull)
    rows = [one for one in call.hub.state.review_comments(pull["id"]) if one["review_id"] == row["id"]]
    return answer_page(call, rows, lambda one: render_review_comment(call.hub, call.repo, pull, one))


def may_resolve(hub: Hub, actor: Actor, repo: Row, pull: Row) -> bool:
    """Whether the caller may resolve threads: the pull request's author, or somebody who may push.

    An App needs ``contents: write`` beside ``pull_requests: write``, whoever opened the pull request; public
    reports have it, GitHub's documentation does not (github/gh-aw#35726, oven-sh/bun#40468).
    """
    if actor.kind == "installation":
        for needed in ("pull_requests:write", "contents:write"):
            check_repo(hub.state, actor, repo, app=needed, user="write")
        return True
    return issue_of(hub, pull)["user_id"] == actor.account_id or includes_level(
        role_of(hub.state, repo, actor.account_id), "write"
    )
