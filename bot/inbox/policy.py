"""Who may ask: people who may write to the repository, as GitHub itself says when it is asked.

Never by ``author_association``, which is wrong for private members and says COLLABORATOR for readers.
When GitHub cannot be asked the answer is not yes: the error goes up and the delivery is looked at again.
"""

from __future__ import annotations

from typing import Protocol

from bot.domain import Permission, Person, Refusal, Repo


class Permissions(Protocol):
    """The part of a repository's API that is needed here."""

    async def permission(self, login: str) -> Permission:
        """What a person may do in the repository."""
        ...


async def may_ask(api: Permissions, person: Person, repo: Repo) -> Permission | Refusal:
    """The person's permission when it is enough, else what they are told."""
    permission = await api.permission(person.login)
    return permission if permission.may_write else refusal(permission, repo)


def refusal(permission: Permission, repo: Repo) -> Refusal:
    """The polite no: who may ask, and how that is granted."""
    has = "no access" if permission is Permission.NONE else f"`{permission.value}` access"
    return Refusal(
        reason="no write permission",
        message=f"Thank you for asking, but I only take work from people who may write to "
        f"`{repo.full_name}`, and you have {has}. An admin of the repository can change that under "
        "*Settings → Collaborators and teams* (the *Write* role is enough); then mention me again.",
    )
