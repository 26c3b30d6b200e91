"""Commands that make a task about earlier work: ``retry``, ``try 3``, ``use 2``, ``approve 3f2a...``.

Each returns the request for that task, or the text of a comment that says why there is none.

Attempts are numbered for each request. On an issue that is its last request, on a pull request the last one
made there, or else the one that the pull request came of.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain import TERMINAL, Directive, DirectiveWord, Event, Request, Task, TaskKind, TaskState
from bot.inbox.commands.parse import RESOLVE
from bot.inbox.commands.status import render_task_name
from bot.inbox.decision import Command
from bot.inbox.delivery_context import DeliveryContext, thread_key
from bot.tasks.attempts import AttemptRecord
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store

MOST = 8  # attempts that one command may ask for
WHOLE = 40  # characters of a digest: two trees that begin alike are made in minutes


async def order_retry(context: DeliveryContext, command: Command) -> Request | str:
    """The last request on the thread again, on behalf of the person who asks now, with the comments since."""
    store, event = context.store, command.event
    tasks = await store.list_tasks_on(thread_key(event))
    if not tasks:
        return "There is nothing of mine on this thread to do again. Say what should change."
    last = tasks[-1]
    if last.state not in TERMINAL:
        return f"I am still at it ({render_task_name(last)})."
    # The same request, but on behalf of the person who asks now, with the comments until now.
    at = event.trigger.at if event.trigger else last.trigger.at
    again = replace(event, trigger=replace(last.trigger, at=at))
    return Request(kind=last.kind, request=last.request, event=again, directive=last.directive)


async def order_attempts(context: DeliveryContext, command: Command) -> Request | str:
    """Request as many new attempts as the command names at the thread's earlier request."""
    store, event, number = context.store, command.event, command.number
    if not 1 <= number <= MOST:
        return f"I make 1 to {MOST} attempts at once, not {number}."
    root = await _find_root(store, event)
    kind = _kind_of_work(event)
    if root is None and kind is TaskKind.REVISE:
        return "I do not know of what request this pull request came. Say what should change."
    request = root.request if root else RESOLVE
    directive = Directive(word=DirectiveWord.TRY, number=number, of=root.id if root else 0)
    return Request(kind=kind, request=request, event=event, directive=directive)


async def order_use(context: DeliveryContext, command: Command) -> Request | str:
    """Request the publication of an attempt that was not chosen."""
    store, event, number = context.store, command.event, command.number
    root = await _find_root(store, event, with_attempts=True)
    known = await store.list_attempts(root.id) if root else []
    wanted = next((each for each in known if each.ordinal == number), None)
    if root is None or wanted is None:
        return f"There is no attempt {number}; {_render_choice(known, context.app.slug)}."
    interrupted = wanted.state is AttemptState.RUNNING  # unless it goes on
    maker = await store.get_task(wanted.maker) if interrupted else None
    if maker and maker.state not in TERMINAL:
        return f"Attempt {number} is still under way."
    if not (wanted.work_seq >= 0 if interrupted else wanted.diff):
        return f"Attempt {number} changed nothing, so there is nothing to publish."
    if (
        wanted.chosen
        and root.pull
        and root.state is TaskState.DONE
        and not await _has_open_task(store, event)
    ):
        return f"Attempt {number} is what is published already, in #{root.pull}."
    directive = Directive(word=DirectiveWord.USE, number=number, of=root.id)
    request = f"Publish attempt {number} at: {root.request}"
    return Request(kind=_kind_of_work(event), request=request, event=event, directive=directive)


async def order_approval(context: DeliveryContext, command: Command) -> Request | str:
    """Request the release of held paths. The run resolves the digest, since it has the trees."""
    store, event, digest = context.store, command.event, command.digest
    slug = context.app.slug
    root = await _find_root(store, event, with_attempts=True)
    if root is None:
        return "I hold nothing back on this thread."
    if len(digest) < WHOLE:
        return (
            f"Say `@{slug} approve` with the digest that stands under *Held back*, all {WHOLE} characters of "
            "it: it says what exactly you approve."
        )
    directive = Directive(word=DirectiveWord.APPROVE, of=root.id, digest=digest)
    request = f"Release what is held back: {digest}"
    return Request(kind=_kind_of_work(event), request=request, event=event, directive=directive)


def _render_choice(known: list[AttemptRecord], slug: str) -> str:
    """Which attempts there are, as the end of a sentence."""
    if not known:
        return f"there are none here yet (`@{slug} try 3` makes three)"
    first, last = known[0].ordinal, known[-1].ordinal
    return f"there are {first}-{last}" if first != last else f"there is only {first}"


async def _find_root(store: Store, event: Event, *, with_attempts: bool = False) -> Task | None:
    """The task whose request a command on this thread is about."""
    there = await store.list_tasks_on(thread_key(event))
    tasks = [task for task in there if task.root == task.id and not task.kind.produces_only_text]
    if event.thread and event.thread.is_pull and event.repo:
        opener = await store.find_task_of_pull(event.repo.id, event.thread.number)
        if opener is not None:
            first = await store.get_task(opener.root)
            tasks = [first or opener, *tasks]
    for task in reversed(tasks):
        if not with_attempts or await store.list_attempts(task.id):
            return task
    return None


async def _has_open_task(store: Store, event: Event) -> bool:
    return any(task.state not in TERMINAL for task in await store.list_tasks_on(thread_key(event)))


def _kind_of_work(event: Event) -> TaskKind:
    return TaskKind.REVISE if event.thread and event.thread.is_pull else TaskKind.CHANGE
