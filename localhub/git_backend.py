"""Runs ``git http-backend`` for one HTTP request: CGI in, a streamed answer out, nothing held in memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import IO, TypeVar

from aiohttp import web

Pipe = TypeVar("Pipe")
Finish = Callable[[], Awaitable[None]]
CHUNK = 64 * 1024


@contextlib.asynccontextmanager
async def spooled(request: web.Request) -> AsyncIterator[IO[bytes]]:
    """The request's body as a file on disk, so that what follows does not wait for a slow sender."""
    with tempfile.TemporaryFile() as file:
        async for chunk in request.content.iter_chunked(CHUNK):
            file.write(chunk)
        file.seek(0)
        yield file


async def run_backend(
    program: str,
    request: web.Request,
    env: Mapping[str, str],
    *,
    body: IO[bytes] | None = None,
    finish: Finish | None = None,
) -> web.StreamResponse:
    """Answer a request with git's output.

    ``body`` replaces the request's own, which is streamed otherwise. ``finish`` runs once git is done, before
    the client is told the end.
    """
    own = _length(request, body)
    process = await asyncio.create_subprocess_exec(
        program, "http-backend", stdin=asyncio.subprocess.PIPE if body is None else body,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={**env, **own}, limit=CHUNK,
        cwd=os.sep,
    )  # fmt: skip
    feeding = None if body is not None else asyncio.create_task(_feed(request, process))
    try:
        return await _answer(request, process, finish)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if feeding is not None:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


def _length(request: web.Request, body: IO[bytes] | None) -> dict[str, str]:
    if body is not None:
        return {"CONTENT_LENGTH": str(os.fstat(body.fileno()).st_size)}
    # aiohttp has unpacked a gzip body, so its length would be wrong; without one git reads to the end.
    if request.content_length is not None and "Content-Encoding" not in request.headers:
        return {"CONTENT_LENGTH": str(request.content_length)}
    return {}


def _pipe(end: Pipe | None) -> Pipe:
    """A pipe that was asked for when the process was started."""
    if end is None:
        raise RuntimeError("the process has no such pipe")
    return end


async def _feed(request: web.Request, process: asyncio.subprocess.Process) -> None:
    stdin = _pipe(process.stdin)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        async for chunk in request.content.iter_chunked(CHUNK):
            stdin.write(chunk)
            await stdin.drain()
    stdin.close()


async def _answer(
    request: web.Request, process: asyncio.subprocess.Process, finish: Finish | None
) -> web.StreamResponse:
    stdout = _pipe(process.stdout)
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
    await process.wait()
    if finish is not None:
        await finish()
    await response.write(held)
    await response.write_eof()
    return response
