"""Tasks whose end no run could publish: the worker died, they were stopped in the queue, or GitHub did not
accept the final text.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from bot.domain import EffectKind, Task, TaskState, Usage
from bot.errors import Parked, UserError
from bot.github.answers import CheckRun, Comment
from bot.notify.events import note_event
from bot.run.job import Parts
from bot.run.messages.attempts import render_stop
from bot.run.messages.ends import render_failure, render_left_branch
from bot.run.messages.progress_comment import render_final, task_mark
from bot.run.publish import check_run
from bot.run.publish.progress_comment import replace_comment
from bot.run.stored import load_task_end
from bot.tasks.database.column_values import restore
from bot.tasks.effects import Effects

log = structlog.get_logger(__name__)

RETRY_SECONDS = 86400.0  # how long the comment is tried again where GitHub refuses it


async def notify_end(parts: Parts, task_id: int) -> None:
    """Write how the task ended into its progress comment, or into a new one.

    Where GitHub refuses (the repository is gone, the thread locked, the app uninstalled) it is tried again,
    with growing pauses, for a day. Raises Retry and Parked to be called again.
    """
    task = await parts.store.get_task(task_id)
    if task is None:
        return
    if task.state is TaskState.FAILED:
        settings = parts.settings
        why = parts.redactor.text(task.reason)
        await note_event(parts.store, settings.notify, task, "failed", base_url=settings.base_url, why=why)
    try:
        await _write_end(parts, task)
    except UserError as refused:
        age = (datetime.now(UTC) - task.updated_at).total_seconds()
        if age < RETRY_SECONDS:
            raise Parked(refused.message, after=max(60.0, age)) from None
        log.warning("task.end_not_posted", reason=refused.message)


async def _write_end(parts: Parts, task: Task) -> None:
    api = parts.github.for_repo(task.installation, task.repo.id, task.repo.owner, task.repo.name)
    ended = load_task_end(await parts.store.load_changes(task.id))
    text = ended.text if ended else await _render_end(parts, task)
    url = f"{parts.settings.base_url}/tasks/{task.id}"
    usage, seconds = await _load_cost(parts, task)
    body = render_final(task, (), text=text, run_url=url, usage=usage, seconds=seconds)
    comment, talk = task.progress_comment, api.talk(task.thread)
    if not comment:
        made = await Effects(parts.store, task=task.id).once_as(
            Comment,
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: talk.find_comment(task_mark(task)),
            do=lambda: talk.create_comment(body),
        )
        comment = made.id
    await replace_comment(api, task, comment, body)
    shown = await Effects(parts.store, task=task.id).get(check_run.check_run_key(task))
    if shown is not None and shown.done:
        await check_run.finish_check_run(api, CheckRun.from_json(shown.answer).id, task.state, text)


async def _load_cost(parts: Parts, task: Task) -> tuple[Usage | None, float | None]:
    """What the last run used, and the seconds from the request to its end; None for what is not known."""
    for run in reversed(await parts.store.list_runs(task.id)):
        if run.ended_at is not None:
            usage = restore(Usage, run.usage) if run.usage else None
            return usage, max(0.0, (run.ended_at - task.created_at).total_seconds())
    return None, None


async def _render_end(parts: Parts, task: Task) -> str:
    """The final text of a task whose run left none."""
    published = f" What was published until then is in #{task.pull}." if task.pull else ""
    if not published and await parts.store.has_pushed(task.id):
        published = f" {render_left_branch(task.branch)}"
    if task.state is TaskState.CANCELLED:
        early = "" if task.leases_taken else ", before the work began"
        return f"{render_stop(task.cancel_reason)}{early}.{published}"
    if task.state is TaskState.DONE:
        return f"✅ **Done**: #{task.pull}" if task.pull else "✅ **Done**; the run says what came of it."
    return render_failure(f"This ended as {task.state.value}: {task.reason}.{published}", phase="", log="")
