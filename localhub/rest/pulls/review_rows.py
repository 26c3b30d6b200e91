"""Writing reviews and inline comments into the state, and sending their events; no routes here."""

from __future__ import annotations

from collections.abc import Iterable

from localhub import events
from localhub.auth import Actor
from localhub.hub import Hub
from localhub.rest.issues.comments import check_comment
from localhub.rest.pulls.diff_positions import RESOURCE, DiffPosition
from localhub.state import Row


def insert_review(hub: Hub, actor: Actor, repo: Row, pull: Row, *, commit: str, body: str, state: str) -> Row:
    """The new row of a review; no event yet."""
    now = hub.state.now()
    row_id = hub.state.insert(
        "reviews", repo_id=repo["id"], pull_id=pull["id"], user_id=actor.account_id, app_id=actor.app_id,
        body=body,
        state=state, commit_id=commit, submitted_at=None if state == "PENDING" else now, created_at=now,
        updated_at=now,
    )  # fmt: skip
    return hub.state.one("SELECT * FROM reviews WHERE id = ?", row_id)


def insert_lone_review(hub: Hub, actor: Actor, repo: Row, pull: Row, commit: str) -> Row:
    """Insert the review without a text that GitHub makes for a comment outside any review."""
    return insert_review(hub, actor, repo, pull, commit=commit, body="", state="COMMENTED")


def insert_comment(
    hub: Hub, actor: Actor, repo: Row, pull: Row, review: Row, spot: DiffPosition, text: str
) -> Row:
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


def write_reply(hub: Hub, actor: Actor, repo: Row, pull: Row, parent: Row, text: str) -> Row:
    """Answer in the thread of ``parent``, its first comment."""
    now = hub.state.now()
    with hub.state.transaction():
        review = insert_lone_review(hub, actor, repo, pull, pull["head_sha"])
        own = {
            "review_id": review["id"], "in_reply_to_id": parent["id"], "user_id": actor.account_id,
            "app_id": actor.app_id, "body": text, "minimized_reason": None, "last_edited_at": None,
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        columns = {name: value for name, value in parent.items() if name != "id"} | own
        row_id = hub.state.insert("review_comments", **columns)
        hub.state.update("issues", pull["issue_id"], updated_at=now)
    row = hub.state.one("SELECT * FROM review_comments WHERE id = ?", row_id)
    events.send_review(hub, actor, repo, "submitted", pull, review)
    send_comments(hub, actor, repo, pull, [row])
    return row


def send_review(hub: Hub, actor: Actor, repo: Row, pull: Row, row: Row) -> None:
    """The events of a submitted review: its own, and one for every inline comment."""
    hub.state.update("issues", pull["issue_id"], updated_at=hub.state.now())
    sql = "DELETE FROM requested_reviewers WHERE pull_id = ? AND account_id = ?"
    hub.state.run(sql, pull["id"], row["user_id"])
    events.send_review(hub, actor, repo, "submitted", pull, row)
    comments = [one for one in hub.state.review_comments(pull["id"]) if one["review_id"] == row["id"]]
    send_comments(hub, actor, repo, pull, comments)


def send_comments(hub: Hub, actor: Actor, repo: Row, pull: Row, rows: Iterable[Row]) -> None:
    """An event for every new inline comment."""
    for row in rows:
        events.send_review_comment(hub, actor, repo, "created", pull, row)
