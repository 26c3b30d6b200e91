"""Who may ask: people who may write to the repository, as GitHub itself says when it is asked.

The answer counts for the account that asked, by its id: a login can become somebody else's meanwhile.
Never by ``author_association``, which is wrong for private members and says COLLABORATOR for readers.
When GitHub cannot be asked the answer is not yes: the error goes up and the delivery is looked at again.
GitHub knows no permission of bots: those may ask whose account's id the operator names, and not in a loop.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Protocol

from bot.domain import Permission, Person, Refusal, Repo, Task

NO_PERMISSION = "no write permission"
MOST_OF_BOTS = 3  # tasks in a row on one thread that bots asked for, no person between


class Permissions(Protocol):
    """The part of a repository's API that is needed here."""

    async def permission(self, login: str, account: int = 0) -> Permission:
        """What a person may do in the repository, if ``login`` is still the name of that ``account``."""
        ...


class Roles(Protocol):
    """The same, for what takes a maintainer."""

    async def maintains(self, login: str, account: int = 0) -> bool:
        """Whether the person has the role Maintain or Admin."""
        ...


async def may_ask(
    api: Permissions, person: Person, repo: Repo, *, bots: Container[int] = ()
) -> Permission | Refusal:
    """The person's permission when it is enough, else what they are told; ``bots`` are ids that may ask."""
    if person.is_bot and person.id in bots:
        return Permission.WRITE
    permission = await api.permission(person.login, person.id)
    return permission if permission.may_write else render_refusal(permission, repo)


async def may_release(api: Roles, person: Person, repo: Repo) -> Refusal | None:
    """Why a person may not release what is held back, None when they may. No bot may."""
    if not person.is_bot and await api.maintains(person.login, person.id):
        return None
    return Refusal(
        reason="no maintain permission",
        message=f"Only people with the *Maintain* or *Admin* role in `{repo.full_name}` may release what I "
        "held back, so I left it where it is. Everything else you may ask of me as before.",
    )


def detect_bot_loop(sender: Person | None, tasks: Sequence[Task]) -> Refusal | None:
    """Why a bot's request makes no task more on a thread with these ``tasks``, the oldest first."""
    if sender is None or not sender.is_bot:
        return None
    lately = tasks[-MOST_OF_BOTS:]
    if len(lately) < MOST_OF_BOTS or not all(task.requester.is_bot for task in lately):
        return None
    return Refusal(
        reason="bots among themselves",
        message=f"The last {MOST_OF_BOTS} requests on this thread came from bots, so I stop here until a "
        "person asks.",
    )


def render_refusal(permission: Permission, repo: Repo) -> Refusal:
    """The polite no: who may ask, and how that is granted."""
    has = "no access" if permission is Permission.NONE else f"`{permission.value}` access"
    return Refusal(
        reason=NO_PERMISSION,
        message=f"Thank you for asking, but I only take work from people who may write to "
        f"`{repo.full_name}`, and you have {has}. An admin of the repository can change that under "
        "*Settings → Collaborators and teams* (the *Write* role is enough); then mention me again.",
    )
