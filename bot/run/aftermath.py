"""Tasks that ended without a run that could say so: the worker died, or they were stopped in the queue."""

from __future__ import annotations

from bot.domain import EffectKind, Task, TaskState
from bot.run import report
from bot.run.pipeline import Parts
from bot.tasks.effects import Effects

STOPPED = "🛑 **Stopped**, as asked, before the work began."


async def tell_end(parts: Parts, task_id: int) -> None:
    """Write how the task ended into its progress comment, or into a new one."""
    task = await parts.store.task(task_id)
    if task is None:
        return
    api = parts.github.for_repo(task.installation, task.repo.id, task.repo.owner, task.repo.name)
    body = report.final(task, (), text=_text(task), run_url=f"{parts.settings.base_url}/tasks/{task.id}")
    comment = task.progress_comment
    if not comment:
        made = await Effects(parts.store, task=task.id).once(
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: api.find_comment(task.thread.number, report.task_mark(task)),
            do=lambda: api.comment(task.thread.number, body),
        )
        comment = int(made["id"])
    await api.edit_comment(comment, body)


def _text(task: Task) -> str:
    if task.state is TaskState.CANCELLED:
        return STOPPED
    if task.state is TaskState.DONE:
        return f"✅ **Done**: #{task.pull}" if task.pull else "✅ **Done**; the run says what came of it."
    return report.failure(f"This ended as {task.state.value}: {task.reason}.", phase="", log="")
