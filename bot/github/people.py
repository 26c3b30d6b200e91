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

    async def maintains(self, login: str) -> bool:
        """Whether a person has the role Maintain or Admin, or one that the organisation made of these.

        ``permission`` says ``write`` for Maintain; ``role_name`` and the flags of ``user`` tell it apart.
        """
        if not login:
            return False
        try:
            answer = await self._get("/collaborators/{login}/permission", login=login)
        except NotFound:
            return False
        if answer.get("permission") != "write":
            return bool(answer.get("permission") == "admin")
        flags = (answer.get("user") or {}).get("permissions") or {}
        return answer.get("role_name") == "maintain" or flags.get("maintain") is True
