"""Who may do what in a repository."""

from __future__ import annotations

from bot.domain import Permission
from bot.github.answers import NotFound
from bot.github.repository import Repository


class People(Repository):
    """Permissions of people."""

    async def permission(self, login: str) -> Permission:
        """What a person may do; an account that GitHub does not know may do nothing.

        Every other failure raises: no answer is never a permission. GitHub folds ``maintain`` into
        ``write`` and ``triage`` into ``read``; a word not known here counts as none.
        https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
        """
        if not login:
            return Permission.NONE
        try:
            answer = await self._get("/collaborators/{login}/permission", login=login)
        except NotFound:
            return Permission.NONE
        try:
            return Permission(answer["permission"])
        except ValueError:
            return Permission.NONE
