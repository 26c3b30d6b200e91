"""A real git over HTTP for the tests of the git room: ``git http-backend`` behind a few lines of CGI."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

TOKEN = "ghs_1234567_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NTY3In0.c2ln-bmF0dXJl_" + "x" * 40
ENV = {
    "PATH": os.defpath + ":/usr/local/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "1700000000 +0100",
}


def git(where: Path, *args: str, stdin: bytes | None = None) -> str:
    """Run git in a directory as a person would, and give what it prints."""
    done = subprocess.run(
        ["git", *args], cwd=where, env=ENV, input=stdin, capture_output=True, check=False, timeout=100
    )
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def shell(*argv: str) -> str:
    """Run a program of this machine and give what it prints."""
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=100).stdout


def write(root: Path, files: dict[str, str | bytes | None]) -> None:
    """Write files below ``root``: ``-> x`` is a link to x, None deletes, ``!`` marks a program."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        elif isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        else:
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(data.removeprefix(b"!"))
            path.chmod(0o755 if data.startswith(b"!") else 0o644)


def commit(root: Path, files: dict[str, str | bytes | None], message: str = "Change") -> str:
    """Commit files in a work tree (made when missing) and give the commit's name."""
    if not (root / ".git").exists():
        root.mkdir(parents=True, exist_ok=True)
        git(root, "init", "--quiet", "--initial-branch=main", "--template=")
    write(root, files)
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def bare(root: Path, source: Path) -> Path:
    """A bare repository at ``root`` with all of ``source``, which takes pushes over HTTP."""
    git(source, "clone", "--quiet", "--bare", "--template=", ".", str(root))
    git(root, "config", "http.receivepack", "true")
    git(root, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(root, "config", "receive.fsckObjects", "true")
    return root


class GitServer:
    """Serves every bare repository below ``root``; ``answer`` makes it answer every request with a status."""

    def __init__(self, root: Path, token: str | None) -> None:
        self.root = root
        self.token = token
        self.url = ""
        self.answer: int | None = None
        self.hang = False
        self.requests: list[str] = []
        self.asked = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        self.asked.set()
        if self.hang:
            await asyncio.sleep(60)
        if self.answer is not None:
            headers = {"Location": self.url + "/elsewhere.git"} if 300 <= self.answer < 400 else {}
            return web.Response(status=self.answer, headers=headers)
        if self.token is not None:
            wanted = "Basic " + base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
            if request.headers.get("Authorization") != wanted:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await self._cgi(request)

    async def _cgi(self, request: web.Request) -> web.Response:
        env = ENV | {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "hob",
        }
        body = await request.read()
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        out, _ = await process.communicate(body)
        head, _, rest = out.partition(b"\r\n\r\n")
        headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n") if line)
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=headers, body=rest)


@asynccontextmanager
async def serving(root: Path, token: str | None = TOKEN) -> AsyncIterator[GitServer]:
    """A git server on a free port of loopback, until the block ends."""
    server = GitServer(root, token)
    app = web.Application(client_max_size=1 << 26, handler_args={"auto_decompress": False})
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
