"""Branches, read only: git pushes them."""

from __future__ import annotations

from bot.github.answers import NotFound
from bot.github.repository import Repository


class Branches(Repository):
    """Where branches stand."""

    async def branch_head(self, branch: str) -> str | None:
        """The commit of a branch, None when there is no such branch.

        https://docs.github.com/en/rest/branches/branches#get-a-branch
        """
        try:
            found = await self._get("/branches/{branch}", branch=branch)
        except NotFound:
            return None
        return str(found["commit"]["sha"])
