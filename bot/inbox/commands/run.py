"""Commands carried out: each is answered at once and asks no model; some make a task of their own."""

from __future__ import annotations

from bot.domain import DirectiveWord, Refusal, Request, TaskKind
from bot.errors import UserError
from bot.github.app import RepoApi
from bot.github.permissions import detect_bot_loop, may_release
from bot.inbox.commands import help as replies
from bot.inbox.commands.answers import render_budget, render_explanation
from bot.inbox.commands.config import render_config
from bot.inbox.commands.earlier_work import order_earlier_work, render_status
from bot.inbox.commands.parse import CommandWord
from bot.inbox.commands.undo import undo_pull_request
from bot.inbox.decision import NOT_MINE, Command, may_change
from bot.inbox.delivery_context import DeliveryContext, Ending, once_for, thread_key
from bot.inbox.payload import pull_thread
from bot.tasks.database.tables import DeliveryState

REVIEW_REQUEST = "Review this pull request."
_ABOUT = {
    CommandWord.STATUS: "how it stands",
    CommandWord.BUDGET: "what it cost",
    CommandWord.CONFIG: "the configuration",
    CommandWord.EXPLAIN: "what was done",
    CommandWord.UNDO: "what became of it",
}


async def run_command(context: DeliveryContext, api: RepoApi, command: Command) -> Ending:
    """Do what a command says, for people who may ask."""
    event, word = command.event, command.word
    allowed = await context.allowed(api, event)
    if isinstance(allowed, Refusal):
        return await context.refuse(api, event, allowed)
    if loop := detect_bot_loop(event.sender, await context.store.tasks_on(thread_key(event))):
        return await context.refuse(api, event, loop)
    if word is CommandWord.STOP:
        return await _stop(context, api, command)
    if word is CommandWord.HELP:
        text = replies.help_text(context.app.slug, context.operator.label)
        await context.comment(api, event, once_for(event, "help"), text)
        return DeliveryState.HANDLED, "told about help"
    if word in _ABOUT:
        try:
            text = await _told(context, api, command)
        except UserError as trouble:
            text = trouble.message
        await context.comment(api, event, f"{word.value}:{event.delivery}", text)
        return DeliveryState.HANDLED, f"told {_ABOUT[word]}"
    return await _ordered(context, api, command)


async def _told(context: DeliveryContext, api: RepoApi, command: Command) -> str:
    """The answer of a command that makes no task."""
    event = command.event
    match command.word:
        case CommandWord.STATUS:
            return await render_status(context.store, event, base_url=context.operator.base_url)
        case CommandWord.BUDGET:
            return await render_budget(context, api, event)
        case CommandWord.CONFIG:
            return await render_config(context, api, event)
        case CommandWord.EXPLAIN:
            return await render_explanation(context, event)
    return await undo_pull_request(context, api, event)


async def _stop(context: DeliveryContext, api: RepoApi, command: Command) -> Ending:
    event = command.event
    open_tasks = await context.open_tasks(event)
    for task in open_tasks:
        await context.store.ask_cancel(task.id)
    if open_tasks:
        await context.react(api, event, "+1")
    else:
        await context.comment(api, event, f"idle:{event.delivery}", replies.NOTHING_TO_STOP)
    return DeliveryState.HANDLED, f"stopped {len(open_tasks)} tasks"


async def _no_maintainer(api: RepoApi, command: Command, asked: Request | str) -> Refusal | None:
    """Why who commands may not have it done, where it takes a maintainer: a repeated approval too."""
    directive = asked.directive if isinstance(asked, Request) else None
    approves = command.word is CommandWord.APPROVE or (directive and directive.word is DirectiveWord.APPROVE)
    person, repo = command.event.sender, command.event.repo
    if not approves or person is None or repo is None:
        return None
    return await may_release(api.permissions, person, repo)


async def _ordered(context: DeliveryContext, api: RepoApi, command: Command) -> Ending:
    """``review``, ``retry``, ``try``, ``use`` and ``approve``: a task of its own, or why there is none."""
    event = command.event
    if known := await context.store.task_of_delivery(event.delivery):  # before a crash
        return DeliveryState.HANDLED, f"task {known.id}"
    asked: Request | str
    if command.word is CommandWord.REVIEW:
        asked = Request(kind=TaskKind.REVIEW, request=REVIEW_REQUEST, event=event)
    else:
        asked = await order_earlier_work(context.store, event, command, slug=context.app.slug)
    if no := await _no_maintainer(api, command, asked):
        return await context.refuse(api, event, no)
    changes = not isinstance(asked, Request) or not asked.kind.produces_only_text
    if changes and event.thread and event.thread.is_pull and event.repo:
        pull = pull_thread(await api.pulls.get(event.thread.number))
        if not may_change(pull, context.app, event.repo.id):
            return await context.refuse(api, event, NOT_MINE)
    if isinstance(asked, str):
        await context.comment(api, event, f"{command.word.value}:{event.delivery}", asked)
        return DeliveryState.HANDLED, f"no {command.word.value}: {asked}"[:200]
    complete = await context.complete(api, asked)
    if isinstance(complete, Refusal):
        return await context.refuse(api, event, complete)
    task = await context.store.add_task(complete)
    await context.react(api, event, "eyes")
    return DeliveryState.HANDLED, f"task {task.id}"
