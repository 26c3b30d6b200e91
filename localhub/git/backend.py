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
async def spool_body(request: web.Request) -> AsyncIterator[IO[bytes]]:
    """The request's body as a file on disk, so that what follows does not wait for a slow sender."""
    with tempfile.TemporaryFile() as file:
        async for chunk in request.content.iter_chunked(CHUNK):
            file.write(chunk)
        file.seek(0)
        yield file


async def read_backend(program: str, env: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    """The headers and the body of git's answer to a request without a body. Raises RuntimeError where it
    fails.
    """
    process = await asyncio.create_subprocess_exec(
        program, "http-backend", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env=dict(env), cwd=os.sep,
    )  # fmt: skip
    head, _, body = (await process.communicate())[0].partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode().splitlines()]
    headers = {name: value.strip() for name, _, value in lines}
    if process.returncode or "Status" in headers:
        raise RuntimeError(f"git http-backend failed: {headers.get('Status', process.returncode)}")
    return headers, body


async def run_backend(
    program: str,
    request: web.Request,
    env: Mapping[str, str],
    *,
    body: IO[bytes],
    finish: Finish | None = None,
) -> web.StreamResponse:
    """Answer a request with git's output to ``body``, the whole of what the client sent.

    ``finish`` runs once git is done, before the client gets the end.
    """
    length = str(os.fstat(body.fileno()).st_size)
    process = await asyncio.create_subprocess_exec(
        program, "http-backend", stdin=body, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env={**env, "CONTENT_LENGTH": length}, limit=CHUNK, cwd=os.sep,
    )  # fmt: skip
    try:
        return await _answer(request, process, finish)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()  # ``wait`` would not end while a pipe is full


def _require_pipe(end: Pipe | None) -> Pipe:
    """The pipe itself; RuntimeError when the process was started without it."""
    if end is None:
        raise RuntimeError("the process has no such pipe")
    return end


async def _answer(
    request: web.Request, process: asyncio.subprocess.Process, finish: Finish | None
) -> web.StreamResponse:
    stdout = _require_pipe(process.stdout)
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
