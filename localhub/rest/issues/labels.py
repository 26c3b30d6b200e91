"""Labels of a repository, and on its issues and pull requests."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import Actor
from localhub.errors import ApiError, invalid, malformed, not_found
from localhub.hub import Hub
from localhub.objects.repository import render_label
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.state import Row

routes = Routes()

REPO = "/repos/{owner}/{repo}"
ISSUE = REPO + "/issues/{number:\\d+}/labels"
READ, WRITE = "issues:read|pull_requests:read", "issues:write|pull_requests:write"
COLOR = re.compile(r"^[0-9a-fA-F]{6}$")


def find_label(hub: Hub, repo: Row, name: str) -> Row | None:
    """A label of a repository by name, whatever the letters' case."""
    return hub.state.maybe("SELECT * FROM labels WHERE repo_id = ? AND name = ?", repo["id"], name)


def find_or_make_label(hub: Hub, repo: Row, name: str) -> Row:
    """A label by name; naming an unknown one on an issue makes it, as on GitHub."""
    found = find_label(hub, repo, name)
    if found is None:
        found = hub.state.one(
            "SELECT * FROM labels WHERE id = ?", hub.state.insert("labels", repo_id=repo["id"], name=name)
        )
    return found


def set_labels(hub: Hub, actor: Actor, repo: Row, issue: Row, names: list[str]) -> None:
    """Make these the labels of an issue, with an event for each that comes or goes."""
    wanted = {row["id"]: row for row in (find_or_make_label(hub, repo, name) for name in names)}
    present = {row["id"]: row for row in hub.state.labels_of(issue["id"])}
    for label_id in present.keys() - wanted.keys():
        remove_label(hub, actor, repo, issue, present[label_id])
    for label_id, row in wanted.items():
        if label_id not in present:
            add_label(hub, actor, repo, issue, row)


def add_label(hub: Hub, actor: Actor, repo: Row, issue: Row, row: Row) -> None:
    """Put a label on an issue or pull request and send its event."""
    hub.state.run("INSERT OR IGNORE INTO issue_labels VALUES (?, ?)", issue["id"], row["id"])
    hub.state.update("issues", issue["id"], updated_at=hub.state.now())
    events.send_label(hub, actor, repo, "labeled", issue, row)


def remove_label(hub: Hub, actor: Actor, repo: Row, issue: Row, row: Row) -> None:
    """Take a label off and send its event."""
    hub.state.run("DELETE FROM issue_labels WHERE issue_id = ? AND label_id = ?", issue["id"], row["id"])
    hub.state.update("issues", issue["id"], updated_at=hub.state.now())
    events.send_label(hub, actor, repo, "unlabeled", issue, row)


def read_label_names(values: list[Any]) -> list[str]:
    """Names out of a list of names or of objects with a name."""
    names: list[str] = []
    for value in values:
        name = value.get("name") if isinstance(value, dict) else value
        if not isinstance(name, str) or not name:
            raise malformed("For 'properties/labels', every label must be a string.")
        names.append(name)
    return names


@routes.get(REPO + "/labels", app=READ)
async def list_of_repo(call: Call) -> web.Response:
    """GET labels."""
    rows = call.hub.state.all("SELECT * FROM labels WHERE repo_id = ? ORDER BY name", call.repo["id"])
    return answer_page(call, rows, lambda row: render_label(call.hub, call.repo, row))


@routes.post(REPO + "/labels", app=WRITE, user="write")
async def create(call: Call) -> web.Response:
    """POST labels."""
    name, color = call.body.text("name"), call.body.maybe("color") or "ededed"
    if find_label(call.hub, call.repo, name) is not None:
        raise invalid("Label", "name", "already_exists")
    if not COLOR.match(color):
        raise invalid("Label", "color")
    row_id = call.hub.state.insert(
        "labels", repo_id=call.repo["id"], name=name, color=color, description=call.body.maybe("description")
    )
    return answer(
        render_label(call.hub, call.repo, call.hub.state.one("SELECT * FROM labels WHERE id = ?", row_id)),
        201,
    )


def _find_in_path(call: Call) -> Row:
    row = find_label(call.hub, call.repo, call.path("name"))
    if row is None:
        raise not_found()
    return row


@routes.get(REPO + "/labels/{name:.+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET labels/{name}."""
    return answer(render_label(call.hub, call.repo, _find_in_path(call)))


@routes.patch(REPO + "/labels/{name:.+}", app=WRITE, user="write")
async def change(call: Call) -> web.Response:
    """PATCH labels/{name}."""
    row, body = _find_in_path(call), call.body
    changes = {name: body.maybe(name) for name in ("color", "description") if name in body}
    if body.maybe("new_name"):
        changes["name"] = body.maybe("new_name")
    if changes:
        call.hub.state.update("labels", row["id"], **changes)
    return answer(
        render_label(call.hub, call.repo, call.hub.state.one("SELECT * FROM labels WHERE id = ?", row["id"]))
    )


@routes.delete(REPO + "/labels/{name:.+}", app=WRITE, user="write")
async def delete(call: Call) -> web.Response:
    """DELETE labels/{name}."""
    call.hub.state.run("DELETE FROM labels WHERE id = ?", _find_in_path(call)["id"])
    return answer_nothing()


def _answer_labels(call: Call) -> web.Response:
    return answer(
        [render_label(call.hub, call.repo, row) for row in call.hub.state.labels_of(call.issue()["id"])]
    )


@routes.get(ISSUE, app=READ)
async def list_of_issue(call: Call) -> web.Response:
    """GET issues/{number}/labels."""
    rows = call.hub.state.labels_of(call.issue()["id"])
    return answer_page(call, rows, lambda row: render_label(call.hub, call.repo, row))


@routes.post(ISSUE, app=WRITE, user="triage")
async def add(call: Call) -> web.Response:
    """POST issues/{number}/labels: add to those that are there."""
    issue = call.issue()
    present = {row["id"] for row in call.hub.state.labels_of(issue["id"])}
    for name in read_label_names(call.body.items("labels") or []):
        row = find_or_make_label(call.hub, call.repo, name)
        if row["id"] not in present:
            add_label(call.hub, call.actor, call.repo, issue, row)
    return _answer_labels(call)


@routes.put(ISSUE, app=WRITE, user="triage")
async def replace(call: Call) -> web.Response:
    """PUT issues/{number}/labels: these and no others."""
    names = read_label_names(call.body.items("labels") or [])
    set_labels(call.hub, call.actor, call.repo, call.issue(), names)
    return _answer_labels(call)


@routes.delete(ISSUE, app=WRITE, user="triage")
async def remove_all(call: Call) -> web.Response:
    """DELETE issues/{number}/labels."""
    set_labels(call.hub, call.actor, call.repo, call.issue(), [])
    return answer_nothing()


@routes.delete(ISSUE + "/{name:.+}", app=WRITE, user="triage")
async def remove(call: Call) -> web.Response:
    """DELETE issues/{number}/labels/{name}."""
    issue = call.issue()
    row = find_label(call.hub, call.repo, call.path("name"))
    if row is None or row["id"] not in {one["id"] for one in call.hub.state.labels_of(issue["id"])}:
        raise ApiError(404, "Label does not exist")
    remove_label(call.hub, call.actor, call.repo, issue, row)
    return _answer_labels(call)
