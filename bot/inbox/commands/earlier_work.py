"""Commands about earlier work on a thread: ``status``, ``retry``, ``try 3``, ``use 2``, ``approve 3f2a...``.
No model is asked.

Attempts are numbered for each request. On an issue that is its last request, on a pull request the last one
made there, or else the one that the pull request came of.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain import TERMINAL, Directive, DirectiveWord, Event, Request, Task, TaskKind, TaskState
from bot.inbox.commands.parse import RESOLVE, CommandWord
from bot.inbox.decision import Command
from bot.tasks.attempts import AttemptRecord
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store

MOST = 8  # attempts that one command may ask for
WHOLE = 40  # characters of a digest: two trees that begin alike are made in minutes
NAMED = 12  # of them, where an approval is only named

_MARKUP = frozenset("@#`<>[]()*_~|\\!&")
_WORDS = {
    TaskState.DONE: "✅ done",
    TaskState.FAILED: "❌ failed",
    TaskState.CANCELLED: "🛑 stopped",
    TaskState.REFUSED: "refused",
    TaskState.QUEUED: "⏳ waits for its turn",
    TaskState.WAITING: "⏸️ waits",
    TaskState.RUNNING: "👀 is under way",
}


async def order_earlier_work(store: Store, event: Event, command: Command, *, slug: str) -> Request | str:
    """The task that a command makes, or what its author is told instead."""
    if command.word is CommandWord.RETRY:
        return await _retry(store, event)
    if command.word is CommandWord.TRY:
        return await _try(store, event, command.number)
    if command.word is CommandWord.APPROVE:
        return await _approve(store, event, command.digest, slug)
    return await _use(store, event, command.number, slug)


async def render_status(store: Store, event: Event, *, base_url: str) -> str:
    """What runs, what is queued, and how the last one ended."""
    tasks = await store.tasks_on(_key(event))
    if not tasks:
        return "I have not been asked for anything on this thread yet."
    ended = [task for task in tasks if task.state in TERMINAL]
    lines = []
    for task in [*[task for task in tasks if task.state not in TERMINAL], *ended[-1:]]:
        runs = await store.runs(task.id)
        phase = f", in the phase “{runs[-1].phase}”" if task.state is TaskState.RUNNING and runs else ""
        reason = f": {' '.join(task.reason.split())[:200]}" if task.reason else ""
        where = f"[Run]({base_url}/runs/{runs[-1].id})" if runs else f"[Task]({base_url}/tasks/{task.id})"
        what = "The last one" if task in ended else "Task"
        pull = f", #{task.pull}" if task.pull else ""
        lines.append(f"- {what} ({named(task)}) {_WORDS[task.state]}{phase}{pull}{plain(reason)}. {where}")
    return "\n".join(lines)


async def _retry(store: Store, event: Event) -> Request | str:
    tasks = await store.tasks_on(_key(event))
    if not tasks:
        return "There is nothing of mine on this thread to do again. Say what should change."
    last = tasks[-1]
    if last.state not in TERMINAL:
        return f"I am still at it ({named(last)})."
    # As it was asked, but by who asks now, and with what was said until now.
    at = event.trigger.at if event.trigger else last.trigger.at
    again = replace(event, trigger=replace(last.trigger, at=at))
    return Request(kind=last.kind, request=last.request, event=again, directive=last.directive)


async def _try(store: Store, event: Event, number: int) -> Request | str:
    if not 1 <= number <= MOST:
        return f"I make 1 to {MOST} attempts at once, not {number}."
    root = await _root(store, event)
    kind = _kind(event)
    if root is None and kind is TaskKind.REVISE:
        return "I do not know of what request this pull request came. Say what should change."
    request = root.request if root else RESOLVE
    directive = Directive(word=DirectiveWord.TRY, number=number, of=root.id if root else 0)
    return Request(kind=kind, request=request, event=event, directive=directive)


async def _use(store: Store, event: Event, number: int, slug: str) -> Request | str:
    root = await _root(store, event, with_attempts=True)
    known = await store.attempts(root.id) if root else []
    wanted = next((each for each in known if each.ordinal == number), None)
    if root is None or wanted is None:
        return f"There is no attempt {number}; {_there_are(known, slug)}."
    interrupted = wanted.state is AttemptState.RUNNING  # unless it goes on
    maker = await store.task(wanted.maker) if interrupted else None
    if maker and maker.state not in TERMINAL:
        return f"Attempt {number} is still under way."
    if not (wanted.diff or (interrupted and wanted.work_seq >= 0)):
        return f"Attempt {number} changed nothing, so there is nothing to publish."
    if wanted.chosen and root.pull and root.state is TaskState.DONE and not await _open(store, event):
        return f"Attempt {number} is what is published already, in #{root.pull}."
    directive = Directive(word=DirectiveWord.USE, number=number, of=root.id)
    request = f"Publish attempt {number} at: {root.request}"
    return Request(kind=_kind(event), request=request, event=event, directive=directive)


async def _approve(store: Store, event: Event, digest: str, slug: str) -> Request | str:
    """What the digest stands for is looked up by the run, which has the trees."""
    root = await _root(store, event, with_attempts=True)
    if root is None:
        return "I hold nothing back on this thread."
    if len(digest) < WHOLE:
        return (
            f"Say `@{slug} approve` with the digest that stands under *Held back*, all {WHOLE} characters of "
            "it: it says what exactly you approve."
        )
    directive = Directive(word=DirectiveWord.APPROVE, of=root.id, digest=digest)
    request = f"Release what is held back: {digest}"
    return Request(kind=_kind(event), request=request, event=event, directive=directive)


def _there_are(known: list[AttemptRecord], slug: str) -> str:
    if not known:
        return f"there are none here yet (`@{slug} try 3` makes three)"
    first, last = known[0].ordinal, known[-1].ordinal
    return f"there are {first}-{last}" if first != last else f"there is only {first}"


async def _root(store: Store, event: Event, *, with_attempts: bool = False) -> Task | None:
    """The task whose request a command on this thread is about."""
    there = await store.tasks_on(_key(event))
    tasks = [task for task in there if task.root == task.id and not task.kind.produces_only_text]
    if event.thread and event.thread.is_pull and event.repo:
        opener = await store.task_of_pull(event.repo.id, event.thread.number)
        if opener is not None:
            first = await store.task(opener.root)
            tasks = [first or opener, *tasks]
    for task in reversed(tasks):
        if not with_attempts or await store.attempts(task.id):
            return task
    return None


async def _open(store: Store, event: Event) -> bool:
    return any(task.state not in TERMINAL for task in await store.tasks_on(_key(event)))


def _kind(event: Event) -> TaskKind:
    return TaskKind.REVISE if event.thread and event.thread.is_pull else TaskKind.CHANGE


def _key(event: Event) -> str:
    return f"{event.repo.id if event.repo else 0}#{event.thread.number if event.thread else 0}"


def named(task: Task) -> str:
    """What a task is called on the page: the command, or the beginning of the request."""
    if task.directive:
        what = task.directive.digest[:NAMED] or task.directive.number
        return f"`{task.directive.word.value} {what}`"
    words = plain(" ".join(task.request.split()))
    return f"“{words[:60]}{'…' if len(words) > 60 else ''}”"


def plain(words: str, *, keep: str = "") -> str:
    """Words that neither mention anybody nor mark anything up; ``keep`` is harmless where they will stand."""
    return "".join(" " if char in _MARKUP and char not in keep else char for char in words)
