"""``@hob block LOGIN``, ``unblock`` and ``admit``: maintainers decide from whom requests are taken.

What is decided holds for the account by its number, in this repository alone. An operator decides for all
repositories with ``hob block``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain import Person, Repo
from bot.errors import UserError
from bot.github.app import RepoApi
from bot.github.permissions import may_manage_people
from bot.inbox.decision import Command
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd
from bot.inbox.refusals import refuse
from bot.tasks.database.tables import DeliveryState
from bot.tasks.safety.records import EVERYWHERE, name_repository

BLOCKED_BY_MAINTAINER = "its requester was blocked by a maintainer"


@dataclass(frozen=True, slots=True)
class PeopleCommand:
    """A maintainer's decision about somebody; ``decide`` carries it out and returns what is commented."""

    decide: Callable[[DeliveryContext, RepoApi, Command, Person, Repo], Awaitable[str]]

    async def __call__(self, context: DeliveryContext, api: RepoApi, command: Command) -> DeliveryEnd:
        """Decide and comment what was done, once for each delivery; UserErrors are answers too."""
        event = command.event
        if event.sender is None or event.repo is None:
            return DeliveryState.IGNORED, "nobody sent it"
        if no := await may_manage_people(api.permissions, event.sender, event.repo):
            return await refuse(context, api, event, no)
        try:
            person = await _find_person(context, api, command.login)
            text = await self.decide(context, api, command, person, event.repo)
        except UserError as trouble:
            if trouble.may_pass:
                raise
            text = trouble.message
        await context.comment(api, event, f"{command.word.value}:{event.delivery}", text)
        return DeliveryState.HANDLED, f"{command.word.value}: {command.login}"


async def block_person(
    context: DeliveryContext, api: RepoApi, command: Command, person: Person, repo: Repo
) -> str:
    """Take no more requests of the person here, and end what waits or runs for them."""
    sender = command.event.sender
    if person.id == context.app.bot_id:
        raise UserError("That is me.")
    if sender is not None and person.id == sender.id:
        raise UserError("You would not be able to undo that.")
    if not person.is_bot and await api.permissions.is_maintainer(person.login, person.id):
        raise UserError(
            f"`{person.login}` maintains this repository. Whoever runs this Hob can block them with "
            f"`hob block {person.login} --repository {repo.full_name}`."
        )
    by = sender.login if sender else ""
    new = await context.store.block(name_repository(repo.id), person, by=by)
    ended = await context.store.list_open_tasks_of(person.id, repo.id)
    for task in ended:
        await context.store.ask_cancel(task, why=BLOCKED_BY_MAINTAINER)
    stopped = f" What they had asked for and was not done is stopped: {len(ended)}." if ended else ""
    undo = f"`@{context.app.slug} unblock {person.login}` takes that back."
    said = "I take no requests from" if new else "I took no requests from"
    return f"{said} `{person.login}` in `{repo.full_name}`{'' if new else ' before'}.{stopped} {undo}"


async def unblock_person(
    context: DeliveryContext, api: RepoApi, command: Command, person: Person, repo: Repo
) -> str:
    """Take the person's requests here again."""
    there = await context.store.unblock(name_repository(repo.id), person.id)
    left = await context.store.find_block(person.id, repo.id)
    if left is not None and left.scope == EVERYWHERE:
        return f"`{person.login}` is blocked everywhere: whoever runs this Hob decided so, and can undo it."
    if not there:
        return f"`{person.login}` is not blocked in `{repo.full_name}`."
    return f"I take requests from `{person.login}` in `{repo.full_name}` again, if they may write to it."


async def admit_person(
    context: DeliveryContext, api: RepoApi, command: Command, person: Person, repo: Repo
) -> str:
    """Let the person ask here from now on, and take up what was held of theirs."""
    by = command.event.sender.login if command.event.sender else ""
    held = await context.store.admit(repo.id, person, by=by)
    waiting = {0: "", 1: " I take up what waited."}.get(held, f" I take up the {held} requests that waited.")
    return f"`{person.login}` may ask in `{repo.full_name}` from now on, if they may write to it.{waiting}"


async def _find_person(context: DeliveryContext, api: RepoApi, login: str) -> Person:
    """The account that has a login now. Raises UserError when there is none."""
    person = await api.permissions.find_person(login)
    if person is None:
        raise UserError(
            f"GitHub knows no account `{login}`. If you mean a change to the code, say it in a sentence."
        )
    return person
