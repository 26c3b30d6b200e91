"""Git LFS over HTTP: asks the repository's server where objects are, and downloads them, bounded and checked.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.git.linked.content import LfsFile
from bot.git.remote import auth_header, is_loopback

MEDIA_TYPE = "application/vnd.git-lfs+json"
_TIMEOUT = aiohttp.ClientTimeout(total=300, sock_connect=20, sock_read=60)


async def download_objects(url: str, files: Sequence[LfsFile], token: str | None, into: Path) -> None:
    """Put the objects that the server at ``url`` has into the folder, each under its name.

    What the server does not give, or what is not as its pointer says, is left out. Raises aiohttp.ClientError
    and TimeoutError.
    """
    asked = [{"oid": file.oid, "size": file.size} for file in {file.oid: file for file in files}.values()]
    question = {"operation": "download", "transfers": ["basic"], "objects": asked}
    headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, **auth_header(token)}
    async with aiohttp.ClientSession(timeout=_TIMEOUT, raise_for_status=True) as session:
        address = f"{url.removesuffix('/')}/info/lfs/objects/batch"
        async with session.post(address, json=question, headers=headers, allow_redirects=False) as answer:
            told: Any = await answer.json(content_type=None)
        sizes = {file.oid: file.size for file in files}
        for item in told.get("objects", []) if isinstance(told, dict) else []:
            oid, action = item.get("oid"), item.get("actions", {}).get("download", {})
            if oid in sizes and _may_be_asked(url, str(action.get("href", ""))):
                await _download(session, action, into / oid, oid, sizes[oid])


async def _download(
    session: aiohttp.ClientSession, action: dict[str, Any], target: Path, oid: str, size: int
) -> None:
    """One object, when it has the size and the SHA-256 of its pointer."""
    headers = {str(name): str(value) for name, value in (action.get("header") or {}).items()}
    async with session.get(action["href"], headers=headers, allow_redirects=False) as answer:
        data = await answer.content.read(size + 1)
        while len(data) <= size and (piece := await answer.content.read(size + 1 - len(data))):
            data += piece
    if len(data) == size and hashlib.sha256(data).hexdigest() == oid:
        target.write_bytes(data)


def _may_be_asked(url: str, href: str) -> bool:
    """Whether a download's address is one that the repository's server may send us to."""
    home, there = urlsplit(url), urlsplit(href)
    if is_loopback(there.hostname or ""):
        return is_loopback(home.hostname or "")
    return there.scheme == "https" and bool(there.hostname)
