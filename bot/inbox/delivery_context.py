"""What every answer to a delivery needs: who may ask, what runs on a thread, a voice that repeats nothing.

Every step may be done again after a crash: a comment is an effect with a key of its own, a reaction given
twice is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from bot.domain import (
    TERMINAL,
    EffectKind,
    Event,
    Permission,
    Refusal,
    Repo,
    Request,
    Task,
    TaskKind,
    TriggerKind,
)
from bot.errors import UserError
from bot.github.answers import Comment
from bot.github.app import GitHub, RepoApi
from bot.github.permissions import NO_PERMISSION, may_ask
from bot.inbox.commands import help as replies
from bot.inbox.decision import NOT_MINE, AppIdentity, may_change
from bot.inbox.payload import pull_thread
from bot.tasks.database.tables import DeliveryState
from bot.tasks.effects import Effects
from bot.tasks.store import Store
from bot.text.fit import add_mark
from bot.text.json_fields import BadPayload
from bot.text.redact import Redactor

log = structlog.get_logger(__name__)

# How a delivery ended, and why.
Ending = tuple[DeliveryState, str]
# Takes a branch away that is still at a commit: api, repository, branch, commit. Raises UserError.
RemoveBranch = Callable[[RepoApi, Repo, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorConfig:
    """What the operator decided: the label that asks for work, the dashboard's address, US dollars for an
    installation in 24 hours (None: no limit), and the settings that people may see, as (value, where it comes
    from) by name. ``safe`` takes secrets out of what is said.
    """

    label: str = "hob"
    base_url: str = ""
    daily_usd: float | None = None
    shown: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    safe: Callable[[str], str] = field(default_factory=lambda: Redactor().text)


class DeliveryContext:
    """One repository's deliveries are answered through this; any number of workers may do so at once."""

    def __init__(
        self,
        store: Store,
        github: GitHub,
        app: AppIdentity,
        operator: OperatorConfig,
        remove_branch: RemoveBranch | None = None,
    ) -> None:
        self.store, self.github, self.app, self.operator = store, github, app, operator
        self.remove_branch = remove_branch
        self._effects = Effects(store)

    def api(self, event: Event) -> RepoApi:
        """The repository that an event is about."""
        if event.repo is None:
            raise BadPayload("repository", "is missing")
        return self.github.for_repo(event.installation, event.repo.id, event.repo.owner, event.repo.name)

    async def allowed(self, api: RepoApi, event: Event) -> Permission | Refusal:
        """What the sender may do when it is enough to ask, else the polite no."""
        if event.sender is None or event.repo is None:
            raise BadPayload("sender", "is missing")
        return await may_ask(api.permissions, event.sender, event.repo, bots=self.app.bots)

    async def open_tasks(self, event: Event) -> list[Task]:
        """What runs or waits on the thread, the oldest first."""
        tasks = await self.store.tasks_on(thread_key(event))
        return [task for task in tasks if task.state not in TERMINAL and not task.cancel_asked]

    async def complete(self, api: RepoApi, asked: Request) -> Request | Refusal:
        """With the branch of the pull request, which the event of a plain comment does not tell."""
        event = asked.event
        if asked.kind is not TaskKind.REVISE or event.thread is None or event.repo is None:
            return asked
        pull = await api.pulls.get(event.thread.number)
        now = pull_thread(pull)
        if not may_change(now, self.app, event.repo.id):
            return NOT_MINE
        if not pull.is_open:
            return replies.CLOSED
        if event.trigger is not None and event.trigger.kind is TriggerKind.CHECK:
            return replace(asked, event=replace(event, thread=now))
        thread = replace(
            event.thread,
            head_ref=now.head_ref,
            head_sha=now.head_sha,
            head_repo_id=now.head_repo_id,
            base_ref=now.base_ref,
        )
        return replace(asked, event=replace(event, thread=thread))

    async def refuse(self, api: RepoApi, event: Event, refusal: Refusal) -> Ending:
        """Say no, once to a person on a thread for each reason.

        To people without permission a thread says it once a day: the others get a reaction, so that nobody
        can make Hob fill a thread.
        """
        ending = DeliveryState.HANDLED, f"refused: {refusal.reason}"
        key = once_for(event, refusal.reason.replace(" ", "-"))
        if refusal.reason != NO_PERMISSION:
            await self.comment(api, event, key, refusal.message)
            return ending
        known = await self._effects.get(key)
        if known is None or not known.done:
            today = f"no-permission:{thread_key(event)}:{datetime.now(UTC).date()}"
            told = await self._effects.get(today)
            await self._effects.once_as(
                Comment,
                key,
                EffectKind.COMMENT,
                find=None,
                do=lambda: self.comment(api, event, today, refusal.message),
            )
            if told is not None and told.done:
                await self.react(api, event, "confused")
        return ending

    async def comment(self, api: RepoApi, event: Event, key: str, text: str) -> Comment:
        """Have a comment stand on the thread, one for each key."""
        number = event.thread.number if event.thread else 0

        async def find() -> Comment | None:
            return await api.issues.find_comment(number, key)

        async def do() -> Comment:
            return await api.issues.create_comment(number, add_mark(text, key))

        return await self._effects.once_as(Comment, key, EffectKind.COMMENT, find=find, do=do)

    async def react(self, api: RepoApi, event: Event, content: str) -> None:
        """A sign on what was said. Not having given it is no reason to fail: the work is stored."""
        trigger, thread = event.trigger, event.thread
        if trigger is None or thread is None:
            return
        try:
            await api.issues.react(trigger.kind, trigger.id, thread.number, content)
        except UserError as refused:
            log.warning("delivery.no_reaction", reason=refused.message)


def thread_key(event: Event) -> str:
    """The name of an event's thread in the store."""
    return f"{event.repo.id if event.repo else 0}#{event.thread.number if event.thread else 0}"


def once_for(event: Event, what: str) -> str:
    """The key of a comment that a person gets once on a thread."""
    return f"{what}:{thread_key(event)}:{event.sender.id if event.sender else 0}"
