"""Handle one delivery in a worker: parse it, decide, ask GitHub who may ask, act.

Every step may be done again after a crash: a task is unique for its delivery, a comment for its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from bot.domain import TERMINAL, Event, Permission, Refusal, Request, Task, TaskState, TriggerKind
from bot.errors import Parked, UserError
from bot.github.app import GitHub, RepoApi
from bot.github.permissions import detect_bot_loop
from bot.inbox.abuse.guard import find_abuse
from bot.inbox.abuse.moderate import find_unfit
from bot.inbox.commands.config import read_config_in_force
from bot.inbox.commands.run import run_command
from bot.inbox.decision import (
    BY_A_BOT,
    NO_MENTION,
    AppIdentity,
    CheckFailed,
    ChecksRerequested,
    Command,
    ForkButton,
    Ignored,
    PullEnded,
    ReposAdded,
    ReposRemoved,
    ThreadGone,
    UnaddressedComment,
    Uninstalled,
    find_review_id,
)
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd, OperatorConfig, RemoveBranch, thread_key
from bot.inbox.failed_delivery import FIRST_PAUSE, REFUSED_FOR, say_failure
from bot.inbox.failing_checks import assess_failure
from bot.inbox.label import make_labels
from bot.inbox.mentions import find_mentions
from bot.inbox.own_checks import find_thread_of_button, restore_checks
from bot.inbox.payload import parse
from bot.inbox.pulls.ended import note_end
from bot.inbox.refusals import refuse
from bot.inbox.routes import decide
from bot.inbox.rules.checks import decide_on_button
from bot.inbox.rules.labels import ANOTHER
from bot.tasks.database.tables import DeliveryState
from bot.tasks.deliveries.records import Delivery
from bot.tasks.store import Store
from bot.text.json_fields import BadPayload
from bot.trace import span

log = structlog.get_logger(__name__)

PAGE = 200


class Intake:
    """Handles deliveries one by one; any number of workers may do so at once.

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
        self._operator = operator or OperatorConfig()
        self._context = DeliveryContext(store, github, app, self._operator, remove_branch)

    async def take(self, guid: str) -> bool:
        """Handle a stored delivery to its end; one that is unknown or ended already is left alone.

        Returns True: its end is stored.

        Raises ``Retry`` and ``Parked`` when GitHub cannot be asked now: nothing is granted meanwhile. What
        GitHub refuses is asked again for ``REFUSED_FOR``, and then said on the thread.
        """
        delivery = await self._store.get_delivery(guid)
        if delivery is None or delivery.state is not DeliveryState.NEW:
            return True
        try:
            event = self._with_clone_url(parse(guid, delivery.event, delivery.body))
            with span("delivery", delivery=guid, event=delivery.event):
                state, reason = await self._handle(event)
        except BadPayload as bad:
            state, reason = DeliveryState.REJECTED, str(bad)
        except UserError as trouble:
            if trouble.may_pass and delivery.age_seconds < REFUSED_FOR:
                raise Parked(trouble.message, after=FIRST_PAUSE) from None
            await self._report(guid, delivery, trouble.message)
            state, reason = DeliveryState.FAILED, trouble.message
        log.info("delivery.taken", delivery=guid, github_event=delivery.event, state=state, reason=reason)
        await self._store.finish_delivery(guid, state, reason)
        return True

    async def report_failure(self, guid: str, reason: str) -> None:
        """Say on the thread that a delivery failed for good, where it was addressed to the bot.

        Raises ``Retry`` and ``Parked`` when GitHub cannot be asked now.
        """
        delivery = await self._store.get_delivery(guid)
        if delivery is not None:
            await self._report(guid, delivery, reason)

    async def _report(self, guid: str, delivery: Delivery, reason: str) -> None:
        try:
            event = parse(guid, delivery.event, delivery.body)
        except BadPayload:
            return
        if event.thread and event.thread.is_discussion and not self._operator.discussions:
            return
        decision = await asyncio.to_thread(decide, event, app=self._app, label=self._operator.label)
        if isinstance(decision, Request | Command):
            await say_failure(self._context, event, reason)

    def _with_clone_url(self, event: Event) -> Event:
        """The event with the clone address that the operator's host gives, whatever the payload says."""
        if event.repo is None:
            return event
        url = self._github.clone_url(event.repo.owner, event.repo.name)
        return replace(event, repo=replace(event.repo, clone_url=url))

    async def _handle(self, event: Event) -> DeliveryEnd:
        # In a thread: reading a long comment as Markdown takes seconds, in which the loop has to serve
        # others.
        if event.thread and event.thread.is_discussion and not self._operator.discussions:
            return DeliveryState.IGNORED, "discussions are not answered here (HOB_DISCUSSIONS)"
        decision = await asyncio.to_thread(decide, event, app=self._app, label=self._operator.label)
        if decision is ANOTHER and event.installation:
            label = await self._read_label(event)
            decision = await asyncio.to_thread(decide, event, app=self._app, label=label)
        if decision is BY_A_BOT and (allowed := await self._read_allowed_bots(event)):
            return await self._with_bots(allowed)._handle(event)
        match decision:
            case Ignored():
                return DeliveryState.IGNORED, decision.reason
            case UnaddressedComment():
                return await self._answer_unaddressed(decision)
            case Uninstalled():
                return await self._cancel_all_tasks(decision)
            case CheckFailed():
                return await self._handle_failed_check(decision)
            case ReposRemoved():
                return await self._cancel_tasks_in(event)
            case ThreadGone():
                return await self._cancel_tasks_on(decision)
            case ReposAdded():
                return await make_labels(self._context, event)
            case ForkButton():
                return await self._handle_fork_button(decision)
        if not event.installation:
            return DeliveryState.IGNORED, "it names no installation of the app"
        api = self._context.api(event)
        match decision:
            case PullEnded():
                return await note_end(self._context, api, decision)
            case ChecksRerequested():
                return await restore_checks(self._context, api, event)
            case Refusal():
                return await self._refuse(api, event, decision)
            case Command():
                return await run_command(self._context, api, decision)
        return await self._accept(api, decision)

    async def _read_label(self, event: Event) -> str:
        """The label that asks in the event's repository, by its hob.yml; an invalid file names none."""
        try:
            return (await read_config_in_force(self._context.api(event), event)).config.label
        except UserError:
            return self._operator.label

    async def _read_allowed_bots(self, event: Event) -> frozenset[int]:
        """The bots that hob.yml lets ask here, where the sender is one of them and mentions Hob."""
        sender, trigger = event.sender, event.trigger
        if not event.installation or sender is None or trigger is None or event.repo is None:
            return frozenset()
        opened = event.thread if trigger.kind is TriggerKind.ISSUE else None
        texts = (opened.title, trigger.text) if opened else (trigger.text,)
        if not any([await asyncio.to_thread(find_mentions, text, self._app.slug) for text in texts]):
            return frozenset()
        try:
            config = (await read_config_in_force(self._context.api(event), event)).config
        except UserError:
            return frozenset()
        return frozenset(config.respond_to_bots) & {sender.id}

    def _with_bots(self, allowed: frozenset[int]) -> Intake:
        """The same for one event of a repository that lets these bots ask too."""
        app = replace(self._app, bots=self._app.bots | allowed)
        branch = self._context.remove_branch
        return Intake(self._store, self._github, app, self._operator, remove_branch=branch)

    async def _answer_unaddressed(self, comment: UnaddressedComment) -> DeliveryEnd:
        """Take a comment without a mention on an own pull request as a request.

        That is only so where hob.yml says ``respond: always``. One by somebody who may not ask is ignored
        without an answer.
        """
        event = comment.decision.event
        api = self._context.api(event)
        if not event.installation or (await read_config_in_force(api, event)).config.respond != "always":
            return DeliveryState.IGNORED, NO_MENTION.reason
        if isinstance(await self._context.check_permission(api, event), Refusal):
            return DeliveryState.IGNORED, "said by somebody who may not ask"
        if isinstance(comment.decision, Command):
            return await run_command(self._context, api, comment.decision)
        return await self._accept(api, comment.decision)

    async def _handle_failed_check(self, decision: CheckFailed) -> DeliveryEnd:
        """Take a failing check as a request when the pull request broke it."""
        if not decision.event.installation:
            return DeliveryState.IGNORED, "it names no installation of the app"
        api = self._context.api(decision.event)
        asked = await assess_failure(decision, api, self._store, self._app, safe=self._operator.safe)
        if isinstance(asked, Ignored):
            return DeliveryState.IGNORED, asked.reason
        if isinstance(asked, Refusal):
            return await refuse(self._context, api, decision.event, asked)
        return await self._accept(api, asked)

    async def _handle_fork_button(self, button: ForkButton) -> DeliveryEnd:
        """Take a button on a fork's commit as pressed on the pull request of the task that made the check."""
        event = await find_thread_of_button(self._context, button.event)
        if event is None or not event.installation:
            return DeliveryState.IGNORED, "its pull request is not known"
        pressed, api = decide_on_button(event, self._app), self._context.api(event)
        if isinstance(pressed, Command):
            return await run_command(self._context, api, pressed)
        if isinstance(pressed, Request):
            return await self._accept(api, pressed)
        return DeliveryState.IGNORED, "an unknown button"

    async def _accept(self, api: RepoApi, asked: Request) -> DeliveryEnd:
        """Store the request as a task, or pass it on to the task that is open on the thread, and react."""
        context = self._context
        allowed = await context.check_permission(api, asked.event)
        if isinstance(allowed, Refusal):
            return await refuse(context, api, asked.event, allowed)
        if loop := detect_bot_loop(
            asked.event.sender, await self._store.list_tasks_on(thread_key(asked.event))
        ):
            return await refuse(context, api, asked.event, loop)
        no = await find_abuse(context, api, asked.event) or await find_unfit(context, asked)
        if no is not None:
            return await refuse(context, api, asked.event, no)
        complete = await context.add_branch(api, asked)
        if isinstance(complete, Refusal):
            return await refuse(context, api, asked.event, complete)
        reason = await self._store_or_steer(complete, allowed)
        await context.react(api, complete.event, "eyes")
        return DeliveryState.HANDLED, reason

    async def _refuse(self, api: RepoApi, event: Event, refusal: Refusal) -> DeliveryEnd:
        """Send the refusal to people who may ask, and the one for missing permission to others."""
        allowed = await self._context.check_permission(api, event)
        return await refuse(self._context, api, event, allowed if isinstance(allowed, Refusal) else refusal)

    async def _store_or_steer(self, asked: Request, permission: Permission) -> str:
        """Make a task of the request, or steer a running one of its kind; says which, for the record."""
        event = asked.event
        assert event.trigger is not None  # noqa: S101  what was asked has a trigger
        if steered := await self._store.find_steered_task(
            event.delivery
        ):  # before a crash, or a reaction that failed
            return f"steers task {steered}"
        trigger, open_tasks = event.trigger, await self._context.list_open_tasks(event)
        if part_of := await self._find_task_of_review(asked):
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
        task = await self._store.add_task(asked)
        if await self._store.is_stopped_since(thread_key(event), trigger.at):
            await self._store.ask_cancel(task.id)
            return f"task {task.id}, stopped by a comment that came first"
        return f"task {task.id}"

    async def _find_task_of_review(self, asked: Request) -> int:
        """The task that an event of the same review made, which reads all comments of it; 0 without one.

        A task that only answers does not count for a comment that asks for a change.
        """
        event, review = asked.event, find_review_id(asked.event.trigger)
        tasks = await self._store.list_tasks_on(thread_key(event)) if review else []
        same = (t for t in tasks if find_review_id(t.trigger) == review and t.trigger != event.trigger)
        return next((t.id for t in same if asked.kind.produces_only_text or not t.kind.produces_only_text), 0)

    async def _cancel_all_tasks(self, gone: Uninstalled) -> DeliveryEnd:
        """Forget the installation's tokens, cancel what is open for it, and have the records of a removed one
        deleted.
        """
        self._github.forget_installation(gone.installation)
        if gone.for_good:
            await self._store.note_removal(gone.installation)
        cancelled = await self._cancel_tasks(lambda task: task.installation == gone.installation, gone.reason)
        return DeliveryState.HANDLED, f"{gone.reason}: {cancelled} tasks cancelled"

    async def _cancel_tasks_in(self, event: Event) -> DeliveryEnd:
        """Cancel what is open in repositories that the app was taken from."""
        why = "the app was taken off this repository"
        cancelled = await self._cancel_tasks(
            lambda task: task.installation == event.installation and task.repo.id in event.removed, why
        )
        return DeliveryState.HANDLED, f"{why}: {cancelled} tasks cancelled"

    async def _cancel_tasks_on(self, gone: ThreadGone) -> DeliveryEnd:
        open_tasks = await self._context.list_open_tasks(gone.event)
        for task in open_tasks:
            await self._store.ask_cancel(task.id, why=gone.reason)
        return DeliveryState.HANDLED, f"{gone.reason}: {len(open_tasks)} tasks cancelled"

    async def _cancel_tasks(self, concerns: Callable[[Task], bool], why: str) -> int:
        """Cancel the open tasks that this concerns; how many there were."""
        cancelled = 0
        for state in (state for state in TaskState if state not in TERMINAL):
            before: int | None = None
            while page := await self._store.list_tasks(PAGE, before=before, state=state):
                before = page[-1].id
                for task in filter(concerns, page):
                    await self._store.ask_cancel(task.id, why=why)
                    cancelled += 1
        return cancelled
