"""Inline comments on a pull request's diff, alone, in a review, or as replies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from localhub import events
from localhub.auth import Actor
from localhub.errors import ApiError, invalid, not_found
from localhub.git.diffs import FileDiff, line_at, places, read_diff
from localhub.hub import Hub
from localhub.objects.pull import review_comment
from localhub.rest.api import Body, Call, Routes, answer, nothing, paged
from localhub.rest.issues.comments import check_comment
from localhub.rest.issues.issues import check_author
from localhub.rest.pulls.pulls import BASE, ONE, READ, WRITE
from localhub.state import Row

routes = Routes()

RESOURCE = "PullRequestReviewComment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place on a diff where a comment may stand."""

    path: str
    subject_type: str
    side: str
    line: int | None
    start_side: str | None
    start_line: int | None
    position: int | None
    hunk: str
    commit: str


async def patches_of(hub: Hub, repo: Row, pull: Row, commit: str) -> dict[str, FileDiff]:
    """The files of the diff that a comment on this commit refers to, by path; 422 for an unknown commit."""
    if commit != pull["head_sha"]:
        known = hub.git.resolve(repo["id"], commit)
        shas = await hub.git.commits(repo["id"], f"{pull['merge_base_sha']}..{pull['head_sha']}")
        if known is None or commit not in shas:
            raise invalid(
                RESOURCE,
                "pull_request_review_thread.commit",
                "custom",
                "commit_id is not part of the pull request",
            )
    diff = await hub.git.diff(repo["id"], pull["merge_base_sha"], commit)
    return {file.path: file for file in read_diff(diff)}


def find_spot(files: dict[str, FileDiff], body: Body, commit: str) -> Spot | str:
    """Where a comment wants to stand, or why it cannot (GitHub's words)."""
    path = body.text("path")
    file = files.get(path)
    if file is None:
        return "Path could not be resolved"
    if body.maybe("subject_type") == "file":
        return Spot(
            path=path, subject_type="file", side="RIGHT", line=None, start_side=None, start_line=None,
            position=1,
            hunk=(file.patch or "").split("\n")[0], commit=commit,
        )  # fmt: skip
    line, side = body.number("line"), body.choice("side", ("LEFT", "RIGHT"), "RIGHT")
    if line is None:
        position = body.number("position")
        found = None if position is None or file.patch is None else line_at(file.patch, position)
        if found is None:
            return "Position could not be resolved" if position is not None else "Line could not be resolved"
        side, line = found
    return _line_spot(file, body, side, line, commit)


def _line_spot(file: FileDiff, body: Body, side: str, line: int, commit: str) -> Spot | str:
    spots = places(file.patch or "")
    place = spots.get((side, line))
    if place is None:
        return "Line could not be resolved"
    start, start_side = body.number("start_line"), None
    if start is not None:
        start_side = body.choice("start_side", ("LEFT", "RIGHT"), side)
        first = spots.get((start_side, start))
        if first is None:
            return "Start line could not be resolved"
        if first.hunk != place.hunk:
            return "Pull request review thread start line must be part of the same hunk as the line."
        if first.position >= place.position:
            return "Pull request review thread start line must precede the end line."
    return Spot(
        path=file.path, subject_type="line", side=side, line=line, start_side=start_side, start_line=start,
        position=place.position, hunk=place.text, commit=commit,
    )  # fmt: skip


def insert_comment(hub: Hub, actor: Actor, repo: Row, pull: Row, review: Row, spot: Spot, text: str) -> Row:
    """The new row of an inline comment that begins a thread; no event yet."""
    check_comment(text, RESOURCE)
    thread = hub.state.insert("review_threads", pull_id=pull["id"])
    now = hub.state.now()
    row_id = hub.state.insert(
        "review_comments", repo_id=repo["id"], pull_id=pull["id"], review_id=review["id"], thread_id=thread,
        user_id=actor.account_id, app_id=actor.app_id, body=text, path=spot.path,
        subject_type=spot.subject_type,
        side=spot.side, line=spot.line, original_line=spot.line, start_side=spot.start_side,
        start_line=spot.start_line, original_start_line=spot.start_line, position=spot.position,
        original_position=spot.position, commit_id=spot.commit, original_commit_id=spot.commit,
        diff_hunk=spot.hunk,
        created_at=now, updated_at=now,
    )  # fmt: skip
    return hub.state.one("SELECT * FROM review_comments WHERE id = ?", row_id)


def tell_comments(hub: Hub, actor: Actor, repo: Row, pull: Row, rows: Iterable[Row]) -> None:
    """An event for every new inline comment."""
    for row in rows:
        events.review_comment(hub, actor, repo, "created", pull, row)


def _lone_review(hub: Hub, actor: Actor, repo: Row, pull: Row, commit: str) -> Row:
    """GitHub wraps a comment that belongs to no review in one without words."""
    from localhub.rest.pulls.reviews import insert_review

    return insert_review(hub, actor, repo, pull, commit=commit, body="", state="COMMENTED")


@routes.post(ONE + "/comments", app=WRITE)
async def create(call: Call) -> web.Response:
    """POST pulls/{number}/comments: one inline comment, or a reply by ``in_reply_to``."""
    hub, body, pull = call.hub, call.body, call.pull()
    text = body.text("body")
    check_comment(text, RESOURCE)
    if body.number("in_reply_to") is not None:
        parent = _parent(call, pull, body.number("in_reply_to") or 0)
        return _replied(call, pull, parent, text)
    commit = body.text("commit_id")
    spot = find_spot(await patches_of(hub, call.repo, pull, commit), body, commit)
    if isinstance(spot, str):
        field = "pull_request_review_thread.path" if "Path" in spot else "pull_request_review_thread.line"
        raise invalid(RESOURCE, field, "custom", f"{field} {spot[0].lower()}{spot[1:]}")
    with hub.state.transaction():
        review = _lone_review(hub, call.actor, call.repo, pull, commit)
        row = insert_comment(hub, call.actor, call.repo, pull, review, spot, text)
        hub.state.update("issues", pull["issue_id"], updated_at=hub.state.now())
    events.review(hub, call.actor, call.repo, "submitted", pull, review)
    tell_comments(hub, call.actor, call.repo, pull, [row])
    shown = review_comment(hub, call.repo, pull, row)
    return answer(shown, 201, {"Location": shown["url"]})


def _parent(call: Call, pull: Row, comment_id: int) -> Row:
    row = call.hub.state.maybe(
        "SELECT * FROM review_comments WHERE id = ? AND pull_id = ?", comment_id, pull["id"]
    )
    if row is None:
        raise not_found()
    if row["in_reply_to_id"] is not None:
        error = {"resource": RESOURCE, "code": "invalid", "field": "in_reply_to"}
        raise ApiError(422, "Validation Failed", errors=[error])
    return row


def write_reply(hub: Hub, actor: Actor, repo: Row, pull: Row, parent: Row, text: str) -> Row:
    """Answer in the thread of ``parent``, its first comment."""
    now = hub.state.now()
    with hub.state.transaction():
        review = _lone_review(hub, actor, repo, pull, pull["head_sha"])
        own = {
            "review_id": review["id"], "in_reply_to_id": parent["id"], "user_id": actor.account_id,
            "app_id": actor.app_id, "body": text, "minimized_reason": None, "last_edited_at": None,
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        columns = {name: value for name, value in parent.items() if name != "id"} | own
        row_id = hub.state.insert("review_comments", **columns)
        hub.state.update("issues", pull["issue_id"], updated_at=now)
    row = hub.state.one("SELECT * FROM review_comments WHERE id = ?", row_id)
    events.review(hub, actor, repo, "submitted", pull, review)
    tell_comments(hub, actor, repo, pull, [row])
    return row


def _replied(call: Call, pull: Row, parent: Row, text: str) -> web.Response:
    shown = review_comment(
        call.hub, call.repo, pull, write_reply(call.hub, call.actor, call.repo, pull, parent, text)
    )
    return answer(shown, 201, {"Location": shown["url"]})


@routes.post(ONE + "/comments/{id:\\d+}/replies", app=WRITE)
async def reply(call: Call) -> web.Response:
    """POST pulls/{number}/comments/{id}/replies: to a thread's first comment only."""
    text = call.body.text("body")
    check_comment(text, RESOURCE)
    pull = call.pull()
    return _replied(call, pull, _parent(call, pull, call.number("id")), text)


def _visible(call: Call, rows: list[Row]) -> list[Row]:
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
    rows = _visible(call, call.hub.state.review_comments(pull["id"]))
    if call.query("direction") == "desc" and call.query("sort"):
        rows.reverse()
    return paged(call, rows, lambda row: review_comment(call.hub, call.repo, pull, row))


def _pull_of(call: Call, row: Row) -> Row:
    return call.hub.state.one("SELECT * FROM pulls WHERE id = ?", row["pull_id"])


@routes.get(BASE + "/comments", app=READ)
async def list_of_repo(call: Call) -> web.Response:
    """GET pulls/comments."""
    rows = call.hub.state.all("SELECT * FROM review_comments WHERE repo_id = ? ORDER BY id", call.repo["id"])
    return paged(
        call, _visible(call, rows), lambda row: review_comment(call.hub, call.repo, _pull_of(call, row), row)
    )


@routes.get(BASE + "/comments/{id:\\d+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET pulls/comments/{id}."""
    row = call.row("review_comments")
    return answer(review_comment(call.hub, call.repo, _pull_of(call, row), row))


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
        events.review_comment(call.hub, call.actor, call.repo, "edited", pull, fresh, changes=changes)
    return answer(review_comment(call.hub, call.repo, pull, call.row("review_comments")))


@routes.delete(BASE + "/comments/{id:\\d+}", app=WRITE)
async def delete(call: Call) -> web.Response:
    """DELETE pulls/comments/{id}."""
    row = call.row("review_comments")
    check_author(call, row)
    events.review_comment(call.hub, call.actor, call.repo, "deleted", _pull_of(call, row), row)
    call.hub.state.run("DELETE FROM review_comments WHERE id = ?", row["id"])
    return nothing()
