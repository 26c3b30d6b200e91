"""Locking the conversations of issues and pull requests."""

from __future__ import annotations

from aiohttp import web

from localhub import events
from localhub.auth import Actor
from localhub.hub import Hub
from localhub.rest.api import Call, Routes, answer_nothing
from localhub.state import Row

routes = Routes()

LOCK = "/repos/{owner}/{repo}/issues/{number:\\d+}/lock"
WRITE = "issues:write|pull_requests:write"
REASONS = ("off-topic", "too heated", "resolved", "spam")


def set_lock(hub: Hub, actor: Actor, repo: Row, row: Row, *, locked: bool, reason: str | None = None) -> None:
    """Lock a conversation, for a reason or none, or unlock it; nothing where it is so already."""
    if bool(row["locked"]) == locked:
        return
    hub.state.update("issues", row["id"], locked=locked)
    hub.state.run("DELETE FROM lock_reasons WHERE issue_id = ?", row["id"])
    if locked and reason is not None:
        hub.state.insert("lock_reasons", issue_id=row["id"], reason=reason)
    events.send_issue_or_pull(hub, actor, repo, "locked" if locked else "unlocked", row)


@routes.put(LOCK, app=WRITE, user="write")
async def lock(call: Call) -> web.Response:
    """PUT issues/{number}/lock, with a reason or none."""
    reason = call.body.choice("lock_reason", REASONS) if call.body.values.get("lock_reason") else None
    set_lock(call.hub, call.actor, call.repo, call.issue(), locked=True, reason=reason)
    return answer_nothing()


@routes.delete(LOCK, app=WRITE, user="write")
async def unlock(call: Call) -> web.Response:
    """DELETE issues/{number}/lock."""
    set_lock(call.hub, call.actor, call.repo, call.issue(), locked=False)
    return answer_nothing()
