"""Who may ask: people who may write to the repository, as GitHub says each time.

The answer counts for the account that asked, by its id: a login can become somebody else's meanwhile.
Never by ``author_association``, which is wrong for private members and says COLLABORATOR for readers.
When GitHub cannot be asked the answer is not yes: the error goes up and the delivery is looked at again.
GitHub knows no permission of bots: those may ask whose account's id the operator names, and not in a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Protocol, TypeVar

from bot.domain import Permission, Person, Refusal, Repo, Task
from bot.domain.check_trigger import is_automatic
from bot.github.answers import parse
from bot.github.http.responses import NotFound
from bot.github.repository import Repository
from bot.text.json_fields import Fields

Read = TypeVar("Read")

NOT_A_USER = "is not a user"  # GitHub's words in the 404 about an account that there is not
NO_PERMISSION = "no write permission"
MOST_OF_BOTS = 3  # tasks in a row on one thread that bots asked for, no person between


class ReadsPermission(Protocol):
    """Says what a person may do in a repository."""

    async def get(self, login: str, account: int = 0) -> Permission:
        """What a person may do in the repository, if ``login`` is still the name of that ``account``."""
        ...


class ReadsRole(Protocol):
    """Says who is a maintainer of a repository."""

    async def is_maintainer(self, login: str, account: int = 0) -> bool:
        """Whether the person has the role Maintain or Admin."""
        ...


class Permissions(Repository):
    """The permissions of people, read from GitHub each time they are needed."""

    async def get(self, login: str, account: int = 0) -> Permission:
        """What a person may do; an account that GitHub does not know may do nothing.

        ``account`` is the id that ``login`` must still belong to, 0 where none is known: a person with any
        other id may do nothing either. Every other failure raises, a 404 that does not speak of the account
        too: no answer is neither a permission nor a refusal. GitHub folds
        ``maintain`` into ``write`` and ``triage`` into ``read``; a value not known here counts as none.
        https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
        """
        return await self._read(login, account, _permission) or Permission.NONE

    async def is_maintainer(self, login: str, account: int = 0) -> bool:
        """Whether a person has the role Maintain or Admin, or one that the organisation made of these.

        GitHub's ``permission`` says ``write`` for Maintain; ``role_name`` and the flags of ``user`` tell it
        apart. ``account`` is checked as in ``get``.
        """
        return await self._read(login, account, _maintains) or False

    async def find_person(self, login: str) -> Person | None:
        """The account that has this login now; None when GitHub knows none."""
        return await self._read(login, 0, lambda answer: _person(answer, login))

    async def _read(self, login: str, account: int, build: Callable[[Fields], Read]) -> Read | None:
        """What ``build`` makes of GitHub's answer about a person, None when it is about nobody or another."""
        if not login:
            return None
        try:
            answer = await self._get("/collaborators/{login}/permission", login=login)
        except NotFound as missing:
            if NOT_A_USER not in missing.message:
                raise
            return None

        def build_if_same(found: Fields) -> Read | None:
            user = found.maybe("user")
            known = user.number("id", 0) if user else 0
            return build(found) if not account or known == account else None

        return parse(answer, "permission", build_if_same)


def _permission(answer: Fields) -> Permission:
    name = answer.text("permission")
    return Permission(name) if name in set(Permission) else Permission.NONE


def _person(answer: Fields, login: str) -> Person | None:
    user = answer.maybe("user")
    if user is None:
        return None
    is_bot = user.text("type", "User") == "Bot"
    return Person(id=user.number("id"), login=user.text("login", login), is_bot=is_bot)


def _maintains(answer: Fields) -> bool:
    permission = answer.text("permission", "")
    if permission != "write":
        return permission == "admin"
    user = answer.maybe("user")
    flags = user.maybe("permissions") if user else None
    return answer.text("role_name", "") == "maintain" or bool(flags and flags.flag("maintain"))


async def may_ask(
    api: ReadsPermission, person: Person, repo: Repo, *, bots: Container[int] = ()
) -> Permission | Refusal:
    """The person's permission where it suffices, else the refusal; ``bots`` are ids that may ask."""
    if person.is_bot and person.id in bots:
        return Permission.WRITE
    permission = await api.get(person.login, person.id)
    return permission if permission.may_write else render_refusal(permission, repo)


async def may_release(api: ReadsRole, person: Person, repo: Repo) -> Refusal | None:
    """Why a person may not release what is held back, None when they may. No bot may."""
    if not person.is_bot and await api.is_maintainer(person.login, person.id):
        return None
    return Refusal(
        reason="no maintain permission",
        message=f"Only people with the *Maintain* or *Admin* role in `{repo.full_name}` may release what I "
        "held back, so I left it where it is. Everything else you may ask of me as before.",
    )


async def may_manage_people(api: ReadsRole, person: Person, repo: Repo) -> Refusal | None:
    """Why a person may not decide who else may ask in a repository, None when they may. No bot may."""
    if not person.is_bot and await api.is_maintainer(person.login, person.id):
        return None
    return Refusal(
        reason="no maintain permission",
        message=f"Only people with the *Maintain* or *Admin* role in `{repo.full_name}` may say from whom I "
        "take requests there.",
    )


def detect_bot_loop(sender: Person | None, tasks: Sequence[Task]) -> Refusal | None:
    """Why a bot's request makes no task more on a thread with these ``tasks``, the oldest first.

    What a failing check asked for, which stands in a person's name, is no person's request between.
    """
    if sender is None or not sender.is_bot:
        return None
    lately = [task for task in tasks if not is_automatic(task)][-MOST_OF_BOTS:]
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
