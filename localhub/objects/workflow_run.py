"""Workflows, their runs and jobs as JSON.

Nothing is run here: the App ``github-actions`` makes check runs, as a test tells it to. As on GitHub each
run of a workflow has a check suite, and each job is a check run with the same id; a commit has one suite of
an App here, so it has one run.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote
from zlib import crc32

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.check import render_check_suite, render_head_commit
from localhub.objects.people import render_user
from localhub.objects.repository import page_url, render_repository, repo_url
from localhub.state import Row

Json = dict[str, Any]

ACTIONS_APP = "github-actions"  # the slug of GitHub Actions' own App
FOLDER = ".github/workflows"
NAME = re.compile(r"^name:([^\n]+)", re.MULTILINE)


def list_workflows(hub: Hub, repo: Row, sha: str | None = None) -> list[Row]:
    """The workflow files of a commit, or of the default branch's head: ``path``, ``name`` and ``id``."""
    head = sha or hub.git.branch(repo["id"], repo["default_branch"])
    entry = None if head is None else hub.git.entry(repo["id"], head, FOLDER)
    if entry is None or entry[0] != 0o040000:
        return []
    found = []
    for item in hub.git.tree(repo["id"], entry[1]).iteritems():
        name = item.path.decode(errors="replace")
        if name.endswith((".yml", ".yaml")):
            path = f"{FOLDER}/{name}"
            stated = NAME.search(hub.git.blob(repo["id"], item.sha.decode()).decode(errors="replace"))
            shown = stated[1].strip().strip("\"'") if stated else path
            found.append({"id": crc32(f"{repo['id']}:{path}".encode()), "path": path, "name": shown})
    return found


def list_runs(hub: Hub, repo: Row) -> list[Row]:
    """The check suites that Actions has made, the newest first: a run each."""
    return hub.state.all(
        "SELECT check_suites.* FROM check_suites JOIN apps ON apps.id = app_id"
        " WHERE repo_id = ? AND slug = ? ORDER BY check_suites.id DESC",
        repo["id"], ACTIONS_APP,
    )  # fmt: skip


def workflow_of(hub: Hub, repo: Row, suite: Row) -> Row:
    """The workflow that a run is of: the first file of its commit."""
    found = list_workflows(hub, repo, suite["head_sha"]) or list_workflows(hub, repo)
    path = f"{FOLDER}/ci.yml"
    return found[0] if found else {"id": crc32(f"{repo['id']}:{path}".encode()), "path": path, "name": "CI"}


def render_workflow(hub: Hub, repo: Row, workflow: Row) -> Json:
    """A workflow."""
    url, page, file = repo_url(hub, repo), page_url(hub, repo), quote(workflow["path"])
    return {
        "id": workflow["id"],
        "node_id": node_id("Workflow", workflow["id"]),
        "name": workflow["name"],
        "path": workflow["path"],
        "state": "active",
        "created_at": repo["created_at"],
        "updated_at": repo["updated_at"],
        "url": f"{url}/actions/workflows/{workflow['id']}",
        "html_url": f"{page}/blob/{quote(repo['default_branch'])}/{file}",
        "badge_url": f"{page}/actions/workflows/{file.rpartition('/')[2]}/badge.svg",
    }


def render_run(hub: Hub, repo: Row, suite: Row) -> Json:
    """A run of a workflow."""
    shown, workflow = render_check_suite(hub, repo, suite), workflow_of(hub, repo, suite)
    url = f"{repo_url(hub, repo)}/actions/runs/{suite['id']}"
    owner = render_user(hub, hub.state.account(repo["owner_id"]))
    commit = render_head_commit(hub, repo, suite["head_sha"])
    earlier = [one for one in list_runs(hub, repo) if one["id"] <= suite["id"]]
    return {
        "id": suite["id"],
        "name": workflow["name"],
        "node_id": node_id("WorkflowRun", suite["id"]),
        "head_branch": suite["head_branch"],
        "head_sha": suite["head_sha"],
        "path": workflow["path"],
        "display_title": commit["message"].partition("\n")[0],
        "run_number": len(earlier),
        "run_attempt": 1,
        "event": "pull_request" if shown["pull_requests"] else "push",
        "status": shown["status"],
        "conclusion": shown["conclusion"],
        "workflow_id": workflow["id"],
        "check_suite_id": suite["id"],
        "check_suite_node_id": shown["node_id"],
        "url": url,
        "html_url": f"{page_url(hub, repo)}/actions/runs/{suite['id']}",
        "pull_requests": shown["pull_requests"],
        "created_at": suite["created_at"],
        "updated_at": suite["updated_at"],
        "run_started_at": suite["created_at"],
        "actor": owner,
        "triggering_actor": owner,
        "referenced_workflows": [],
        "previous_attempt_url": None,
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": shown["url"],
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "workflow_url": f"{repo_url(hub, repo)}/actions/workflows/{workflow['id']}",
        "head_commit": commit,
        "repository": render_repository(hub, repo),
        "head_repository": render_repository(hub, repo),
    }


def render_job(hub: Hub, repo: Row, suite: Row, run: Row) -> Json:
    """A job of a run, with the one step that is known of it."""
    url, page = repo_url(hub, repo), page_url(hub, repo)
    step = {
        "name": run["name"],
        "status": run["status"] if run["status"] in ("queued", "in_progress") else "completed",
        "conclusion": run["conclusion"],
        "number": 1,
        "started_at": run["started_at"],
        "completed_at": run["completed_at"],
    }
    return {
        "id": run["id"],
        "run_id": suite["id"],
        "run_url": f"{url}/actions/runs/{suite['id']}",
        "run_attempt": 1,
        "node_id": node_id("CheckRun", run["id"]),
        "head_branch": suite["head_branch"],
        "head_sha": run["head_sha"],
        "workflow_name": workflow_of(hub, repo, suite)["name"],
        "url": f"{url}/actions/jobs/{run['id']}",
        "html_url": f"{page}/actions/runs/{suite['id']}/job/{run['id']}",
        "status": run["status"],
        "conclusion": run["conclusion"],
        "created_at": run["started_at"] or suite["created_at"],
        "started_at": run["started_at"] or suite["created_at"],
        "completed_at": run["completed_at"],
        "name": run["name"],
        "steps": [step],
        "check_run_url": f"{url}/check-runs/{run['id']}",
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "GitHub Actions 1",
        "runner_group_id": 2,
        "runner_group_name": "GitHub Actions",
    }
