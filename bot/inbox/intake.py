"""Everything that happens to one delivery in a worker: parse, decide, ask GitHub who may, act.

Every step may be done again after a crash: a task is unique for its delivery, a comment is an effect with a
key of its own, a reaction given twice is one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog

from bot.domain import (
    TERMINAL,
    Asked,
    EffectKind,
    Event,
    Permission,
    Refusal,
    Task,
    TaskKind,
    TaskState,
    TriggerKind,
)
from bot.errors import UserError
from bot.github.app import GitHub, RepoApi
from bot.github.fit import marked
from bot.inbox import replies
from bot.inbox.commands import Word
from bot.inbox.decision import (
    NOT_MINE,
    AppIdentity,
    CheckFailed,
    Command,
    Ignored,
    Uninstalled,
    may_change,
    review_of,
)
from bot.inbox.failing import judge
from bot.inbox.orders import order, status
from bot.inbox.payload import parse, pull_thread
from bot.inbox.policy import may_ask
from bot.inbox.reading import BadPayload
from bot.inbox.routes import decide
from bot.tasks.effects import Effects
from bot.tasks.store import Store
from bot.tasks.tables import DeliveryState

log = structlog.get_logger(__name__)

# How a delivery ended, and why.
Ending = tuple[DeliveryState, str]
PAGE = 200


class Intake:
    """Takes deliveries one by one; any number of workers may do so at once.

    ``label`` is the one that asks for work when it is set on an issue, ``base_url`` the dashboard's.
    """

    def __init__(
        self, store: Store, github: GitHub, app: AppIdentity, *, label: str = "hob", base_url: str = ""
    ) -> None:
        self._store = store
        self._github = github
        self._app = app
        self._label = label
        self._base_url = base_url
        self._effects = Effects(store)

    async def take(self, guid: str) -> None:
        """Handle a stored delivery to its end; one that is unknown or ended already is left alone.

        Raises ``Retry`` and ``Parked`` when GitHub cannot be asked now: nothing is granted meanwhile.
        """
        delivery = await self._store.delivery(guid)
        if delivery is None or delivery.state is not DeliveryState.NEW:
            return
        try:
            state, reason = await self._handle(parse(guid, delivery.event, delivery.body))
        except BadPayload as bad:
            state, reason = DeliveryState.REJECTED, str(bad)
        except UserError as trouble:
            state, reason = DeliveryState.FAILED, trouble.message
        log.info("delivery.taken", delivery=guid, github_event=delivery.event, state=state, reason=reason)
        await self._store.finish_delivery(guid, state, reason)

    async def _handle(self, event: Event) -> Ending:
        decision = decide(event, app=self._app, label=self._label)
        match decision:
            case Ignored():
                return DeliveryState.IGNORED, decision.reason
            case Uninstalled():
                return await self._uninstalled(decision)
            case CheckFailed():
                return await self._failed(decision)
        if not event.installation:
            return DeliveryState.IGNORED, "it names no installation of the app"
        api = self._api(event)
        match decision:
            case Refusal():
                return await self._refuse(api, event, decision)
            case Command(word=Word.STOP):
                return await self._stop(api, event)
            case Command(word=Word.HELP):
                return await self._help(api, event)
            case Command(word=Word.STATUS):
                return await self._status(api, event)
            case Command():
                return await self._order(api, event, decision)
        return await self._accept(api, decision)

    async def _failed(self, decision: CheckFailed) -> Ending:
        """A failing check asks for itself when the pull request broke it."""
        if not decision.event.installation:
            return DeliveryState.IGNORED, "it names no installation of the app"
        api = self._api(decision.event)
        asked = await judge(decision, api, self._store, self._app)
        if isinstance(asked, Ignored):
            return DeliveryState.IGNORED, asked.reason
        if isinstance(asked, Refusal):
            return await self._refuse(api, decision.event, asked)
        return await self._accept(api, asked)

    async def _accept(self, api: RepoApi, asked: Asked) -> Ending:
        """Store the task, or hand the words to the one that is open on the thread, and show that it was
        seen.
        """
        allowed = await self._allowed(api, asked.event)
        if isinstance(allowed, Refusal):
            return await self._refuse(api, asked.event, allowed)
        complete = await self._complete(api, asked)
        if isinstance(complete, Refusal):
            return await self._refuse(api, asked.event, complete)
        reason = await self._stored(complete, allowed)
        await self._react(api, complete.event, "eyes")
        return DeliveryState.HANDLED, reason

    async def _complete(self, api: RepoApi, asked: Asked) -> Asked | Refusal:
        """With the branch of the pull request, which the event of a plain comment does not tell."""
        event = asked.event
        if asked.kind is not TaskKind.REVISE or event.thread is None or event.repo is None:
            return asked
        pull = await api.pull(event.thread.number)
        now = pull_thread(pull)
        if not may_change(now, self._app, event.repo.id):
            return NOT_MINE
        if pull.get("state") != "open":
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

    async def _stored(self, asked: Asked, permission: Permission) -> str:
        event = asked.event
        assert event.trigger is not None  # noqa: S101  what was asked has a trigger
        if steered := await self._store.steered(event.delivery):  # before a crash, or a reaction that failed
            return f"steers task {steered}"
        trigger, open_tasks = event.trigger, await self._open_tasks(event)
        if part_of := await self._same_review(event):
            return f"part of task {part_of}"
        seen = (trigger.kind, trigger.id, trigger.at)
        ours = [task for task in open_tasks if (task.trigger.kind, task.trigger.id, task.trigger.at) == seen]
        if not ours and open_tasks:
            running = open_tasks[-1]
            if trigger.kind in (TriggerKind.LABEL, TriggerKind.CHECK):
                return f"task {running.id} is at it already"
            if await self._store.steer(running.id, trigger, permission, delivery=event.delivery):
                return f"steers task {running.id}"
        return f"task {(await self._store.add_task(asked)).id}"

    async def _same_review(self, event: Event) -> int:
        """The task that an event of the same review made, 0 without one: it reads all of its comments."""
        review = review_of(event.trigger)
        tasks = await self._store.tasks_on(_thread_key(event)) if review else []
        return next((t.id for t in tasks if review_of(t.trigger) == review and t.trigger != event.trigger), 0)

    async def _stop(self, api: RepoApi, event: Event) -> Ending:
        allowed = await self._allowed(api, event)
        if isinstance(allowed, Refusal):
            return await self._refuse(api, event, allowed)
        open_tasks = await self._open_tasks(event)
        for task in open_tasks:
            await self._store.ask_cancel(task.id)
        if open_tasks:
            await self._react(api, event, "+1")
        else:
            await self._comment(api, event, f"idle:{event.delivery}", replies.NOTHING_TO_STOP)
        return DeliveryState.HANDLED, f"stopped {len(open_tasks)} tasks"

    async def _help(self, api: RepoApi, event: Event) -> Ending:
        text = replies.help_text(self._app.slug, self._label)
        await self._comment(api, event, _once_for(event, "help"), text)
        return DeliveryState.HANDLED, "told about help"

    async def _status(self, api: RepoApi, event: Event) -> Ending:
        allowed = await self._allowed(api, event)
        if isinstance(allowed, Refusal):
            return await self._refuse(api, event, allowed)
        text = await status(self._store, event, base_url=self._base_url)
        await self._comment(api, event, f"status:{event.delivery}", text)
        return DeliveryState.HANDLED, "told how it stands"

    async def _order(self, api: RepoApi, event: Event, command: Command) -> Ending:
        """``retry``, ``try`` and ``use``: a task of its own, or why there is none."""
        allowed = await self._allowed(api, event)
        if isinstance(allowed, Refusal):
            return await self._refuse(api, event, allowed)
        if event.thread and event.thread.is_pull and event.repo:
            pull = pull_thread(await api.pull(event.thread.number))
            if not may_change(pull, self._app, event.repo.id):
                return await self._refuse(api, event, NOT_MINE)
        if known := await self._store.task_of_delivery(event.delivery):  # before a crash
            return DeliveryState.HANDLED, f"task {known.id}"
        asked = await order(self._store, event, command, slug=self._app.slug)
        if isinstance(asked, str):
            await self._comment(api, event, f"{command.word.value}:{event.delivery}", asked)
            return DeliveryState.HANDLED, f"no {command.word.value}: {asked}"[:200]
        complete = await self._complete(api, asked)
        if isinstance(complete, Refusal):
            return await self._refuse(api, event, complete)
        task = await self._store.add_task(complete)
        await self._react(api, event, "eyes")
        return DeliveryState.HANDLED, f"task {task.id}"

    async def _refuse(self, api: RepoApi, event: Event, refusal: Refusal) -> Ending:
        """Say no, once to a person on a thread for each reason."""
        key = _once_for(event, refusal.reason.replace(" ", "-"))
        await self._comment(api, event, key, refusal.message)
        return DeliveryState.HANDLED, f"refused: {refusal.reason}"

    async def _uninstalled(self, gone: Uninstalled) -> Ending:
        self._github.forget(gone.installation)
        cancelled = 0
        for state in (state for state in TaskState if state not in TERMINAL):
            before: int | None = None
            while page := await self._store.tasks(PAGE, before=before, state=state):
                before = page[-1].id
                for task in (task for task in page if task.installation == gone.installation):
                    await self._store.ask_cancel(task.id)
                    cancelled += 1
        return DeliveryState.HANDLED, f"{gone.reason}: {cancelled} tasks cancelled"

    async def _allowed(self, api: RepoApi, event: Event) -> Permission | Refusal:
        if event.sender is None or event.repo is None:
            raise BadPayload("sender", "is missing")
        return await may_ask(api, event.sender, event.repo)

    async def _open_tasks(self, event: Event) -> list[Task]:
        tasks = await self._store.tasks_on(_thread_key(event))
        return [task for task in tasks if task.state not in TERMINAL and not task.cancel_asked]

    async def _comment(self, api: RepoApi, event: Event, key: str, text: str) -> None:
        number = event.thread.number if event.thread else 0

        async def find() -> dict[str, Any] | None:
            return await api.find_comment(number, key)

        async def do() -> dict[str, Any]:
            return await api.comment(number, marked(text, key))

        await self._effects.once(key, EffectKind.COMMENT, find=find, do=do)

    async def _react(self, api: RepoApi, event: Event, content: str) -> None:
        """A sign on what was said. Not having given it is no reason to fail: the work is stored."""
        trigger, thread = event.trigger, event.thread
        if trigger is None or thread is None:
            return
        try:
            await api.react(trigger.kind, trigger.id, thread.number, content)
        except UserError as refused:
            log.warning("delivery.no_reaction", reason=refused.message)

    def _api(self, event: Event) -> RepoApi:
        if event.repo is None:
            raise BadPayload("repository", "is missing")
        return self._github.for_repo(event.installation, event.repo.id, event.repo.owner, event.repo.name)


def _thread_key(event: Event) -> str:
    return f"{event.repo.id if event.repo else 0}#{event.thread.number if event.thread else 0}"


def _once_for(event: Event, what: str) -> str:
    """The key of a comment that a person gets once on a thread."""
    return f"{what}:{_thread_key(event)}:{event.sender.id if event.sender else 0}"
