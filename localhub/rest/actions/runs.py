"""Workflows, their runs and jobs, as far as check runs of Actions tell of them."""

from __future__ import annotations

from aiohttp import web

from localhub.errors import not_found
from localhub.objects.workflow_run import (
    list_runs,
    list_workflows,
    render_job,
    render_run,
    render_workflow,
    workflow_of,
)
from localhub.rest.api import Call, Routes, answer, answer_page
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/actions"
READ = "actions:read"


def _find_workflow(call: Call) -> Row:
    """The workflow by its id, or by its file's name."""
    wanted = call.path("workflow")
    for one in list_workflows(call.hub, call.repo):
        if wanted in (str(one["id"]), one["path"].rpartition("/")[2]):
            return one
    raise not_found()


def _find_run(call: Call) -> Row:
    found = next((one for one in list_runs(call.hub, call.repo) if one["id"] == call.number("id")), None)
    if found is None:
        raise not_found()
    return found


def _answer_runs(call: Call, rows: list[Row]) -> web.Response:
    """A page of runs, with branch, event, status, actor, head_sha and check_suite_id."""

    def keeps(row: Row) -> bool:
        run = render_run(call.hub, call.repo, row)
        asked = {
            name: call.query(name) for name in ("branch", "event", "actor", "head_sha", "check_suite_id")
        }
        has = {
            "branch": run["head_branch"], "event": run["event"], "actor": run["actor"]["login"],
            "head_sha": run["head_sha"], "check_suite_id": str(run["check_suite_id"]),
        }  # fmt: skip
        state = call.query("status")
        fits = all(value in ("", has[name]) for name, value in asked.items())
        return fits and state in ("", run["status"], run["conclusion"])

    kept = [row for row in rows if keeps(row)]
    return answer_page(call, kept, lambda row: render_run(call.hub, call.repo, row), key="workflow_runs")


@routes.get(BASE + "/workflows", app=READ)
async def list_all_workflows(call: Call) -> web.Response:
    """GET actions/workflows."""
    rows = list_workflows(call.hub, call.repo)
    return answer_page(call, rows, lambda one: render_workflow(call.hub, call.repo, one), key="workflows")


@routes.get(BASE + "/workflows/{workflow}", app=READ)
async def get_workflow(call: Call) -> web.Response:
    """GET actions/workflows/{workflow}, by its id or its file's name."""
    return answer(render_workflow(call.hub, call.repo, _find_workflow(call)))


@routes.get(BASE + "/workflows/{workflow}/runs", app=READ)
async def list_of_workflow(call: Call) -> web.Response:
    """GET actions/workflows/{workflow}/runs."""
    wanted = _find_workflow(call)["id"]
    rows = list_runs(call.hub, call.repo)
    return _answer_runs(call, [row for row in rows if workflow_of(call.hub, call.repo, row)["id"] == wanted])


@routes.get(BASE + "/runs", app=READ)
async def list_all(call: Call) -> web.Response:
    """GET actions/runs, the newest first."""
    return _answer_runs(call, list_runs(call.hub, call.repo))


@routes.get(BASE + "/runs/{id:\\d+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET actions/runs/{id}."""
    return answer(render_run(call.hub, call.repo, _find_run(call)))


@routes.get(BASE + "/runs/{id:\\d+}/jobs", app=READ)
async def list_jobs(call: Call) -> web.Response:
    """GET actions/runs/{id}/jobs."""
    suite = _find_run(call)
    rows = call.hub.state.all("SELECT * FROM check_runs WHERE suite_id = ? ORDER BY id", suite["id"])
    return answer_page(call, rows, lambda row: render_job(call.hub, call.repo, suite, row), key="jobs")


@routes.get(BASE + "/jobs/{id:\\d+}", app=READ)
async def get_job(call: Call) -> web.Response:
    """GET actions/jobs/{id}."""
    row = call.row("check_runs")
    suite = next((one for one in list_runs(call.hub, call.repo) if one["id"] == row["suite_id"]), None)
    if suite is None:
        raise not_found()
    return answer(render_job(call.hub, call.repo, suite, row))
