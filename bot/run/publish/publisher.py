"""Publishing: deterministic code, never the model. Each write is an Effect, looked up before it is repeated.

One progress comment per task shows how far it is and, at the end, how it ended. A change becomes a commit on
a branch of Hob's own, a draft pull request, one review with the notes, a reply to the review comment that
asked, a check run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from bot.domain import ChangeSet, EffectKind, ProvenChange, Result, Run, Step, TaskKind, TaskState, Usage
from bot.errors import UserError
from bot.github.answers import Pull, Review
from bot.github.graphql.review_threads import SeenThread
from bot.github.http.responses import Locked
from bot.run.publish import check_run, description
from bot.run.publish.answer_threads import (
    answer_threads,
    list_said,
    require_asked,
    resolve_met_threads,
)
from bot.run.publish.context import PublishContext
from bot.run.publish.first_work import load_first_work
from bot.run.publish.fork_branch import LandingWay, render_patch_review
from bot.run.publish.progress_comment import ProgressComment
from bot.run.publish.push_change import push_change
from bot.run.publish.say_beside import REPLY, say_beside
from bot.tasks.store import Store
from bot.text.defuse import defuse

log = structlog.get_logger(__name__)


class Publisher:
    """Everything that a run writes on GitHub, in its order.

    ``where`` says where the change is to be found, when that is not the thread's pull request. ``refused``
    lists what GitHub did not take beside the pull request, and why.
    """

    def __init__(self, context: PublishContext, store: Store, run: Run) -> None:
        self.context = context
        self.comment = ProgressComment(context, store, run)
        self.where = ""
        self.refused: list[str] = []
        self._store = store
        self._run = run
        self._check_run: int | None = None  # the id of the one that shows the work
        self._said: set[str] = set()  # texts that stand in review threads

    async def begin(self) -> None:
        """Make the progress comment, or find the one that an earlier run made, and show the work as a check
        run.

        Where the conversation is locked, a change is made without a comment, and shown as a pull request.
        Raises Locked for a task whose only result is text.
        """
        task = self.context.task
        try:
            await self.comment.begin()
        except Locked:
            if task.kind.produces_only_text:
                raise
            log.warning("publish.locked", thread=task.thread.number)
        await self.try_step("check run", self._start_check_run())

    async def _start_check_run(self) -> None:
        self._check_run = await check_run.start_check_run(self.context)

    async def end(
        self,
        text: str,
        steps: Sequence[Step] = (),
        *,
        state: TaskState = TaskState.DONE,
        usage: Usage | None = None,
    ) -> None:
        """Write how the task ended on its check run and into the progress comment.

        Raises Retry when GitHub does not show the comment: no request ends unseen. Where the conversation is
        locked, a pull request shows the end; without one, the trigger gets a reaction and Locked is raised.
        """
        body = await self.comment.render_end(text, steps, usage)
        if not self.comment.exists:
            await self._begin_at_the_end()
        if self._check_run is not None:
            safe_text = await asyncio.to_thread(self.context.safe, text)
            await self.try_step(
                "check run",
                check_run.finish_check_run(self.context.api, self._check_run, state, safe_text),
            )
        if self.comment.exists:
            await self.comment.end(body)

    async def _begin_at_the_end(self) -> None:
        """Make what ``begin`` could not, or was not reached to make."""
        if self._check_run is None:
            await self.try_step("check run", self._start_check_run())
        try:
            await self.comment.begin()
        except Locked:
            task = self.context.task
            now = await self._store.get_task(task.id)
            if now is not None and now.pull:
                return
            talk = self.context.api.talk(task.thread)
            await self.try_step("reaction", talk.react(task.trigger, "confused"))
            raise

    async def publish(self, repo: Path, proven: ProvenChange) -> tuple[Pull, str]:
        """Push the change, open the pull request, review, reply, report. Returns the pull request and the
        commit.

        ``repo`` is an object store that has the base commit. Raises UserError when somebody else moved the
        branch or closed its pull request, and PushRefused. Every step may be repeated by another worker and
        then finds what is there. What GitHub refuses once the pull request is there (somebody deleted the
        remark that asked, or moved the branch) is noted in ``refused``: it does not undo the rest.
        """
        context, result = self.context, proven.result
        number = context.task.thread.number
        sha, way = await push_change(context, repo, proven)
        pull = await description.open_pull_request(context, proven, way)
        if pull.number != number:
            why = ", on a branch here, as I may not push to the fork" if way is LandingWay.HERE else ""
            self.where = f": {pull.url}{why}"
        await self._store.update_task(self._run, pull=pull.number)
        if way is LandingWay.PATCH:
            await self._post_patch(proven)
            await self.answer(replace(result, changes=ChangeSet(base=result.changes.base)))
            return pull, sha
        threads: Sequence[SeenThread] = ()
        if proven.head is not None and way is not LandingWay.HERE:
            await self._describe_again(pull, proven)
            threads = await context.api.review_threads.list_threads(pull.number)
        asked = threads
        if context.task.kind is TaskKind.REVISE and pull.number != number:
            asked = await context.api.review_threads.list_threads(number)
        await self.try_step("remarks", self._say_beside(pull.number, sha, result, threads, asked))
        await self.try_step("resolved threads", resolve_met_threads(context, sha, result, asked))
        return pull, sha

    async def _say_beside(
        self,
        pull: int,
        sha: str,
        result: Result,
        threads: Sequence[SeenThread],
        asked: Sequence[SeenThread],
    ) -> None:
        refused = await say_beside(self.context, pull, sha, result, threads=threads, asked=asked)
        self.refused += [f"{what}: {error.message}" for what, error in refused.items()]
        if REPLY not in refused:
            self._said |= list_said(self.context.task, sha, result, asked)
            await self.try_step("reply", self._require_asked(asked))

    async def _require_asked(self, threads: Sequence[SeenThread]) -> None:
        require_asked(self.context.task, threads)

    async def _describe_again(self, pull: Pull, proven: ProvenChange) -> None:
        first = await load_first_work(self._store, self.context.task, pull.number)
        step = description.update_description(self.context, pull, proven, first)
        await self.try_step("description", step)

    async def _post_patch(self, proven: ProvenChange) -> None:
        """The change as a review of the pull request that it is for."""
        context, fork, result = self.context, proven.fork, proven.result
        key = f"patch:task:{context.task.id}"
        assert fork and proven.head  # noqa: S101  a patch is for a fork's pull request
        head, url = proven.head, proven.run_url
        body = await asyncio.to_thread(
            lambda: context.safe(render_patch_review(fork, result.changes, result.diff, key, url))
        )
        await context.effects.once_as(
            Review,
            key,
            EffectKind.REVIEW,
            find=lambda: context.api.reviews.find(fork.number, key),
            do=lambda: context.api.reviews.create(fork.number, head, body),
        )
        self.where = ", as a patch in my review: I may not push it"

    async def answer(self, result: Result) -> None:
        """Reply in the review threads that asked why nothing was published."""
        task = self.context.task
        if task.kind in (TaskKind.REVISE, TaskKind.ANSWER) and task.trigger.kind.is_on_lines:
            threads = await self.context.api.review_threads.list_threads(task.thread.number)
            await self.try_step("reply", self._answer_threads(result, threads))

    async def _answer_threads(self, result: Result, threads: Sequence[SeenThread]) -> None:
        await answer_threads(self.context, "", result, threads)
        self._said |= list_said(self.context.task, "", result, threads)

    def leave_out_said(self, text: str, result: Result | None) -> str:
        """The final text; a summary that stands in the thread that asked is not said again below it."""
        if result is None or result.outcome.summary not in self._said:
            return text
        where = f"What I have to say stands [in the thread]({self.context.task.trigger.url})."
        return text.replace(defuse(result.outcome.summary), where, 1)

    async def try_step(self, what: str, step: Awaitable[None]) -> None:
        """Do one write beside the main one. A refusal is kept in ``refused`` and undoes nothing."""
        try:
            await step
        except UserError as refused:
            log.warning("publish.refused", what=what, reason=refused.message)
            self.refused.append(f"{what}: {refused.message}")
