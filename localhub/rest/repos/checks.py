"""Check runs: made and annotated by Apps only; a person may ask for another run, or press a button."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import Actor
from localhub.errors import ApiError, invalid, malformed, not_found
from localhub.hub import Hub
from localhub.objects.check import render_check_run, render_whole_check_suite
from localhub.objects.repository import render_repository
from localhub.objects.workflow_run import ACTIONS_APP
from localhub.rest.api import Body, Call, Routes, answer, answer_page
from localhub.rules.queue import note_check
from localhub.state import Row

routes = Routes()

REPO = "/repos/{owner}/{repo}"
BASE = REPO + "/check-runs"
READ, WRITE = "checks:read", "checks:write"
STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = (
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "stale",
    "timed_out",
)
LEVELS = ("notice", "warning", "failure")
MOST_ANNOTATIONS = 50
MOST_ACTIONS = 3
TEXT_LIMIT = 65_535


def _check_app(actor: Actor) -> int:
    if actor.kind != "installation" or actor.app_id is None:
        raise ApiError(403, "You must authenticate via a GitHub App.")
    return actor.app_id


def _read(body: Body) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The columns and annotations of a request."""
    columns: dict[str, Any] = {
        name: body.maybe(name)
        for name in ("name", "external_id", "details_url", "started_at")
        if name in body
    }
    if "status" in body:
        columns["status"] = body.choice("status", STATUSES)
    if "conclusion" in body:
        columns |= {"conclusion": body.choice("conclusion", CONCLUSIONS), "status": "completed"}
    if "completed_at" in body:
        columns |= {"completed_at": body.maybe("completed_at"), "status": "completed"}
    if columns.get("status") == "completed" and "conclusion" not in columns:
        raise malformed('"conclusion" wasn\'t supplied.')
    if "actions" in body:
        columns["actions_json"] = json.dumps(_actions(body.items("actions") or []))
    output = body.object("output")
    if output is None:
        return columns, []
    columns |= {
        "title": output.maybe("title"),
        "summary": output.text("summary"),
        "text": output.maybe("text"),
    }
    for name in ("summary", "text"):
        if len(columns[name] or "") > TEXT_LIMIT:
            raise ApiError(
                422, f"Invalid request.\n\nOnly {TEXT_LIMIT} characters are allowed; {name} was too long."
            )
    return columns, [_annotation(value) for value in _check_count(output.items("annotations") or [])]


def _check_count(values: list[Any]) -> list[Any]:
    if len(values) > MOST_ANNOTATIONS:
        text = f"No more than {MOST_ANNOTATIONS} items are allowed; {len(values)} were supplied."
        raise malformed(f"For 'allOf/0', {text}")
    return values


def _annotation(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise malformed("For 'properties/annotations', every annotation must be an object.")
    body = Body(value)
    start, end = body.number("start_line"), body.number("end_line")
    if start is None or end is None:
        raise malformed('"start_line" wasn\'t supplied.')
    return {
        "path": body.text("path"),
        "start_line": start,
        "end_line": end,
        "start_column": body.number("start_column"),
        "end_column": body.number("end_column"),
        "annotation_level": body.choice("annotation_level", LEVELS),
        "title": body.maybe("title"),
        "message": body.text("message"),
        "raw_details": body.maybe("raw_details"),
    }


def _actions(values: list[Any]) -> list[dict[str, Any]]:
    if len(values) > MOST_ACTIONS:
        raise malformed(f"No more than {MOST_ACTIONS} items are allowed; {len(values)} were supplied.")
    limits = {"label": 20, "description": 40, "identifier": 20}
    actions = []
    for value in values:
        body = Body(value if isinstance(value, dict) else {})
        action = {name: body.text(name) for name in limits}
        for name, limit in limits.items():
            if len(action[name]) > limit:
                raise malformed(f"For 'properties/{name}', only {limit} characters are allowed.")
        actions.append(action)
    return actions


def _leave_out_output(hub: Hub, app_id: int, columns: dict[str, Any]) -> dict[str, Any]:
    """A job of GitHub Actions has no texts in its check run, annotations only (PyGithub#3227)."""
    if hub.state.app(app_id)["slug"] != ACTIONS_APP:
        return columns
    return {name: value for name, value in columns.items() if name not in ("title", "summary", "text")}


def _find_or_make_suite(hub: Hub, repo: Row, app_id: int, sha: str) -> int:
    sql = "SELECT id FROM check_suites WHERE repo_id = ? AND app_id = ? AND head_sha = ?"
    found = hub.state.maybe(sql, repo["id"], app_id, sha)
    if found is not None:
        return int(found["id"])
    heads = hub.git.refs(repo["id"], "refs/heads/")
    branch = next((name.removeprefix("refs/heads/") for name, head in heads.items() if head == sha), None)
    now = hub.state.now()
    return hub.state.insert(
        "check_suites", repo_id=repo["id"], app_id=app_id, head_sha=sha, head_branch=branch, created_at=now,
        updated_at=now,
    )  # fmt: skip


def _annotate(hub: Hub, run_id: int, annotations: list[dict[str, Any]]) -> None:
    for annotation in annotations:
        hub.state.insert("annotations", check_run_id=run_id, annotation_json=json.dumps(annotation))


@routes.post(BASE, app=WRITE)
async def create(call: Call) -> web.Response:
    """POST check-runs."""
    row = await make_check_run(call.hub, call.actor, call.repo, call.body)
    return answer(render_check_run(call.hub, call.repo, row), 201)


async def make_check_run(hub: Hub, actor: Actor, repo: Row, body: Body) -> Row:
    """Make the check run that the body of a request describes, and tell of it."""
    app_id, sha = _check_app(actor), body.text("head_sha")
    body.text("name")
    columns, annotations = _read(body)
    columns = _leave_out_output(hub, app_id, columns)
    if hub.git.resolve(repo["id"], sha) != sha:
        raise ApiError(422, f"No commit found for SHA: {sha}")
    with hub.state.transaction():
        columns.setdefault("started_at", hub.state.now())
        if columns.get("status") == "completed":
            columns.setdefault("completed_at", hub.state.now())
        row_id = hub.state.insert(
            "check_runs", repo_id=repo["id"], suite_id=_find_or_make_suite(hub, repo, app_id, sha),
            app_id=app_id, head_sha=sha,
            **columns,
        )  # fmt: skip
        _annotate(hub, row_id, annotations)
        _settle_suite(hub, hub.state.one("SELECT suite_id FROM check_runs WHERE id = ?", row_id)["suite_id"])
    row = hub.state.one("SELECT * FROM check_runs WHERE id = ?", row_id)
    events.send_check_run(hub, actor, repo, "created", row)
    if row["status"] == "completed":
        events.send_check_run(hub, actor, repo, "completed", row)
        await note_check(hub, repo, row)
    return row


@routes.patch(BASE + "/{id:\\d+}", app=WRITE)
async def update(call: Call) -> web.Response:
    """PATCH check-runs/{id}: annotations are added to those that are there."""
    hub, row = call.hub, call.row("check_runs")
    if row["app_id"] != _check_app(call.actor):
        raise ApiError(
            403, "Invalid app_id `render_check_run` can only be modified by the GitHub App that created it."
        )
    columns, annotations = _read(call.body)
    columns = _leave_out_output(hub, row["app_id"], columns)
    if columns.get("status") == "completed":
        columns.setdefault("completed_at", hub.state.now())
    with hub.state.transaction():
        if columns:
            hub.state.update("check_runs", row["id"], **columns)
        _annotate(hub, row["id"], annotations)
        hub.state.update("check_suites", row["suite_id"], updated_at=hub.state.now())
        _settle_suite(hub, row["suite_id"])
    fresh = call.row("check_runs")
    if fresh["status"] == "completed" and row["status"] != "completed":
        events.send_check_run(hub, call.actor, call.repo, "completed", fresh)
        await note_check(hub, call.repo, fresh)
    return answer(render_check_run(hub, call.repo, fresh))


@routes.get(BASE + "/{id:\\d+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET check-runs/{id}."""
    return answer(render_check_run(call.hub, call.repo, call.row("check_runs")))


@routes.get(BASE + "/{id:\\d+}/annotations", app=READ)
async def list_annotations(call: Call) -> web.Response:
    """GET check-runs/{id}/annotations."""
    row = call.row("check_runs")
    rows = call.hub.state.all("SELECT * FROM annotations WHERE check_run_id = ? ORDER BY id", row["id"])
    base = f"{call.hub.web_url}/{call.repo['owner']}/{call.repo['name']}/blob/{row['head_sha']}"

    def show(one: Row) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(one["annotation_json"])
        return value | {"blob_href": f"{base}/{value['path']}"}

    return answer_page(call, rows, show)


@routes.get(REPO + "/commits/{ref:.+}/check-runs", app=READ)
async def list_for_ref(call: Call) -> web.Response:
    """GET commits/{ref}/check-runs with check_name, status, app_id and filter (``latest`` of each name)."""
    sha = call.hub.git.resolve(call.repo["id"], call.path("ref"))
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.path('ref')}")
    return _answer_runs(call, call.hub.state.check_runs(call.repo["id"], sha))


@routes.get(REPO + "/check-suites/{id:\\d+}/check-runs", app=READ)
async def list_for_suite(call: Call) -> web.Response:
    """GET check-suites/{id}/check-runs with check_name, status and filter."""
    suite = call.row("check_suites")
    rows = call.hub.state.check_runs(call.repo["id"], suite["head_sha"])
    return _answer_runs(call, [row for row in rows if row["suite_id"] == suite["id"]])


def _answer_runs(call: Call, rows: list[Row]) -> web.Response:
    """A page of check runs, filtered as the query says."""
    for parameter, column in (("check_name", "name"), ("status", "status"), ("app_id", "app_id")):
        wanted = call.query(parameter)
        rows = [row for row in rows if wanted in ("", str(row[column]))]
    if call.query("filter", "latest") == "latest":
        newest: dict[tuple[int, str], Row] = {}
        for row in rows:
            newest.setdefault((row["app_id"], row["name"]), row)
        rows = list(newest.values())
    return answer_page(call, rows, lambda row: render_check_run(call.hub, call.repo, row), key="check_runs")


@routes.post(BASE + "/{id:\\d+}/rerequest", app=WRITE, user="write")
async def rerequest(call: Call) -> web.Response:
    """POST check-runs/{id}/rerequest: its suite is queued again, and nothing but its App changes that."""
    request_again(call.hub, call.actor, call.repo, call.row("check_runs"))
    return answer({}, 201)


def request_again(hub: Hub, actor: Actor, repo: Row, run: Row) -> None:
    """Ask a check run's App to run it again.

    https://docs.github.com/en/rest/checks/runs#rerequest-a-check-run
    """
    events.send_check_run(hub, actor, repo, "rerequested", run)  # which tells of the suite as it was
    hub.state.run("INSERT OR IGNORE INTO rerequested_suites VALUES (?)", run["suite_id"])


@routes.get(REPO + "/check-suites/{id:\\d+}", app=READ)
async def get_suite(call: Call) -> web.Response:
    """GET check-suites/{id}."""
    shown = render_whole_check_suite(call.hub, call.repo, call.row("check_suites"))
    return answer(shown | {"repository": render_repository(call.hub, call.repo)})


@routes.get(REPO + "/commits/{ref:.+}/check-suites", app=READ)
async def list_suites(call: Call) -> web.Response:
    """GET commits/{ref}/check-suites with app_id and check_name."""
    hub, repo = call.hub, call.repo
    sha = hub.git.resolve(repo["id"], call.path("ref"))
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.path('ref')}")
    sql = "SELECT * FROM check_suites WHERE repo_id = ? AND head_sha = ? ORDER BY id"
    rows = [
        row for row in hub.state.all(sql, repo["id"], sha) if call.query("app_id") in ("", str(row["app_id"]))
    ]
    if name := call.query("check_name"):
        named = {one["suite_id"] for one in hub.state.check_runs(repo["id"], sha) if one["name"] == name}
        rows = [row for row in rows if row["id"] in named]
    shown = render_repository(hub, repo)
    return answer_page(
        call,
        rows,
        lambda row: render_whole_check_suite(hub, repo, row) | {"repository": shown},
        key="check_suites",
    )


@routes.post(REPO + "/check-suites/{id:\\d+}/rerequest", app=WRITE, user="write")
async def rerequest_suite(call: Call) -> web.Response:
    """POST check-suites/{id}/rerequest: it is queued again until its App acts."""
    suite = call.row("check_suites")
    events.send_check_suite(call.hub, call.actor, call.repo, "rerequested", suite)
    call.hub.state.run("INSERT OR IGNORE INTO rerequested_suites VALUES (?)", suite["id"])
    return answer({}, 201)


def _settle_suite(hub: Hub, suite_id: int) -> None:
    """Its App acted on a suite that was requested again."""
    hub.state.run("DELETE FROM rerequested_suites WHERE suite_id = ?", suite_id)


def press_button(hub: Hub, actor: Actor, repo: Row, run_id: int, identifier: str) -> None:
    """Press a button of a check run (``requested_action``), which a person does on the page."""
    row = hub.state.maybe("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", run_id, repo["id"])
    if row is None:
        raise not_found()
    if identifier not in {action["identifier"] for action in json.loads(row["actions_json"])}:
        raise invalid("CheckRun", "identifier")
    chosen = {"identifier": identifier}
    events.send_check_run(hub, actor, repo, "requested_action", row, requested_action=chosen)
