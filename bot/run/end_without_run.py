"""Tasks that ended without a run that could say so: the worker died, they were stopped in the queue, or
GitHub could not be told when they ended.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from bot.domain import EffectKind, Task, TaskState
from bot.errors import Parked, UserError
from bot.run.messages import report
from bot.run.pipeline import Parts
from bot.run.publish import check_run
from bot.run.publish.publisher import settle_comment
from bot.run.task_end import load_task_end
from bot.tasks.effects import Effects

log = structlog.get_logger(__name__)

STOPPED = "🛑 **Stopped**, as asked"
TELL_SECONDS = 86400.0  # how long GitHub's refusals are taken for something that somebody mends


async def notify_end(parts: Parts, task_id: int) -> None:
    """Write how the task ended into its progress comment, or into a new one.

    Where GitHub refuses (the repository is gone, the thread locked, the app uninstalled) it is tried again,
    ever more rarely, for a day. Raises Retry and Parked for another time.
    """
    task = await parts.store.task(task_id)
    if task is None:
        return
    try:
        await _tell(parts, task)
    except UserError as refused:
        age = (datetime.now(UTC) - task.updated_at).total_seconds()
        if age < TELL_SECONDS:
            raise Parked(refused.message, after=max(60.0, age)) from None
        log.warning("task.cannot_be_told", reason=refused.message)


async def _tell(parts: Parts, task: Task) -> None:
    api = parts.github.for_repo(task.installation, task.repo.id, task.repo.owner, task.repo.name)
    ended = load_task_end(await parts.store.changes(task.id))
    text = ended.text if ended else _text(task)
    body = report.render_final(task, (), text=text, run_url=f"{parts.settings.base_url}/tasks/{task.id}")
    comment = task.progress_comment
    if not comment:
        made = await Effects(parts.store, task=task.id).once(
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: api.find_comment(task.thread.number, report.task_mark(task)),
            do=lambda: api.comment(task.thread.number, body),
        )
        comment = int(made["id"])
    await settle_comment(api, task, comment, body)
    shown = await Effects(parts.store, task=task.id).get(check_run.key(task))
    if shown is not None and shown.done:
        await check_run.finish_check_run(api, int(shown.answer["id"]), task.state, text)


def _text(task: Task) -> str:
    """The words for an end that no run found any for."""
    published = f" What was published until then is in #{task.pull}." if task.pull else ""
    if task.state is TaskState.CANCELLED:
        return f"{STOPPED}{'' if task.leases_taken else ', before the work began'}.{published}"
    if task.state is TaskState.DONE:
        return f"✅ **Done**: #{task.pull}" if task.pull else "✅ **Done**; the run says what came of it."
    return report.render_failure(
        f"This ended as {task.state.value}: {task.reason}.{published}", phase="", log=""
    )
