"""``@hob status``: what runs on a thread, what is queued, and how the last task ended."""

from __future__ import annotations

from bot.domain import TERMINAL, Event, Task, TaskState
from bot.flags.kill import is_paused
from bot.github.app import RepoApi
from bot.inbox.delivery_context import DeliveryContext, thread_key
from bot.tasks.database.reading import read_from
from bot.text.defuse import strip_markup

DIGEST_SHOWN = 12  # characters of an approval's digest in its task's name
_STATES = {
    TaskState.DONE: "✅ done",
    TaskState.FAILED: "❌ failed",
    TaskState.CANCELLED: "🛑 stopped",
    TaskState.REFUSED: "refused",
    TaskState.QUEUED: "⏳ waits for its turn",
    TaskState.WAITING: "⏸️ waits",
    TaskState.RUNNING: "👀 is under way",
}


PAUSED = "⏸️ waits until whoever runs this Hob lets work go on"


async def render_status(context: DeliveryContext, api: RepoApi, event: Event) -> str:
    """What runs, what is queued, and how the last one ended."""
    store, base_url = context.store, context.operator.base_url
    tasks = await store.list_tasks_on(thread_key(event))
    if not tasks:
        return "I have not been asked for anything on this thread yet."
    ended = [task for task in tasks if task.state in TERMINAL]
    paused = any(task.state is TaskState.QUEUED for task in tasks) and await _is_paused(context, event)
    lines = []
    for task in [*[task for task in tasks if task.state not in TERMINAL], *ended[-1:]]:
        runs = await store.list_runs(task.id)
        phase = f", in the phase “{runs[-1].phase}”" if task.state is TaskState.RUNNING and runs else ""
        reason = f": {' '.join(task.reason.split())[:200]}" if task.reason else ""
        where = f"[Run]({base_url}/runs/{runs[-1].id})" if runs else f"[Task]({base_url}/tasks/{task.id})"
        what = "The last one" if task in ended else "Task"
        pull = f", #{task.pull}" if task.pull else ""
        stands = PAUSED if paused and task.state is TaskState.QUEUED else _STATES[task.state]
        state = f"{stands}{phase}{pull}{strip_markup(reason)}"
        lines.append(f"- {what} ({render_task_name(task)}) {state}. {where}")
    return "\n".join(lines)


async def _is_paused(context: DeliveryContext, event: Event) -> bool:
    repository = event.repo.id if event.repo else 0
    async with read_from(context.store.engine) as connection:
        return await connection.run_sync(is_paused, event.installation, repository)


def render_task_name(task: Task) -> str:
    """A task's name in a comment: its command, or the beginning of its request in quotation marks."""
    if task.directive:
        what = task.directive.digest[:DIGEST_SHOWN] or task.directive.number
        return f"`{task.directive.word.value} {what}`"
    title = strip_markup(" ".join(task.request.split()))
    return f"“{title[:60]}{'…' if len(title) > 60 else ''}”"
