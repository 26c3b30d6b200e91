"""Commands carried out: each is answered at once and asks no model; some make a task of their own."""

from __future__ import annotations

from bot.domain import Asked, DirectiveWord, Refusal, TaskKind
from bot.errors import UserError
from bot.github.app import RepoApi
from bot.github.permissions import loops, may_release
from bot.inbox.commands import help as replies
from bot.inbox.commands.answers import budget, explanation
from bot.inbox.commands.config import configuration
from bot.inbox.commands.earlier_work import order, status
from bot.inbox.commands.parse import Word
from bot.inbox.commands.undo import undo
from bot.inbox.decision import NOT_MINE, Command, may_change
from bot.inbox.delivery_context import Desk, Ending, once_for, thread_key
from bot.inbox.payload import pull_thread
from bot.tasks.database.tables import DeliveryState

REVIEW_REQUEST = "Review this pull request."
_ABOUT = {
    Word.STATUS: "how it stands",
    Word.BUDGET: "what it cost",
    Word.CONFIG: "the configuration",
    Word.EXPLAIN: "what was done",
    Word.UNDO: "what became of it",
}


async def obey(desk: Desk, api: RepoApi, command: Command) -> Ending:
    """Do what a command says, for people who may ask."""
    event, word = command.event, command.word
    allowed = await desk.allowed(api, event)
    if isinstance(allowed, Refusal):
        return await desk.refuse(api, event, allowed)
    if loop := loops(event.sender, await desk.store.tasks_on(thread_key(event))):
        return await desk.refuse(api, event, loop)
    if word is Word.STOP:
        return await _stop(desk, api, command)
    if word is Word.HELP:
        text = replies.help_text(desk.app.slug, desk.house.label)
        await desk.comment(api, event, once_for(event, "help"), text)
        return DeliveryState.HANDLED, "told about help"
    if word in _ABOUT:
        try:
            text = await _told(desk, api, command)
        except UserError as trouble:
            text = trouble.message
        await desk.comment(api, event, f"{word.value}:{event.delivery}", text)
        return DeliveryState.HANDLED, f"told {_ABOUT[word]}"
    return await _ordered(desk, api, command)


async def _told(desk: Desk, api: RepoApi, command: Command) -> str:
    """The answer of a command that makes no task."""
    event = command.event
    match command.word:
        case Word.STATUS:
            return await status(desk.store, event, base_url=desk.house.base_url)
        case Word.BUDGET:
            return await budget(desk, api, event)
        case Word.CONFIG:
            return await configuration(desk, api, event)
        case Word.EXPLAIN:
            return await explanation(desk, event)
    return await undo(desk, api, event)


async def _stop(desk: Desk, api: RepoApi, command: Command) -> Ending:
    event = command.event
    open_tasks = await desk.open_tasks(event)
    for task in open_tasks:
        await desk.store.ask_cancel(task.id)
    if open_tasks:
        await desk.react(api, event, "+1")
    else:
        await desk.comment(api, event, f"idle:{event.delivery}", replies.NOTHING_TO_STOP)
    return DeliveryState.HANDLED, f"stopped {len(open_tasks)} tasks"


async def _no_maintainer(api: RepoApi, command: Command, asked: Asked | str) -> Refusal | None:
    """Why who commands may not have it done, where it takes a maintainer: a repeated approval too."""
    directive = asked.directive if isinstance(asked, Asked) else None
    approves = command.word is Word.APPROVE or (directive and directive.word is DirectiveWord.APPROVE)
    person, repo = command.event.sender, command.event.repo
    if not approves or person is None or repo is None:
        return None
    return await may_release(api, person, repo)


async def _ordered(desk: Desk, api: RepoApi, command: Command) -> Ending:
    """``review``, ``retry``, ``try``, ``use`` and ``approve``: a task of its own, or why there is none."""
    event = command.event
    if known := await desk.store.task_of_delivery(event.delivery):  # before a crash
        return DeliveryState.HANDLED, f"task {known.id}"
    asked: Asked | str
    if command.word is Word.REVIEW:
        asked = Asked(kind=TaskKind.REVIEW, request=REVIEW_REQUEST, event=event)
    else:
        asked = await order(desk.store, event, command, slug=desk.app.slug)
    if no := await _no_maintainer(api, command, asked):
        return await desk.refuse(api, event, no)
    changes = not isinstance(asked, Asked) or not asked.kind.is_words
    if changes and event.thread and event.thread.is_pull and event.repo:
        pull = pull_thread(await api.pull(event.thread.number))
        if not may_change(pull, desk.app, event.repo.id):
            return await desk.refuse(api, event, NOT_MINE)
    if isinstance(asked, str):
        await desk.comment(api, event, f"{command.word.value}:{event.delivery}", asked)
        return DeliveryState.HANDLED, f"no {command.word.value}: {asked}"[:200]
    complete = await desk.complete(api, asked)
    if isinstance(complete, Refusal):
        return await desk.refuse(api, event, complete)
    task = await desk.store.add_task(complete)
    await desk.react(api, event, "eyes")
    return DeliveryState.HANDLED, f"task {task.id}"
