"""Who may do what in a repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain import Permission
from bot.github.repository import Repository
from bot.github.responses import NotFound


class People(Repository):
    """Permissions of people."""

    async def permission(self, login: str, account: int = 0) -> Permission:
        """What a person may do; an account that GitHub does not know may do nothing.

        Nothing may one whose id is not ``account`` either, where that is given: its login was somebody
        else's. Every other failure raises: no answer is never a permission. GitHub folds ``maintain`` into
        ``write`` and ``triage`` into ``read``; a word not known here counts as none.
        https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
        """
        if not login:
            return Permission.NONE
        try:
            answer = await self._get("/collaborators/{login}/permission", login=login)
        except NotFound:
            return Permission.NONE
        if not _is_about(answer, account):
            return Permission.NONE
        try:
            return Permission(answer["permission"])
        except ValueError:
            return Permission.NONE

    async def maintains(self, login: str, account: int = 0) -> bool:
        """Whether a person has the role Maintain or Admin, or one that the organisation made of these.

        Nobody has whose id is not ``account``, as with ``permission``.

        ``permission`` says ``write`` for Maintain; ``role_name`` and the flags of ``user`` tell it apart.
        """
        if not login:
            return False
        try:
            answer = await self._get("/collaborators/{login}/permission", login=login)
        except NotFound:
            return False
        if not _is_about(answer, account):
            return False
        if answer.get("permission") != "write":
            return bool(answer.get("permission") == "admin")
        flags = (answer.get("user") or {}).get("permissions") or {}
        return answer.get("role_name") == "maintain" or flags.get("maintain") is True


def _is_about(answer: Mapping[str, Any], account: int) -> bool:
    return not account or (answer.get("user") or {}).get("id") == account
