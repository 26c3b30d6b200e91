"""Repositories: create, read, change, delete, fork, list."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import Actor, has_repository, role_of
from localhub.errors import ApiError, custom, not_found
from localhub.hub import Hub
from localhub.objects.repository import render_listed_repository, render_repository, render_whole_repository
from localhub.rest.api import Call, Routes, answer, answer_nothing, answer_page
from localhub.rest.repos.contents import first_commit
from localhub.state import Row

routes = Routes()

NAME = re.compile(r"^[A-Za-z0-9._-]{1,100}$")
DEFAULT_LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("duplicate", "cfd3d7", "This issue or pull request already exists"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("good first issue", "7057ff", "Good for newcomers"),
    ("help wanted", "008672", "Extra attention is needed"),
    ("invalid", "e4e669", "This doesn't seem right"),
    ("question", "d876e3", "Further information is requested"),
    ("wontfix", "ffffff", "This will not be worked on"),
)


@routes.post("/user/repos", app="user")
async def create_for_user(call: Call) -> web.Response:
    """POST /user/repos."""
    return await _create(call, call.actor.writer)


@routes.post("/orgs/{org}/repos", app="user")
async def create_for_organization(call: Call) -> web.Response:
    """POST /orgs/{org}/repos."""
    owner = call.hub.state.account_by_login(call.path("org"))
    if owner is None or owner["type"] != "Organization":
        raise not_found()
    if owner["owner_id"] != call.actor.account_id:
        raise ApiError(403, "You need admin access to the organization before adding a repository to it.")
    return await _create(call, owner)


async def _create(call: Call, owner: Row) -> web.Response:
    hub, body = call.hub, call.body
    name = body.text("name")
    if not NAME.match(name) or name in (".", ".."):
        raise custom("Repository", "name is invalid")
    if hub.state.repo_by_name(owner["login"], name) is not None:
        error = {"resource": "Repository", "code": "custom", "field": "name"}
        error["message"] = "name already exists on this account"
        raise ApiError(422, "Repository creation failed.", errors=[error])
    private = body.flag("private") or body.maybe("visibility") == "private"
    repo = create_repository(
        hub,
        owner,
        name,
        private=private,
        description=body.maybe("description"),
        homepage=body.maybe("homepage"),
    )
    if body.flag("auto_init"):
        first_commit(hub, call.actor, repo)
    _announce(hub, call.actor, repo)
    return answer(render_whole_repository(hub, hub.state.repo(repo["id"]), call.actor), 201)


def create_repository(hub: Hub, owner: Row, name: str, *, private: bool = False, **columns: Any) -> Row:
    """Make an empty repository with GitHub's first labels."""
    state, now = hub.state, hub.state.now()
    with state.transaction():
        repo_id = state.insert(
            "repos",
            owner_id=owner["id"],
            name=name,
            private=private,
            created_at=now,
            updated_at=now,
            **columns,
        )
        state.run("DELETE FROM old_names WHERE owner_id = ? AND name = ?", owner["id"], name)
        for label, color, description in DEFAULT_LABELS:
            state.insert(
                "labels", repo_id=repo_id, name=label, color=color, description=description, is_default=1
            )
    hub.git.create(repo_id, "main")
    return state.repo(repo_id)


def _announce(hub: Hub, actor: Actor, repo: Row) -> None:
    for installed in hub.state.all("SELECT * FROM installations WHERE account_id = ?", repo["owner_id"]):
        if has_repository(hub.state, installed, repo):
            events.send_installation_repositories(hub, actor, installed, added=[repo], removed=[])


@routes.get("/repos/{owner}/{repo}", app="metadata:read")
async def get(call: Call) -> web.Response:
    """GET /repos/{owner}/{repo}."""
    return answer(render_whole_repository(call.hub, call.repo, call.actor))


@routes.patch("/repos/{owner}/{repo}", app="administration:write", user="admin")
async def change(call: Call) -> web.Response:
    """PATCH /repos/{owner}/{repo}: name, description, visibility, default branch, archived, issues."""
    state, repo, body = call.hub.state, call.repo, call.body
    changes: dict[str, Any] = {name: body.maybe(name) for name in ("description", "homepage") if name in body}
    for flag, column in (("private", "private"), ("archived", "archived"), ("has_issues", "has_issues")):
        if flag in body:
            changes[column] = body.flag(flag)
    branch = body.maybe("default_branch")
    if branch is not None:
        if call.hub.git.branch(repo["id"], branch) is None:
            raise custom("Repository", f"The branch {branch} was not found. Please push that ref first.")
        call.hub.git.set_head(repo["id"], branch)
        changes["default_branch"] = branch
    name = body.maybe("name")
    with state.transaction():
        if name is not None and name != repo["name"]:
            if not NAME.match(name) or state.repo_by_name(repo["owner"], name) is not None:
                raise custom("Repository", "name already exists on this account")
            state.run(
                "INSERT OR REPLACE INTO old_names VALUES (?, ?, ?)",
                repo["owner_id"],
                repo["name"],
                repo["id"],
            )
            changes["name"] = name
        state.update("repos", repo["id"], updated_at=state.now(), **changes)
    return answer(render_whole_repository(call.hub, state.repo(repo["id"]), call.actor))


@routes.delete("/repos/{owner}/{repo}", app="administration:write", user="admin")
async def delete(call: Call) -> web.Response:
    """DELETE /repos/{owner}/{repo}."""
    hub, repo = call.hub, call.repo
    installations = hub.state.all("SELECT * FROM installations WHERE account_id = ?", repo["owner_id"])
    for installed in installations:
        if has_repository(hub.state, installed, repo) and call.actor.account is not None:
            events.send_installation_repositories(hub, call.actor, installed, added=[], removed=[repo])
    hub.state.run("DELETE FROM repos WHERE id = ?", repo["id"])
    hub.git.remove(repo["id"])
    return answer_nothing()


@routes.post("/repos/{owner}/{repo}/forks", app="user")
async def fork(call: Call) -> web.Response:
    """POST /repos/{owner}/{repo}/forks: a copy below the caller's account."""
    hub, repo, owner = call.hub, call.repo, call.actor.writer
    found = hub.state.repo_by_name(owner["login"], repo["name"])
    if found is None:
        found = create_repository(
            hub, owner, repo["name"], parent_id=repo["id"], description=repo["description"]
        )
        await hub.git.copy(repo["id"], found["id"])
        hub.git.set_head(found["id"], repo["default_branch"])
        hub.state.update(
            "repos", found["id"], default_branch=repo["default_branch"], pushed_at=repo["pushed_at"]
        )
        found = hub.state.repo(found["id"])
    return answer(render_whole_repository(hub, found, call.actor), 202)


@routes.get("/user/repos", app="user")
async def list_own(call: Call) -> web.Response:
    """GET /user/repos: those that the caller owns or works on."""
    state = call.hub.state
    repos = [state.repo(row["id"]) for row in state.all("SELECT id FROM repos ORDER BY id")]
    mine = [repo for repo in repos if role_of(state, repo, call.actor.account_id) not in ("none", "read")]
    return answer_page(call, mine, lambda repo: render_listed_repository(call.hub, repo, call.actor))


@routes.get("/users/{login}/repos")
async def list_of_user(call: Call) -> web.Response:
    """GET /users/{login}/repos: the public ones."""
    owner = call.hub.state.account_by_login(call.path("login"))
    if owner is None:
        raise not_found()
    rows = call.hub.state.all(
        "SELECT id FROM repos WHERE owner_id = ? AND NOT private ORDER BY id", owner["id"]
    )
    return answer_page(call, rows, lambda row: render_repository(call.hub, call.hub.state.repo(row["id"])))
