"""Releases: made from tags, which come with them where there is none yet."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from localhub.auth import includes_level, role_of
from localhub.errors import invalid, not_found
from localhub.git.pushes import Move, move_ref
from localhub.objects.release import find_latest, render_release
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/releases"
ONE = BASE + "/{id:\\d+}"
READ, WRITE = "contents:read", "contents:write"


def _visible(call: Call) -> list[Row]:
    """The releases that the caller sees, the newest first: drafts are for those who may push."""
    rows = call.hub.state.all("SELECT * FROM releases WHERE repo_id = ? ORDER BY id DESC", call.repo["id"])
    if call.actor.kind == "installation":
        writes = call.actor.permissions.get("contents") == "write"
    else:
        account = call.actor.account
        role = role_of(call.hub.state, call.repo, None if account is None else account["id"])
        writes = includes_level(role, "write")
    return [row for row in rows if writes or not row["draft"]]


def _find(call: Call) -> Row:
    row = next((one for one in _visible(call) if one["id"] == call.number("id")), None)
    if row is None:
        raise not_found()
    return row


def _read(call: Call) -> dict[str, Any]:
    body = call.body
    columns: dict[str, Any] = {}
    for name, column in (
        ("tag_name", "tag_name"), ("target_commitish", "target"), ("name", "name"), ("body", "body"),
    ):  # fmt: skip
        if name in body:
            columns[column] = body.maybe(name)
    for flag in ("draft", "prerelease"):
        if flag in body:
            columns[flag] = body.flag(flag)
    return columns


async def _publish(call: Call, row: Row) -> None:
    """Make a release's tag where it is missing, and note when it came out."""
    hub, repo = call.hub, call.repo
    ref = f"refs/tags/{row['tag_name']}"
    if hub.git.ref(repo["id"], ref) is None:
        sha = hub.git.resolve(repo["id"], row["target"])
        if sha is None:
            raise invalid("Release", "target_commitish")
        await move_ref(hub, call.actor, repo, Move(ref=ref, old=None, new=sha))
    hub.state.update("releases", row["id"], published_at=hub.state.now())


@routes.get(BASE, app=READ)
async def list_all(call: Call) -> web.Response:
    """GET releases."""
    return answer_page(call, _visible(call), lambda row: render_release(call.hub, call.repo, row))


@routes.post(BASE, app=WRITE, user="write")
async def create(call: Call) -> web.Response:
    """POST releases: a draft, or a release with its tag."""
    hub, repo, tag = call.hub, call.repo, call.body.text("tag_name")
    columns = {"target": repo["default_branch"]} | _read(call)
    taken = "SELECT 1 FROM releases WHERE repo_id = ? AND tag_name = ? AND NOT draft"
    if not columns.get("draft") and hub.state.maybe(taken, repo["id"], tag):
        raise invalid("Release", "tag_name", "already_exists")
    if not columns.get("draft") and hub.git.resolve(repo["id"], str(columns["target"])) is None:
        raise invalid("Release", "target_commitish")
    row_id = hub.state.insert(
        "releases", repo_id=repo["id"], author_id=call.actor.account_id, created_at=hub.state.now(), **columns
    )
    row = hub.state.one("SELECT * FROM releases WHERE id = ?", row_id)
    if not row["draft"]:
        await _publish(call, row)
    shown = render_release(hub, repo, hub.state.one("SELECT * FROM releases WHERE id = ?", row_id))
    return answer(shown, 201, {"Location": shown["url"]})


@routes.get(BASE + "/latest", app=READ)
async def get_latest(call: Call) -> web.Response:
    """GET releases/latest: the newest that is neither a draft nor a prerelease."""
    row = find_latest(call.hub, call.repo)
    if row is None:
        raise not_found()
    return answer(render_release(call.hub, call.repo, row))


@routes.get(BASE + "/tags/{tag:.+}", app=READ)
async def get_by_tag(call: Call) -> web.Response:
    """GET releases/tags/{tag}; drafts are not found so."""
    row = next(
        (one for one in _visible(call) if one["tag_name"] == call.path("tag") and not one["draft"]), None
    )
    if row is None:
        raise not_found()
    return answer(render_release(call.hub, call.repo, row))


@routes.get(ONE, app=READ)
async def get(call: Call) -> web.Response:
    """GET releases/{id}."""
    return answer(render_release(call.hub, call.repo, _find(call)))


@routes.patch(ONE, app=WRITE, user="write")
async def change(call: Call) -> web.Response:
    """PATCH releases/{id}; a draft that becomes final is published."""
    before = _find(call)
    if columns := _read(call):
        call.hub.state.update("releases", before["id"], **columns)
    if _find(call)["published_at"] is None and not _find(call)["draft"]:
        await _publish(call, _find(call))
    return answer(render_release(call.hub, call.repo, _find(call)))


@routes.delete(ONE, app=WRITE, user="write")
async def delete(call: Call) -> web.Response:
    """DELETE releases/{id}; its tag stays."""
    call.hub.state.run("DELETE FROM releases WHERE id = ?", _find(call)["id"])
    return answer_nothing()


@routes.get(ONE + "/assets", app=READ)
async def list_assets(call: Call) -> web.Response:
    """GET releases/{id}/assets: none, as nothing is uploaded here."""
    _find(call)
    return answer_page(call, [], dict)
