"""Branches and files, read only: git pushes them."""

from __future__ import annotations

import base64

from bot.github.repository import Repository
from bot.github.responses import NotFound


class Branches(Repository):
    """Where branches stand, and single files of a commit."""

    async def branch_head(self, branch: str) -> str | None:
        """The commit of a branch, None when there is no such branch.

        https://docs.github.com/en/rest/branches/branches#get-a-branch
        """
        try:
            found = await self._get("/branches/{branch}", branch=branch)
        except NotFound:
            return None
        return str(found["commit"]["sha"])

    async def file_at(self, path: str, commit: str) -> bytes | None:
        """A file's content at a commit, None when there is no such file; at most 1 MB.

        https://docs.github.com/en/rest/repos/contents#get-repository-content
        """
        try:
            found = await self._get("/contents/{+file}{?ref}", file=path, ref=commit)
        except NotFound:
            return None
        if not isinstance(found, dict) or found.get("encoding") != "base64":
            return None
        return base64.b64decode(found["content"])
