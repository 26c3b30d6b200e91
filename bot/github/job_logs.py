"""The log of a job of GitHub Actions, where an installation grants ``actions: read`` beyond app.yml.

A job's check run has the job's own id. GitHub answers with an address at a storage host, good for a minute
and for anybody; it is fetched without any credential, and only its end is kept.
https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.errors import HobError
from bot.github.http.client import Client
from bot.github.repository import AppInfo, RepoAddress, Repository
from bot.text.terminal import replace_controls, strip_escapes

log = structlog.get_logger(__name__)

TAIL_BYTES = 16_000
MOST_BYTES = 20 << 20
SECONDS = 20.0


class JobLogs(Repository):
    """The logs of jobs, read with a token of their own."""

    def __init__(
        self,
        client: Client,
        address: RepoAddress,
        identify: Callable[[], Awaitable[AppInfo]],
        *,
        session: aiohttp.ClientSession,
    ) -> None:
        """``client`` is one that may read Actions; ``session`` fetches what it is pointed at."""
        super().__init__(client, address, identify)
        self._session = session

    async def read_tail(self, job: int) -> str:
        """The end of a job's log; '' where the app may not read it, or it cannot be fetched."""
        try:
            place = await self._client.find_location(
                self._url("/actions/jobs/{job}/logs"), self._vars({"job": job})
            )
            return _clean(await self._download(place)) if place else ""
        except (HobError, aiohttp.ClientError, TimeoutError) as trouble:
            log.info("check.log_not_read", reason=getattr(trouble, "message", type(trouble).__name__))
            return ""

    async def _download(self, place: str) -> bytes:
        if urlsplit(place).scheme != "https" and urlsplit(place).hostname not in ("127.0.0.1", "localhost"):
            return b""
        tail, read = b"", 0
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with self._session.get(place, timeout=timeout, allow_redirects=False) as answer:
            if answer.status != 200:
                return b""
            async for chunk in answer.content.iter_chunked(64 << 10):
                tail, read = (tail + chunk)[-TAIL_BYTES:], read + len(chunk)
                if read > MOST_BYTES:
                    break
        return tail


def _clean(tail: bytes) -> str:
    """A log's end as text, from its first whole line on, without what steers a terminal."""
    text = strip_escapes(tail.decode("utf-8", "replace").replace("\r", ""))
    if len(tail) == TAIL_BYTES:
        text = text.partition("\n")[2]
    return "\n".join(replace_controls(line, " ") for line in text.splitlines()).strip()
