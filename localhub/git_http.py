"""git over HTTP, both directions streamed through ``git http-backend``.

Reads follow the repository's visibility; a push needs write access (``contents:write`` for Apps) and must
leave workflow files alone unless the token has ``workflows:write``, as on GitHub.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from localhub.api import HUB
from localhub.auth import Actor, at_least, authenticate, check_repo
from localhub.errors import ApiError, not_found
from localhub.hub import Hub
from localhub.pushes import after_push, moves
from localhub.state import Row

Pipe = TypeVar("Pipe")
Finish = Callable[[], Awaitable[None]]
CHUNK = 64 * 1024
# The place of the hook that refuses workflow files; a name of its own, beside the repositories.
HOOKS = "hooks"


def install_hook(directory: Path) -> None:
    """Write the hook that judges the pushes of tokens without the workflows permission."""
    hooks = directory / HOOKS
    hooks.mkdir(exist_ok=True)
    source = Path(__file__).with_name("workflow_hook.py").read_text()
    hook = hooks / "proc-receive"
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
        repo, actor = _allowed(hub, request, writes=service == "git-receive-pack")
    except ApiError as error:
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if error.status == 401 else {}
        return web.Response(status=error.status, text=f"{error.message}\n", headers=headers)
    if tail != "git-receive-pack":
        return await _backend(hub, request, repo, actor, tail)
    async with hub.git.lock(repo["id"]):
        before = hub.git.refs(repo["id"])

        async def finish() -> None:
            await after_push(hub, actor, repo, moves(before, hub.git.refs(repo["id"])))

        return await _backend(hub, request, repo, actor, tail, finish)


def _allowed(hub: Hub, request: web.Request, *, writes: bool) -> tuple[Row, Actor]:
    actor = authenticate(hub.state, request.headers.get("Authorization"))
    owner, name = request.match_info["owner"], request.match_info["repo"]
    repo = hub.state.repo_by_name(owner, name.removesuffix(".git"))
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
        if error.status != 403:
            raise not_found() from None
        denied = f"Permission to {owner}/{name.removesuffix('.git')}.git denied to {actor.name}."
        raise ApiError(403, denied) from None
    return repo, actor


def _environment(hub: Hub, request: web.Request, repo: Row, actor: Actor, tail: str) -> dict[str, str]:
    settings = {
        "http.receivepack": "true",
        "uploadpack.allowFilter": "true",
        "uploadpack.allowAnySHA1InWant": "true",
        "receive.hideRefs": "refs/pull",
        "receive.advertisePushOptions": "true",
        "receive.fsckObjects": "true",
    }
    level = actor.permissions.get("workflows", "none")
    if actor.kind == "installation" and not at_least(level, "write", ("none", "read", "write", "admin")):
        settings |= {"receive.procReceiveRefs": "refs", "core.hooksPath": str(hub.state.directory / HOOKS)}
    env = hub.git.environment(settings) | {
        "GIT_PROJECT_ROOT": str(hub.state.git_directory),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repo['id']}.git/{tail}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_USER": actor.name,
        "REMOTE_ADDR": request.remote or "",
    }
    protocol = request.headers.get("Git-Protocol")
    if protocol:
        env["GIT_PROTOCOL"] = protocol
    # aiohttp has unpacked a gzip body, so its length would be wrong; without one git reads to the end.
    if request.content_length is not None and "Content-Encoding" not in request.headers:
        env["CONTENT_LENGTH"] = str(request.content_length)
    return env


async def _backend(
    hub: Hub, request: web.Request, repo: Row, actor: Actor, tail: str, finish: Finish | None = None
) -> web.StreamResponse:
    process = await asyncio.create_subprocess_exec(
        hub.git.program, "http-backend",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=_environment(hub, request, repo, actor, tail), limit=CHUNK, cwd=os.sep,
    )  # fmt: skip
    feeding = asyncio.create_task(_feed(request, process))
    try:
        return await _answer(request, process, feeding, finish)
    finally:
        feeding.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await asyncio.gather(feeding, return_exceptions=True)


def pipe(end: Pipe | None) -> Pipe:
    """A pipe that was asked for when the process was started."""
    if end is None:
        raise RuntimeError("the process has no such pipe")
    return end


async def _feed(request: web.Request, process: asyncio.subprocess.Process) -> None:
    stdin = pipe(process.stdin)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        async for chunk in request.content.iter_chunked(CHUNK):
            stdin.write(chunk)
            await stdin.drain()
    stdin.close()


async def _answer(
    request: web.Request,
    process: asyncio.subprocess.Process,
    feeding: asyncio.Task[None],
    finish: Finish | None,
) -> web.StreamResponse:
    stdout = pipe(process.stdout)
    status, headers = 200, dict[str, str]()
    while line := (await stdout.readline()).strip():
        name, _, value = line.decode().partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    # The end of a push's report is held back until everything has followed, so that the pusher sees it done.
    held = b""
    while chunk := await stdout.read(CHUNK):
        if held:
            await response.write(held)
        held = chunk
    await feeding
    await process.wait()
    if finish is not None:
        await finish()
    await response.write(held)
    await response.write_eof()
    return response
