"""git over HTTP, both directions streamed through ``git http-backend``.

Reads follow the repository's visibility; a push needs write access (``contents:write`` for Apps) and must
leave workflow files alone unless the token has ``workflows:write``, as on GitHub.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import IO

from aiohttp import web

import localhub
from localhub.auth import Actor, authenticate, check_repo, includes_level
from localhub.errors import ApiError, not_found
from localhub.git.backend import read_backend, run_backend, spool_body
from localhub.git.pushes import compare_refs, follow_moves
from localhub.hub import Hub
from localhub.rest.api import HUB
from localhub.rules import hook as rules_hook
from localhub.rules import store as rules
from localhub.state import Row

# The places of the hooks, beside the repositories: of the one that refuses workflow files, and of that one
# with the one that judges by a repository's rules.
HOOKS = "hooks"
HOOKS_WITH_RULES = "hooks-with-rules"


def install_hooks(directory: Path) -> None:
    """Write the hooks that judge pushes: of tokens without the workflows permission, and by rulesets."""
    workflow = Path(__file__).with_name("workflow_hook.py").read_text()
    above = str(Path(localhub.__file__).resolve().parent.parent)
    rules = (
        f"import sys\nsys.path.insert(0, {above!r})\nfrom localhub.rules.hook import main\nsys.exit(main())\n"
    )
    hooks = {HOOKS: {"proc-receive": workflow}}
    hooks[HOOKS_WITH_RULES] = {**hooks[HOOKS], "pre-receive": rules}
    for folder, programs in hooks.items():
        (directory / folder).mkdir(exist_ok=True)
        for name, source in programs.items():
            hook = directory / folder / name
            hook.write_text(f"#!{sys.executable} -IS\n{source}")
            hook.chmod(hook.stat().st_mode | stat.S_IXUSR)


def mount(app: web.Application) -> None:
    """Put the git endpoints at the top, with and without ``.git``."""
    for tail in ("info/refs", "git-upload-pack", "git-receive-pack"):
        app.router.add_route("*", f"/{{owner}}/{{repo}}/{tail}", serve)


async def serve(request: web.Request) -> web.StreamResponse:
    """One request of the smart protocol."""
    hub = request.app[HUB]
    tail = request.path.split("/", 3)[3]
    service = request.query.get("service", "") if tail == "info/refs" else tail
    if service not in ("git-upload-pack", "git-receive-pack"):
        return web.Response(status=403, text="Please upgrade your git client.\n")
    try:
        repo, actor, only = _is_allowed(hub, request, writes=service == "git-receive-pack")
    except ApiError as error:
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if error.status == 401 else {}
        return web.Response(status=error.status, text=f"{error.message}\n", headers=headers)
    env = _environment(hub, request, repo, actor, tail, only)
    if tail == "info/refs" and service == "git-upload-pack" and env.get("GIT_PROTOCOL") == "version=2":
        headers, said = await _read_capabilities(hub, env)
        return web.Response(headers=headers, body=said)
    # Whole before git sees it: http-backend never ends when its input is cut short.
    async with spool_body(request) as body:
        if tail != "git-receive-pack":
            return await run_backend(hub.git.program, request, env, body=body)
        async with hub.git.lock(repo["id"]):
            return await _receive(hub, request, repo, actor, env, body)


async def _read_capabilities(hub: Hub, env: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """What git says first to who reads by version 2 of its protocol: of no repository in particular, so once.

    https://git-scm.com/docs/protocol-v2#_capability_advertisement
    """
    if hub.git.capabilities is None:
        hub.git.capabilities = await read_backend(hub.git.program, env)
    return hub.git.capabilities


async def _receive(
    hub: Hub, request: web.Request, repo: Row, actor: Actor, env: dict[str, str], body: IO[bytes]
) -> web.StreamResponse:
    """Take a push, and tell what moved even when the pusher goes away before the end."""
    hub.replicas.note_write(hub)
    before = hub.git.refs(repo["id"])
    told = False

    async def finish() -> None:
        nonlocal told
        told = True
        await follow_moves(hub, actor, repo, compare_refs(before, hub.git.refs(repo["id"])))

    try:
        return await run_backend(hub.git.program, request, env, body=body, finish=finish)
    finally:
        if not told:
            await finish()


def _is_allowed(hub: Hub, request: web.Request, *, writes: bool) -> tuple[Row, Actor, list[str]]:
    """The repository, the caller, and the only branches that the caller may push to when not to all."""
    actor = authenticate(hub.state, request.headers.get("Authorization"))
    owner, name = request.match_info["owner"], request.match_info["repo"]
    name = name.removesuffix(".git")
    repo = hub.state.repo_by_name(owner, name)
    moved = None if repo else hub.state.repo_by_old_name(owner, name)
    if moved is not None and (not moved["private"] or actor.kind != "anonymous"):
        tail = request.path_qs.partition(f"/{request.match_info['repo']}")[2]
        raise web.HTTPMovedPermanently(f"{hub.web_url}/{moved['owner']}/{moved['name']}.git{tail}")
    if actor.kind == "app":
        raise ApiError(403, "An App cannot use git; an installation can.")
    # GitHub asks for credentials rather than telling whether a repository exists.
    if actor.kind == "anonymous" and (writes or repo is None or repo["private"]):
        raise ApiError(401, "Authentication required")
    if repo is None:
        raise ApiError(404, "Repository not found.")
    if writes and repo["archived"]:
        raise ApiError(403, "This repository was archived so it is read-only.")
    try:
        level = "write" if writes else "read"
        check_repo(hub.state, actor, repo, app=f"contents:{level}", user=level)
    except ApiError as error:
        if only := editable_branches(hub, actor, repo) if writes else []:
            return repo, actor, only
        if error.status != 403:
            raise not_found() from None
        denied = f"Permission to {owner}/{name}.git denied to {actor.name}."
        raise ApiError(403, denied) from None
    return repo, actor, []


def editable_branches(hub: Hub, actor: Actor, repo: Row) -> list[str]:
    """The branches of a fork whose open pull requests let the maintainers of the base push to them.

    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/working-with-forks/allowing-changes-to-a-pull-request-branch-created-from-a-fork
    """
    if hub.state.account(repo["owner_id"])["type"] == "Organization":
        return []  # GitHub has that setting for forks of people only
    rows = hub.state.all(
        "SELECT head_ref, pulls.repo_id FROM pulls JOIN issues ON issues.id = issue_id WHERE state = 'open'"
        " AND maintainer_can_modify AND head_repo_id = ? AND pulls.repo_id != head_repo_id",
        repo["id"],
    )
    found = []
    for row in rows:
        try:
            base = hub.state.repo(row["repo_id"])
            check_repo(hub.state, actor, base, app="contents:write", user="write")
        except ApiError:
            continue
        found.append(str(row["head_ref"]))
    return found


def _environment(
    hub: Hub, request: web.Request, repo: Row, actor: Actor, tail: str, only: list[str]
) -> dict[str, str]:
    settings = {
        "http.receivepack": "true",
        "uploadpack.allowFilter": "true",
        "uploadpack.allowAnySHA1InWant": "true",
        "receive.hideRefs": "refs/pull",
        "receive.advertisePushOptions": "true",
        "receive.fsckObjects": "true",
    }
    level = actor.permissions.get("workflows", "none")
    if actor.kind == "installation" and not includes_level(
        level, "write", ("none", "read", "write", "admin")
    ):
        settings |= {"receive.procReceiveRefs": "refs", "core.hooksPath": str(hub.state.directory / HOOKS)}
    told = rules.describe_for_hook(hub, repo, actor)
    if told:
        settings["core.hooksPath"] = str(hub.state.directory / HOOKS_WITH_RULES)
    # A hidden ref cannot be pushed to; the last that matches decides.
    hidden = [
        ("receive.hideRefs", name) for name in ("refs", *(f"!refs/heads/{one}" for one in only)) if only
    ]
    env = hub.git.environment(settings, *hidden) | {
        "GIT_PROJECT_ROOT": str(hub.state.git_directory),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repo['id']}.git/{tail}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_USER": actor.name,
        "REMOTE_ADDR": request.remote or "",
    }
    if told:
        env[rules_hook.VARIABLE] = told
    protocol = request.headers.get("Git-Protocol")
    if protocol:
        env["GIT_PROTOCOL"] = protocol
    return env
