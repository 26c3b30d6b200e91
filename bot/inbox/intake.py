"""Everything that happens to one delivery in a worker: parse, decide, ask GitHub who may, act.

Every step may be done again after a crash: a task is unique for its delivery, what is said is said once.
"""

from __future__ import annotations

import structlog

from bot.domain import TERMINAL, Event, Permission, Refusal, Request, TaskState, TriggerKind
from bot.errors import UserError
from bot.github.app import GitHub, RepoApi
from bot.github.permissions import detect_bot_loop
from bot.inbox.commands.config import read_config_in_force
from bot.inbox.commands.run import run_command
from bot.inbox.decision import (
    NO_MENTION,
    AppIdentity,
    CheckFailed,
    Command,
    Ignored,
    UnaddressedComment,
    Uninstalled,
    review_of,
)
from bot.inbox.delivery_context import DeliveryContext, Ending, OperatorConfig, RemoveBranch, thread_key
from bot.inbox.failing_checks import assess_failure
from bot.inbox.payload import parse
from bot.inbox.routes import decide
from bot.inbox.rules.labels import ANOTHER
from bot.tasks.database.tables import DeliveryState
from bot.tasks.store import Store
from bot.text.json_fields import BadPayload

log = structlog.get_logger(__name__)

PAGE = 200


class Intake:
    """Takes deliveries one by one; any number of workers may do so at once.

    ``operator`` is what the operator decided; ``remove_branch`` is needed for ``undo`` only.
    """

    def __init__(
        self,
        store: Store,
        github: GitHub,
        app: AppIdentity,
        operator: OperatorConfig | None = None,
        *,
        remove_branch: RemoveBranch | None = None,
    ) -> None:
        self._store = store
        self._github = github
        self._app = app
        self._house = operator or OperatorConfig()
        self._desk = DeliveryContext(store, github, app, self._house, remove_branch)

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
        decision = decide(event, app=self._app, label=self._house.label)
        if decision is ANOTHER and event.installation:
            decision = decide(event, app=self._app, label=await self._label(event))
        match decision:
            case Ignored():
                return DeliveryState.IGNORED, decision.reason
            case UnaddressedComment():
                return await self._overheard(decision)
            case Uninstalled():
                return await self._uninstalled(decision)
            case CheckFailed():
                return await self._failed(decision)
        if not event.installation:
            return DeliveryState.IGNORED, "it names no installation of the app"
        api = self._desk.api(event)
        match decision:
            case Refusal():
                return await self._refuse(api, event, decision)
            case Command():
                return await run_command(self._desk, api, decision)
        return await self._accept(api, decision)

    async def _label(self, event: Event) -> str:
        """The label that asks in the event's repository, by its hob.yml; an invalid file names none."""
        try:
            return (await read_config_in_force(self._desk.api(event), event)).config.label
        except UserError:
            return self._house.label

    async def _overheard(self, heard: UnaddressedComment) -> Ending:
        """Words that mention nobody count on an own pull request where hob.yml says ``respond: always``; of
        people who may not ask they are passed over in silence.
        """
        event = heard.decision.event
        api = self._desk.api(event)
        if not event.installation or (await read_config_in_force(api, event)).config.respond != "always":
            return DeliveryState.IGNORED, NO_MENTION.reason
        if isinstance(await self._desk.allowed(api, event), Refusal):
            return DeliveryState.IGNORED, "said by somebody who may not ask"
        if isinstance(heard.decision, Command):
            return await run_command(self._desk, api, heard.decision)
        return await self._accept(api, heard.decision)

    async def _failed(self, decision: CheckFailed) -> Ending:
        """A failing check asks for itself when the pull request broke it."""
        if not decision.event.installation:
            return DeliveryState.IGNORED, "it names no installation of the app"
        api = self._desk.api(decision.event)
        asked = await assess_failure(decision, api, self._store, self._app)
        if isinstance(asked, Ignored):
            return DeliveryState.IGNORED, asked.reason
        if isinstance(asked, Refusal):
            return await self._desk.refuse(api, decision.event, asked)
        return await self._accept(api, asked)

    async def _accept(self, api: RepoApi, asked: Request) -> Ending:
        """Store the task, or hand the words to the one that is open on the thread, and show that it was
        seen.
        """
        context = self._desk
        allowed = await context.allowed(api, asked.event)
        if isinstance(allowed, Refusal):
            return await context.refuse(api, asked.event, allowed)
        if loop := detect_bot_loop(asked.event.sender, await self._store.tasks_on(thread_key(asked.event))):
            return await context.refuse(api, asked.event, loop)
        complete = await context.complete(api, asked)
        if isinstance(complete, Refusal):
            return await context.refuse(api, asked.event, complete)
        reason = await self._stored(complete, allowed)
        await context.react(api, complete.event, "eyes")
        return DeliveryState.HANDLED, reason

    async def _refuse(self, api: RepoApi, event: Event, refusal: Refusal) -> Ending:
        """Say why not to people who may ask; the others hear that they may not."""
        allowed = await self._desk.allowed(api, event)
        return await self._desk.refuse(api, event, allowed if isinstance(allowed, Refusal) else refusal)

    async def _stored(self, asked: Request, permission: Permission) -> str:
        event = asked.event
        assert event.trigger is not None  # noqa: S101  what was asked has a trigger
        if steered := await self._store.steered(event.delivery):  # before a crash, or a reaction that failed
            return f"steers task {steered}"
        trigger, open_tasks = event.trigger, await self._desk.open_tasks(event)
        if part_of := await self._same_review(asked):
            return f"part of task {part_of}"
        seen = (trigger.kind, trigger.id, trigger.at)
        ours = [task for task in open_tasks if (task.trigger.kind, task.trigger.id, task.trigger.at) == seen]
        alike = [task for task in open_tasks if task.kind is asked.kind]
        if not ours and alike:
            running = alike[-1]
            if trigger.kind in (TriggerKind.LABEL, TriggerKind.CHECK):
                return f"task {running.id} is at it already"
            by_bot = event.sender is not None and event.sender.is_bot
            if not by_bot and await self._store.steer(
                running.id, trigger, permission, delivery=event.delivery
            ):
                return f"steers task {running.id}"
        return f"task {(await self._store.add_task(asked)).id}"

    async def _same_review(self, asked: Request) -> int:
        """The task that an event of the same review made, 0 without one: it reads all of its comments.

        One that only answers does not do what another comment of the review wants.
        """
        event, review = asked.event, review_of(asked.event.trigger)
        tasks = await self._store.tasks_on(thread_key(event)) if review else []
        same = (t for t in tasks if review_of(t.trigger) == review and t.trigger != event.trigger)
        return next((t.id for t in same if asked.kind.produces_only_text or not t.kind.produces_only_text), 0)

    async def _uninstalled(self, gone: Uninstalled) -> Ending:
        self._github.forget_installation(gone.installation)
        cancelled = 0
        for state in (state for state in TaskState if state not in TERMINAL):
            before: int | None = None
            while page := await self._store.tasks(PAGE, before=before, state=state):
                before = page[-1].id
                for task in (task for task in page if task.installation == gone.installation):
                    await self._store.ask_cancel(task.id)
                    cancelled += 1
        return DeliveryState.HANDLED, f"{gone.reason}: {cancelled} tasks cancelled"
