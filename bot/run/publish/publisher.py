"""Publishing: deterministic code, never the model. Each write is an Effect, looked up before it is repeated.

One progress comment per task shows how far it is and, at the end, how it ended. A change becomes a commit on
a branch of Hob's own, a draft pull request, one review with the notes, a reply to the review comment that
asked, a check run.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bot.backoff import compute_backoff
from bot.domain import (
    ChangeSet,
    EffectKind,
    ProvenChange,
    Result,
    Run,
    Step,
    Task,
    TaskKind,
    TaskState,
    Usage,
)
from bot.errors import Parked, Retry, UserError
from bot.git.commit import BuiltCommit, build_commit
from bot.github.answers import Comment, Pull, Review
from bot.github.app import RepoApi
from bot.github.graphql.outcome import LAST_COMMENTS
from bot.github.graphql.review_threads import SeenThread
from bot.github.http.responses import Locked, NotFound
from bot.run.messages.commit_message import render_commit_message
from bot.run.messages.progress_comment import render_final, render_progress, task_mark
from bot.run.publish import check_run, description
from bot.run.publish.answer_threads import (
    answer_threads,
    list_said,
    require_asked,
    resolve_met_threads,
)
from bot.run.publish.branch import Landing
from bot.run.publish.context import PublishContext
from bot.run.publish.first_work import load_first_work
from bot.run.publish.fork_branch import ForkLanding, LandedCommit, LandingWay, render_patch_review
from bot.run.publish.say_beside import REPLY, say_beside
from bot.tasks.effects import Effects
from bot.tasks.store import Store
from bot.text.defuse import defuse, defuse_line
from bot.text.redact import Redactor
from bot.workspace.fork import add_skip_trailer, is_foreign, on_its_own

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 15.0  # for which GitHub may go on showing a thread as it was

CLOSED = "The pull request of `{}` was closed while I worked, so I pushed nothing to it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is on this GitHub, as commits need it."""

    login: str
    id: int
    email_domain: str

    @property
    def author(self) -> tuple[str, str]:
        """Name and e-mail of the commits' author."""
        return self.login, f"{self.id}+{self.login}@{self.email_domain}"


class Publisher:
    """Everything that a run writes on GitHub."""

    def __init__(
        self,
        store: Store,
        api: RepoApi,
        task: Task,
        run: Run,
        identity: Identity,
        redactor: Redactor,
        *,
        run_url: str,
    ) -> None:
        self.task = task
        self.run = run
        self.run_url = run_url
        self._api = api
        self._talk = api.talk(task.thread)
        self._store = store
        self._effects = Effects(store, run)
        self._identity = identity
        self._context = PublishContext(
            api=api, effects=self._effects, task=task, safe=redactor.text, run_url=run_url
        )
        self._check_run: int | None = None  # the id of the one that shows the work
        self._comment = task.progress_comment
        self._safe = redactor.text  # takes secrets out of whatever is written
        self.where = ""  # where the change is to be found, when that is not the thread's pull request
        self._said: set[str] = set()  # texts that stand in review threads
        self.refused: list[str] = []  # what GitHub did not take beside the pull request, and why

    @property
    def context(self) -> PublishContext:
        """For what is published beside a change."""
        return self._context

    async def begin(self) -> None:
        """Make the progress comment, or find the one that an earlier attempt made.

        Where the conversation is locked, a change is made without one, and shown as a pull request. Raises
        Locked for a task that has nothing but words to give.
        """
        try:
            await self._begin_comment()
        except Locked:
            if self.task.kind.produces_only_text:
                raise
            log.warning("publish.locked", thread=self.task.thread.number)
        await self.try_step("check run", self._start_check_run())

    async def _begin_comment(self) -> None:
        task = self.task
        body = render_progress(task, (), status=_render_working(task), run_url=self.run_url)
        comment = await self._effects.once_as(
            Comment,
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: self._talk.find_comment(task_mark(task)),
            do=lambda: self._talk.create_comment(body),
        )
        self._comment = comment.id
        await self._store.update_task(self.run, progress_comment=self._comment)
        if task.fence > 1:
            await self._say_again()

    async def _say_again(self) -> None:
        """Show that the work goes on, and what stopped it; no reason to stop it again."""
        try:
            await self.show(())
        except (UserError, Retry, Parked) as trouble:
            log.warning("publish.not_said_again", reason=str(trouble))

    async def _start_check_run(self) -> None:
        self._check_run = await check_run.start_check_run(self._context)

    async def show(self, steps: Sequence[Step], remarks: Sequence[str] = ()) -> None:
        """Edit the progress comment, if there is one, to show the present plan."""
        if not self._comment:
            return
        status = "\n\n".join((_render_working(self.task), *remarks))

        def render() -> str:
            return self._safe(render_progress(self.task, steps, status=status, run_url=self.run_url))

        await self._talk.edit_comment(self._comment, await asyncio.to_thread(render))

    async def show_wait(self, reason: str) -> None:
        """Edit the progress comment, if there is one, to say what is waited for."""
        if self._comment:
            status = f"⏸️ I wait, and go on by myself: {defuse_line(reason).rstrip('.')}."
            body = render_progress(self.task, (), status=status, run_url=self.run_url)
            await self._talk.edit_comment(self._comment, self._safe(body))

    async def end(
        self,
        text: str,
        steps: Sequence[Step] = (),
        *,
        state: TaskState = TaskState.DONE,
        usage: Usage | None = None,
    ) -> None:
        """The progress comment's last edit, read back; made anew when somebody deleted it meanwhile.

        Raises Retry when GitHub does not show it: no request ends unseen. Where the conversation is locked, a
        pull request shows it; without one, the trigger gets a reaction and Locked is raised.
        """
        seconds = max(0.0, (datetime.now(UTC) - self.task.created_at).total_seconds())

        def render() -> str:
            return self._safe(
                render_final(self.task, steps, text=text, run_url=self.run_url, usage=usage, seconds=seconds)
            )

        body = await asyncio.to_thread(render)
        if not self._comment:
            await self._begin_at_the_end()
        if self._check_run is not None:
            await self.try_step(
                "check run",
                check_run.finish_check_run(
                    self._api, self._check_run, state, await asyncio.to_thread(self._safe, text)
                ),
            )
        if not self._comment:
            return
        self._comment = await replace_comment(self._api, self.task, self._comment, body)
        await self._require_shown()

    async def _require_shown(self) -> None:
        """Read the comment back; GitHub's answers lag at times, so more than once. Raises Retry."""
        waited = 0.0
        for look in itertools.count(1):
            if await self._is_shown():
                return
            pause = compute_backoff(look, first=0.5, longest=5.0)
            if waited + pause > SETTLE_SECONDS:
                raise Retry("GitHub does not show the final comment yet", after=10.0)
            await asyncio.sleep(pause)
            waited += pause

    async def _is_shown(self) -> bool:
        """Whether the thread shows the comment; in a longer one it may stand further up than one looks."""
        mark = task_mark(self.task)
        if self.task.thread.is_discussion:
            return await self._talk.find_comment(mark) is not None
        seen = await self._api.outcome.read(self.task.thread.number, self.task.branch)
        return len(seen.comments) >= LAST_COMMENTS or seen.comment(mark) is not None

    async def _begin_at_the_end(self) -> None:
        if self._check_run is None:
            await self.try_step("check run", self._start_check_run())
        try:
            await self._begin_comment()
        except Locked:
            now = await self._store.get_task(self.task.id)
            if now is not None and now.pull:
                return
            task = self.task
            said = self._talk.react(task.trigger, "confused")
            await self.try_step("reaction", said)
            raise

    async def publish(self, repo: Path, proven: ProvenChange) -> tuple[Pull, str]:
        """Push the change, open the pull request, review, reply, report. Returns the pull request and the
        commit.

        ``repo`` is an object store that has the base commit. Raises UserError when somebody else moved the
        branch or closed its pull request. Every step may be repeated by another worker and then finds what
        is there. What GitHub refuses once the pull request is there (somebody deleted the remark that asked,
        or moved the branch) is noted in ``refused``: it does not undo the rest.
        """
        result, number = proven.result, self.task.thread.number
        sha, way = await self._push_commit(repo, proven)
        pull = await description.open_pull_request(self._context, proven, way)
        if pull.number != number:
            why = ", on a branch here, as I may not push to the fork" if way is LandingWay.HERE else ""
            self.where = f": {pull.url}{why}"
        await self._store.update_task(self.run, pull=pull.number)
        if way is LandingWay.PATCH:
            await self._post_patch(proven)
            await self.answer(replace(result, changes=ChangeSet(base=result.changes.base)))
            return pull, sha
        threads: Sequence[SeenThread] = ()
        if proven.head is not None and way is not LandingWay.HERE:
            await self._describe_again(pull, proven)
            threads = await self._api.review_threads.list_threads(pull.number)
        asked = threads
        if self.task.kind is TaskKind.REVISE and pull.number != number:
            asked = await self._api.review_threads.list_threads(number)
        await self.try_step("remarks", self._say_beside(pull.number, sha, result, threads, asked))
        await self.try_step("resolved threads", resolve_met_threads(self._context, sha, result, asked))
        return pull, sha

    async def _say_beside(
        self,
        pull: int,
        sha: str,
        result: Result,
        threads: Sequence[SeenThread],
        asked: Sequence[SeenThread],
    ) -> None:
        refused = await say_beside(self._context, pull, sha, result, threads=threads, asked=asked)
        self.refused += [f"{what}: {error.message}" for what, error in refused.items()]
        if REPLY not in refused:
            self._said |= list_said(self.task, sha, result, asked)
            await self.try_step("reply", self._require_asked(asked))

    async def _require_asked(self, threads: Sequence[SeenThread]) -> None:
        require_asked(self.task, threads)

    async def _describe_again(self, pull: Pull, proven: ProvenChange) -> None:
        first = await load_first_work(self._store, self.task, pull.number)
        step = description.update_description(self._context, pull, proven, first)
        await self.try_step("description", step)

    async def _post_patch(self, proven: ProvenChange) -> None:
        """The change as a review of the pull request that it is for."""
        fork, result, key = proven.fork, proven.result, f"patch:task:{self.task.id}"
        assert fork and proven.head  # noqa: S101  a patch is for a fork's pull request
        head, url = proven.head, proven.run_url
        body = await asyncio.to_thread(
            lambda: self._safe(render_patch_review(fork, result.changes, result.diff, key, url))
        )
        await self._effects.once_as(
            Review,
            key,
            EffectKind.REVIEW,
            find=lambda: self._api.reviews.find(fork.number, key),
            do=lambda: self._api.reviews.create(fork.number, head, body),
        )
        self.where = ", as a patch in my review: I may not push it"

    async def answer(self, result: Result) -> None:
        """Reply in the review threads that asked why nothing was published."""
        kinds = (TaskKind.REVISE, TaskKind.ANSWER)
        if self.task.kind in kinds and self.task.trigger.kind.is_on_lines:
            threads = await self._api.review_threads.list_threads(self.task.thread.number)
            await self.try_step("reply", self._answer_threads("", result, threads))

    async def _answer_threads(self, sha: str, result: Result, threads: Sequence[SeenThread]) -> None:
        await answer_threads(self._context, sha, result, threads)
        self._said |= list_said(self.task, sha, result, threads)

    def leave_out_said(self, text: str, result: Result | None) -> str:
        """The final text; a summary that stands in the thread that asked is not said again below it."""
        if result is None or result.outcome.summary not in self._said:
            return text
        where = f"What I have to say stands [in the thread]({self.task.trigger.url})."
        return text.replace(defuse(result.outcome.summary), where, 1)

    async def try_step(self, what: str, step: Awaitable[None]) -> None:
        """Do one write beside the main one. A refusal is kept in ``refused`` and undoes nothing."""
        try:
            await step
        except UserError as refused:
            log.warning("publish.refused", what=what, reason=refused.message)
            self.refused.append(f"{what}: {refused.message}")

    def _render_message(self, proven: ProvenChange, *, here: bool) -> str:
        """The commit's message; ``here``: it goes to a branch in this repository."""
        message = render_commit_message(
            self.task,
            proven.result.outcome,
            run_url=proven.run_url,
            email_domain=self._identity.email_domain,
        )
        return add_skip_trailer(message) if here and is_foreign(proven.branch) else message

    async def _build_commit(self, repo: Path, proven: ProvenChange, message: str) -> BuiltCommit:
        return await asyncio.to_thread(
            build_commit,
            repo,
            parent=proven.result.changes.base,
            changes=proven.result.changes,
            message=message,
            author=self._identity.author,
            at=self.task.created_at,
        )

    async def _push_commit(self, repo: Path, proven: ProvenChange) -> tuple[str, LandingWay]:
        """The sha of the change's commit where it landed, GitHub's own where it could sign it; and for a
        fork's pull request which way it went.
        """
        changes, url = proven.result.changes, self.task.repo.clone_url
        message = self._render_message(proven, here=True)
        built = await self._build_commit(repo, proven, message)
        if proven.fork:
            theirs = await self._build_commit(repo, proven, self._render_message(proven, here=False))
            head = proven.head or changes.base
            away = ForkLanding(self._api, url, proven.fork, head=head, built=theirs, here=built)
            return await self._push_once(
                proven, theirs, find=away.find, do=lambda: away.land(proven.protected)
            )
        landing = Landing(
            self._api,
            url,
            branch=proven.branch,
            head=proven.head,
            built=built,
            message=message,
            prefix=proven.prefix,
        )

        async def find() -> LandedCommit | None:
            sha = await landing.find(changes)
            return LandedCommit(sha=sha, way=LandingWay.OWN_BRANCH) if sha else None

        async def do() -> LandedCommit:
            return LandedCommit(sha=await landing.land(repo, changes), way=LandingWay.OWN_BRANCH)

        return await self._push_once(proven, built, find=find, do=do)

    async def _push_once(
        self,
        proven: ProvenChange,
        built: BuiltCommit,
        *,
        find: Callable[[], Awaitable[LandedCommit | None]],
        do: Callable[[], Awaitable[LandedCommit]],
    ) -> tuple[str, LandingWay]:
        async def push_if_open() -> LandedCommit:
            await self._require_open(proven)
            return await do()

        key = f"task:{self.task.id}:push:{built.sha}"
        landed = await self._effects.once_as(LandedCommit, key, EffectKind.PUSH, find=find, do=push_if_open)
        return landed.sha or "", landed.way

    async def _require_open(self, proven: ProvenChange) -> None:
        """A branch that was there has a pull request, and closing that is how a person says no."""
        if proven.head is None:
            return
        if proven.fork or on_its_own(self.task, proven.branch):
            pull: Pull | None = await self._api.pulls.get(self.task.thread.number)
        else:
            pull = await self._api.pulls.find_by_branch(proven.branch)
        if pull is None or not pull.is_open:
            raise UserError(CLOSED.format(proven.branch), phase="publish")


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
