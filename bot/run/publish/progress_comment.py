"""The one comment of a task on its thread: made as a run begins, edited until its end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from bot.backoff import compute_backoff
from bot.domain import EffectKind, Run, Step, Task, Usage
from bot.errors import Parked, Retry, UserError
from bot.github.answers import Comment
from bot.github.app import RepoApi
from bot.github.graphql.outcome import LAST_COMMENTS
from bot.github.http.responses import NotFound
from bot.run.messages.progress_comment import render_final, render_progress, task_mark
from bot.run.publish.context import PublishContext
from bot.tasks.store import Store
from bot.text.defuse import defuse_line

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 15.0  # for which GitHub may go on showing a thread as it was


class ProgressComment:
    """Makes and edits the task's progress comment. A task may have none: its conversation can be locked."""

    def __init__(self, context: PublishContext, store: Store, run: Run) -> None:
        self._context = context
        self._store = store
        self._run = run
        self._talk = context.api.talk(context.task.thread)
        self._id = context.task.progress_comment  # 0 while there is none

    @property
    def exists(self) -> bool:
        """Whether the task has a comment."""
        return bool(self._id)

    @property
    def is_crowded(self) -> bool:
        """Whether the installation is short of requests, so that the comment should be edited rarely."""
        return self._context.api.is_crowded

    async def begin(self) -> None:
        """Make the comment, or find the one that an earlier run made. Raises Locked."""
        task = self._context.task
        body = render_progress(task, (), status=_render_working(task), run_url=self._context.run_url)
        comment = await self._context.effects.once_as(
            Comment,
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: self._talk.find_comment(task_mark(task)),
            do=lambda: self._talk.create_comment(body),
        )
        self._id = comment.id
        await self._store.update_task(self._run, progress_comment=self._id)
        if task.fence > 1:
            await self._show_resumed()

    async def _show_resumed(self) -> None:
        """Show that the work goes on, and what stopped it; a refusal of this is no reason to stop again."""
        try:
            await self.show(())
        except (UserError, Retry, Parked) as trouble:
            log.warning("publish.resumption_not_shown", reason=str(trouble))

    async def show(self, steps: Sequence[Step], remarks: Sequence[str] = ()) -> None:
        """Edit the comment, if there is one, to show the present plan."""
        if not self._id:
            return
        context = self._context
        status = "\n\n".join((_render_working(context.task), *remarks))

        def render() -> str:
            return context.safe(render_progress(context.task, steps, status=status, run_url=context.run_url))

        await self._talk.edit_comment(self._id, await asyncio.to_thread(render))

    async def show_wait(self, reason: str) -> None:
        """Edit the comment, if there is one, to say what is waited for."""
        if self._id:
            context = self._context
            status = f"⏸️ I wait, and go on by myself: {defuse_line(reason).rstrip('.')}."
            body = render_progress(context.task, (), status=status, run_url=context.run_url)
            await self._talk.edit_comment(self._id, context.safe(body))

    async def render_end(self, text: str, steps: Sequence[Step], usage: Usage | None) -> str:
        """The comment's body for a task that ends now with ``text``."""
        context, task = self._context, self._context.task
        seconds = max(0.0, (datetime.now(UTC) - task.created_at).total_seconds())

        def render() -> str:
            return context.safe(
                render_final(task, steps, text=text, run_url=context.run_url, usage=usage, seconds=seconds)
            )

        return await asyncio.to_thread(render)

    async def end(self, body: str) -> None:
        """The comment's last edit, read back; it is made anew when somebody deleted it meanwhile.

        Raises Retry when GitHub does not show it after ``SETTLE_SECONDS``.
        """
        self._id = await replace_comment(self._context.api, self._context.task, self._id, body)
        waited = 0.0  # GitHub's answers lag at times, so it is looked for more than once
        for look in itertools.count(1):
            if await self._is_shown():
                return
            pause = compute_backoff(look, first=0.5, longest=5.0)
            if waited + pause > SETTLE_SECONDS:
                raise Retry("GitHub does not show the final comment yet", after=10.0)
            await asyncio.sleep(pause)
            waited += pause

    async def _is_shown(self) -> bool:
        """Whether the thread shows the comment; where the thread is longer than what is read, assume so."""
        task = self._context.task
        mark = task_mark(task)
        if task.thread.is_discussion:
            return await self._talk.find_comment(mark) is not None
        seen = await self._context.api.outcome.read(task.thread.number, task.branch)
        return len(seen.comments) >= LAST_COMMENTS or seen.comment(mark) is not None


async def replace_comment(api: RepoApi, task: Task, comment: int, body: str) -> int:
    """Edit the task's one comment to ``body``, and return its id.

    When somebody deleted it, the comment that bears the task's mark is edited, else a new one is made.
    """
    talk = api.talk(task.thread)
    try:
        await talk.edit_comment(comment, body)
    except NotFound:
        found = await talk.find_comment(task_mark(task))
        if found is None:
            return (await talk.create_comment(body)).id
        comment = found.id
        await talk.edit_comment(comment, body)
    return comment


def _render_working(task: Task) -> str:
    if task.fence <= 1:
        return "👀 I am on it."
    before = f" Before, this stopped me: {defuse_line(task.reason).rstrip('.')}." if task.reason else ""
    return f"👀 I am on it again.{before}"
