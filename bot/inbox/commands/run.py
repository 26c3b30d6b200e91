"""Run a command that somebody used on a thread. ``COMMANDS`` has all there are; none asks a model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.domain import DirectiveWord, Event, Refusal, Request, TaskKind
from bot.errors import UserError
from bot.github.app import RepoApi
from bot.github.permissions import detect_bot_loop, may_release
from bot.inbox.abuse.guard import find_abuse
from bot.inbox.abuse.moderate import find_unfit
from bot.inbox.commands.budget import render_budget
from bot.inbox.commands.config import render_config
from bot.inbox.commands.earlier_work import order_approval, order_attempts, order_retry, order_use
from bot.inbox.commands.explain import render_explanation
from bot.inbox.commands.help import send_help
from bot.inbox.commands.parse import CommandWord
from bot.inbox.commands.people import PeopleCommand, admit_person, block_person, unblock_person
from bot.inbox.commands.status import render_status
from bot.inbox.commands.stop import stop_tasks
from bot.inbox.commands.undo import undo_pull_request
from bot.inbox.decision import NOT_MINE, Command, may_change
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd, thread_key
from bot.inbox.payload import pull_thread
from bot.inbox.refusals import refuse
from bot.tasks.database.tables import DeliveryState

REVIEW_REQUEST = "Review this pull request."

CommandHandler = Callable[[DeliveryContext, RepoApi, Command], Awaitable[DeliveryEnd]]


@dataclass(frozen=True, slots=True)
class CommentCommand:
    """A command that is answered by a comment with what ``answer`` returns; its UserErrors are answers too.

    ``about`` says in the delivery's record what the comment is about.
    """

    answer: Callable[[DeliveryContext, RepoApi, Event], Awaitable[str]]
    about: str

    async def __call__(self, context: DeliveryContext, api: RepoApi, command: Command) -> DeliveryEnd:
        """Comment the answer, once for each delivery."""
        event = command.event
        try:
            text = await self.answer(context, api, event)
        except UserError as trouble:
            text = trouble.message
        await context.comment(api, event, f"{command.word.value}:{event.delivery}", text)
        return DeliveryState.HANDLED, f"told {self.about}"


@dataclass(frozen=True, slots=True)
class TaskCommand:
    """A command that makes a task: of the request that ``order`` returns, else its text is commented."""

    order: Callable[[DeliveryContext, Command], Awaitable[Request | str]]

    async def __call__(self, context: DeliveryContext, api: RepoApi, command: Command) -> DeliveryEnd:
        """Store the task, or say why there is none."""
        event = command.event
        if known := await context.store.find_task_of_delivery(event.delivery):  # before a crash
            return DeliveryState.HANDLED, f"task {known.id}"
        asked = await self.order(context, command)
        if no := await _find_refusal(context, api, command, asked):
            return await refuse(context, api, event, no)
        if isinstance(asked, str):
            await context.comment(api, event, f"{command.word.value}:{event.delivery}", asked)
            return DeliveryState.HANDLED, f"no {command.word.value}: {asked}"[:200]
        complete = await context.add_branch(api, asked)
        if isinstance(complete, Refusal):
            return await refuse(context, api, event, complete)
        if no := await find_abuse(context, api, event) or await find_unfit(context, complete):
            return await refuse(context, api, event, no)
        task = await context.store.add_task(complete)
        await context.react(api, event, "eyes")
        return DeliveryState.HANDLED, f"task {task.id}"


async def order_review(context: DeliveryContext, command: Command) -> Request | str:
    """Request a review of the pull request that the command was written on."""
    return Request(kind=TaskKind.REVIEW, request=REVIEW_REQUEST, event=command.event)


COMMANDS: Mapping[CommandWord, CommandHandler] = {
    CommandWord.STOP: stop_tasks,
    CommandWord.HELP: send_help,
    CommandWord.STATUS: CommentCommand(render_status, "how it stands"),
    CommandWord.BUDGET: CommentCommand(render_budget, "what it cost"),
    CommandWord.CONFIG: CommentCommand(render_config, "the configuration"),
    CommandWord.EXPLAIN: CommentCommand(render_explanation, "what was done"),
    CommandWord.UNDO: CommentCommand(undo_pull_request, "what became of it"),
    CommandWord.REVIEW: TaskCommand(order_review),
    CommandWord.RETRY: TaskCommand(order_retry),
    CommandWord.TRY: TaskCommand(order_attempts),
    CommandWord.USE: TaskCommand(order_use),
    CommandWord.APPROVE: TaskCommand(order_approval),
    CommandWord.BLOCK: PeopleCommand(block_person),
    CommandWord.UNBLOCK: PeopleCommand(unblock_person),
    CommandWord.ADMIT: PeopleCommand(admit_person),
}


async def run_command(context: DeliveryContext, api: RepoApi, command: Command) -> DeliveryEnd:
    """Do what a command says if its sender may ask, and return how the delivery ended."""
    event = command.event
    allowed = await context.check_permission(api, event)
    if isinstance(allowed, Refusal):
        return await refuse(context, api, event, allowed)
    if loop := detect_bot_loop(event.sender, await context.store.list_tasks_on(thread_key(event))):
        return await refuse(context, api, event, loop)
    return await COMMANDS[command.word](context, api, command)


async def _find_refusal(
    context: DeliveryContext, api: RepoApi, command: Command, asked: Request | str
) -> Refusal | None:
    """Why the command's sender may not have this done, or Hob may not do it on this pull request."""
    event = command.event
    directive = asked.directive if isinstance(asked, Request) else None
    approves = command.word is CommandWord.APPROVE or (  # or repeats an approval
        directive is not None and directive.word is DirectiveWord.APPROVE
    )
    if approves and event.sender is not None and event.repo is not None:
        no = await may_release(api.permissions, event.sender, event.repo)
        if no is not None:
            return no
    changes = not isinstance(asked, Request) or not asked.kind.produces_only_text
    if changes and event.thread and event.thread.is_pull and event.repo:
        pull = pull_thread(await api.pulls.get(event.thread.number))
        if not may_change(pull, context.app, event.repo.id):
            return NOT_MINE
    return None
