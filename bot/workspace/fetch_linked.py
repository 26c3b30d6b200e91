"""Fetches what a commit points to, as hob.yml allows it; what cannot be fetched is reported later."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import aiohttp
import structlog

from bot.git.linked.content import LinkedContent
from bot.git.linked.lfs import download_objects
from bot.repo_config import PATH as CONFIG_PATH
from bot.repo_config import read_repo_config
from bot.workspace.workshop import Workshop

log = structlog.get_logger()

SECONDS = 300.0  # for all of one commit


async def fetch_linked_content(
    workshop: Workshop, repo_id: int, commit: str, policy: str, url: str, token: str | None
) -> None:
    """Fetch the submodules and the LFS content of ``commit`` from the server of the repository at ``url``.

    ``policy`` is the commit whose hob.yml decides. Raises UserError for a bad hob.yml.
    """
    config = await read_repo_config(await workshop.mirror.read_file(repo_id, policy, CONFIG_PATH))
    if not config.linked_content:
        return
    try:
        async with asyncio.timeout(SECONDS):
            await workshop.linked.fetch_submodules(repo_id, commit, url, token)
            await _fetch_lfs(workshop.linked, repo_id, commit, url, token)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        log.warning("prepare.no_linked_content", reason=f"{type(error).__name__}: {error}")


async def _fetch_lfs(linked: LinkedContent, repo_id: int, commit: str, url: str, token: str | None) -> None:
    wanted = await linked.list_wanted_files(repo_id, commit)
    if wanted:
        with tempfile.TemporaryDirectory(prefix="hob-lfs-") as folder:
            await download_objects(url, wanted, token, Path(folder))
            await asyncio.to_thread(linked.keep_all, Path(folder), wanted)
