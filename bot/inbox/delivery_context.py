"""What every answer to a delivery needs: who may ask, what runs on a thread, comments that are never doubled.

Every step may be done again after a crash: a comment is an effect with a key of its own, a reaction given
twice is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

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
from bot.github.http.scope import Purpose
from bot.github.permissions import may_ask
from bot.inbox.decision import CLOSED_PULL, NOT_MINE, AppIdentity, may_change
from bot.inbox.payload import pull_thread
from bot.moderation.rules import RuleModerator
from bot.moderation.verdict import Moderator
from bot.tasks.database.tables import DeliveryState
from bot.tasks.effects import Effects
from bot.tasks.safety.limits import RequestLimits
from bot.tasks.safety.records import EVERYWHERE, Block
from bot.tasks.store import Store
from bot.text.fit import add_mark
from bot.text.json_fields import BadPayload
from bot.text.redact import Redactor

log = structlog.get_logger(__name__)

BLOCKED = "blocked"  # the reason of a refusal to somebody whose requests are not taken

# How a delivery ended, and why.
DeliveryEnd = tuple[DeliveryState, str]
# Deletes a branch that is still at a commit: api, repository, branch, commit. Raises UserError.
RemoveBranch = Callable[[RepoApi, Repo, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorConfig:
    """What the operator decided.

    That is the label that asks for work and whether it is made where it is missing, whether discussions are
    answered, the dashboard's address,
    US dollars for an installation in 24 hours (None: no limit), and the settings that may be shown on GitHub,
    as (value, where it comes from) by name; the models that a run may use. ``safe`` takes secrets out of a
    comment. ``limits`` are what anybody may ask for, ``holds_first_requests`` whether somebody's first
    request in a public repository waits for a maintainer, ``moderator`` judges what is asked, ``contact`` is
    where people reach the operator, '' for nowhere.
    """

    label: str = "hob"
    create_label: bool = False
    discussions: bool = False
    base_url: str = ""
    daily_usd: float | None = None
    public_settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    allowed_models: frozenset[str] = frozenset()
    safe: Callable[[str], str] = field(default_factory=lambda: Redactor().text)
    limits: RequestLimits = field(default_factory=RequestLimits)
    holds_first_requests: bool = False
    moderator: Moderator = field(default_factory=RuleModerator)
    contact: str = ""


class DeliveryContext:
    """Who the bot is, the store, GitHub, and the ways to answer on a thread.

    It holds no state of a delivery, so any number of them may be answered through it at once.
    """

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
        self.effects = Effects(store)

    def api(self, event: Event, *, talking: Purpose = Purpose.TALK) -> RepoApi:
        """The API of the event's repository, with a token for the purpose ``talking``."""
        if event.repo is None:
            raise BadPayload("repository", "is missing")
        repo = event.repo
        return self.github.for_repo(event.installation, repo.id, repo.owner, repo.name, talking=talking)

    async def check_permission(self, api: RepoApi, event: Event) -> Permission | Refusal:
        """The sender's permission when it is enough to ask for work, else the refusal to send.

        GitHub is not asked about people who are blocked.
        """
        if event.sender is None or event.repo is None:
            raise BadPayload("sender", "is missing")
        if block := await self.store.find_block(event.sender.id, event.repo.id):
            return self._render_block(block, event.repo)
        return await may_ask(api.permissions, event.sender, event.repo, bots=self.app.bots)

    def _render_block(self, block: Block, repo: Repo) -> Refusal:
        """The answer to a blocked person, once on a thread."""
        if block.scope == EVERYWHERE:
            message = f"I take no requests from `{block.login}`: whoever runs this Hob decided so."
        else:
            message = (
                f"I take no requests from `{block.login}` in `{repo.full_name}`: a maintainer decided so."
            )
        return Refusal(reason=BLOCKED, message=message + self.render_appeal())

    def render_appeal(self) -> str:
        """How to reach the operator, as a sentence that follows another; '' where no contact is set."""
        contact = self.operator.contact
        return (
            f" If you think that this is a mistake, write to who runs this Hob: {contact}" if contact else ""
        )

    async def list_open_tasks(self, event: Event) -> list[Task]:
        """The tasks that run or wait on the thread and are not being cancelled, the oldest first."""
        tasks = await self.store.list_tasks_on(thread_key(event))
        return [task for task in tasks if task.state not in TERMINAL and not task.cancel_asked]

    async def add_branch(self, api: RepoApi, asked: Request) -> Request | Refusal:
        """The request with its pull request's branch, which the event of a plain comment does not have.

        A refusal when the pull request is closed or not one that Hob may change.
        """
        event = asked.event
        if asked.kind is not TaskKind.REVISE or event.thread is None or event.repo is None:
            return asked
        pull = await api.pulls.get(event.thread.number)
        now = pull_thread(pull)
        if not may_change(now, self.app, event.repo.id):
            return NOT_MINE
        if not pull.is_open:
            return CLOSED_PULL
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

    async def comment(self, api: RepoApi, event: Event, key: str, text: str) -> Comment:
        """Write a comment on the thread, at most one for each key; returns it."""
        if event.thread is None:
            raise BadPayload("thread", "is missing")
        talk = api.talk(event.thread)

        async def find() -> Comment | None:
            return await talk.find_comment(key)

        async def do() -> Comment:
            return await talk.create_comment(add_mark(text, key))

        return await self.effects.once_as(Comment, key, EffectKind.COMMENT, find=find, do=do)

    async def react(self, api: RepoApi, event: Event, content: str) -> None:
        """React to what was said. A refusal by GitHub is only logged, since the work is stored already.

        While the installation is short of requests there is none: the comment comes anyway.
        """
        trigger, thread = event.trigger, event.thread
        if trigger is None or thread is None or api.is_crowded:
            return
        try:
            await api.talk(thread).react(trigger, content)
        except UserError as refused:
            log.warning("delivery.no_reaction", reason=refused.message)


def thread_key(event: Event) -> str:
    """The name of an event's thread in the store, such as ``1234#7``."""
    return f"{event.repo.id if event.repo else 0}#{event.thread.number if event.thread else 0}"


def make_person_key(event: Event, what: str) -> str:
    """The key of a comment that its sender gets once on a thread."""
    return f"{what}:{thread_key(event)}:{event.sender.id if event.sender else 0}"
