"""Comments on issues and on the conversations of pull requests."""

from __future__ import annotations

from aiohttp import web

from localhub import events
from localhub.auth import Actor, includes_level, role_of
from localhub.errors import ApiError, invalid
from localhub.hub import Hub
from localhub.objects.issue import render_comment
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page, check_text
from localhub.rest.issues.issues import BASE, READ, WRITE, check_author
from localhub.state import Row

routes = Routes()


def check_comment(text: str, resource: str = "IssueComment") -> None:
    """422 for a blank comment or one that is too long."""
    if not text.strip():
        raise invalid(resource, "data", "unprocessable", "Body cannot be blank")
    check_text(resource, "data", text)


def check_unlocked(hub: Hub, actor: Actor, repo: Row, issue: Row) -> None:
    """403 for those who may not write on a locked conversation: an App is never a collaborator.

    Apps report it: renovatebot/renovate#6215, semantic-release/github#221, opentelemetry-dotnet#6554.
    """
    if not issue["locked"]:
        return
    is_app = actor.kind == "installation"
    if is_app or not includes_level(role_of(hub.state, repo, actor.account_id), "write"):
        raise ApiError(403, "Unable to create comment because issue is locked.")


def write_comment(hub: Hub, actor: Actor, repo: Row, issue: Row, text: str) -> Row:
    """Add a comment and send its event."""
    check_comment(text)
    check_unlocked(hub, actor, repo, issue)
    now = hub.state.now()
    with hub.state.transaction():
        row_id = hub.state.insert(
            "comments", repo_id=repo["id"], issue_id=issue["id"], body=text, user_id=actor.account_id,
            app_id=actor.app_id, created_at=now, updated_at=now,
        )  # fmt: skip
        hub.state.update("issues", issue["id"], updated_at=now)
    row = hub.state.one("SELECT * FROM comments WHERE id = ?", row_id)
    events.send_comment(hub, actor, repo, "created", row)
    return row


@routes.post(BASE + "/{number:\\d+}/comments", app=WRITE)
async def create(call: Call) -> web.Response:
    """POST issues/{number}/comments."""
    issue = call.issue()
    row = write_comment(call.hub, call.actor, call.repo, issue, call.body.text("body"))
    shown = render_comment(call.hub, call.repo, row)
    return answer(shown, 201, {"Location": shown["url"]})


@routes.get(BASE + "/{number:\\d+}/comments", app=READ)
async def list_of_issue(call: Call) -> web.Response:
    """GET issues/{number}/comments, oldest first; ``since`` looks at the last change."""
    since = call.query("since")
    rows = [row for row in call.hub.state.comments(call.issue()["id"]) if row["updated_at"] >= since]
    return answer_page(call, rows, lambda row: render_comment(call.hub, call.repo, row))


@routes.get(BASE + "/comments", app=READ)
async def list_of_repo(call: Call) -> web.Response:
    """GET issues/comments."""
    order = "DESC" if call.query("direction") == "desc" else "ASC"
    column = "updated_at" if call.query("sort") == "updated" else "id"
    sql = f"SELECT * FROM comments WHERE repo_id = ? AND updated_at >= ? ORDER BY {column} {order}"  # noqa: S608
    rows = call.hub.state.all(sql, call.repo["id"], call.query("since"))
    return answer_page(call, rows, lambda row: render_comment(call.hub, call.repo, row))


@routes.get(BASE + "/comments/{id:\\d+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET issues/comments/{id}."""
    return answer(render_comment(call.hub, call.repo, call.row("comments")))


@routes.patch(BASE + "/comments/{id:\\d+}", app=WRITE)
async def change(call: Call) -> web.Response:
    """PATCH issues/comments/{id}."""
    row, text = call.row("comments"), call.body.text("body")
    check_author(call, row)
    check_comment(text)
    now = call.hub.state.now()
    if text != row["body"]:
        call.hub.state.update("comments", row["id"], body=text, updated_at=now, last_edited_at=now)
        fresh = call.row("comments")
        changes = {"body": {"from": row["body"]}}
        events.send_comment(call.hub, call.actor, call.repo, "edited", fresh, changes=changes)
    return answer(render_comment(call.hub, call.repo, call.row("comments")))


@routes.delete(BASE + "/comments/{id:\\d+}", app=WRITE)
async def delete(call: Call) -> web.Response:
    """DELETE issues/comments/{id}."""
    row = call.row("comments")
    check_author(call, row)
    shown = row
    events.send_comment(call.hub, call.actor, call.repo, "deleted", shown)
    call.hub.state.run("DELETE FROM comments WHERE id = ?", row["id"])
    return answer_nothing()
