"""Publishing: deterministic code, never the model. Each write is an Effect, looked up before it is repeated.

One progress comment per task tells how it stands and, at the end, how it ended. A change becomes a commit on
a branch of Hob's own, a draft pull request, one review with the notes, a reply to the review comment that
asked, a check run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from bot.domain import ChangeSet, EffectKind, Result, Run, Step, Task, TaskKind, TaskState
from bot.errors import Retry, UserError
from bot.git.commit import Built, build_commit
from bot.github.app import RepoApi
from bot.github.responses import NotFound
from bot.github.review_threads import LAST_COMMENTS, SeenThread
from bot.run.messages import report
from bot.run.proven_change import ProvenChange
from bot.run.publish import check_run, description, review_comments
from bot.run.publish.branch import Landing
from bot.run.publish.context import PublishContext
from bot.tasks.effects import Effects
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.fork import HERE, PATCH, SKIP, ForkLanding, as_patch, is_foreign, on_its_own

Answer = dict[str, Any]
log = structlog.get_logger(__name__)

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
    """A run's voice on GitHub: everything it writes there goes through here."""

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
        self._store = store
        self._effects = Effects(store, run)
        self._identity = identity
        self._voice = PublishContext(
            api=api, effects=self._effects, task=task, safe=redactor.text, run_url=run_url
        )
        self._check = 0
        self._comment = task.progress_comment
        self._safe = redactor.text  # the last look at whatever is written
        self.where = ""  # where the change is to be found, when that is not the thread's pull request
        self.refused: list[str] = []  # what GitHub did not take beside the pull request, and why

    @property
    def context(self) -> PublishContext:
        """For what is said beside a change."""
        return self._voice

    async def begin(self) -> None:
        """Make the progress comment, or find the one that an earlier attempt made."""
        task = self.task
        body = report.render_progress(task, (), status=_working(task), run_url=self.run_url)
        comment = await self._effects.once(
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: self._api.find_comment(task.thread.number, report.task_mark(task)),
            do=lambda: self._api.comment(task.thread.number, body),
        )
        self._comment = int(comment["id"])
        await self._store.update_task(self.run, progress_comment=self._comment)
        await self._beside("check run", self._at_work())

    async def _at_work(self) -> None:
        self._check = await check_run.start_check_run(self._voice)

    async def show(self, steps: Sequence[Step], remarks: Sequence[str] = ()) -> None:
        """Edit the progress comment to the plan as it stands."""
        status = "\n\n".join((_working(self.task), *remarks))
        body = report.render_progress(self.task, steps, status=status, run_url=self.run_url)
        await self._api.edit_comment(self._comment, self._safe(body))

    async def end(self, text: str, steps: Sequence[Step] = (), *, state: TaskState = TaskState.DONE) -> None:
        """The progress comment's last edit, read back; made anew when somebody deleted it meanwhile.

        Raises Retry when GitHub does not show it: no request ends unseen.
        """
        body = self._safe(report.render_final(self.task, steps, text=text, run_url=self.run_url))
        if not self._comment:
            await self.begin()
        if self._check:
            await self._beside(
                "check run", check_run.finish_check_run(self._api, self._check, state, self._safe(text))
            )
        self._comment = await settle_comment(self._api, self.task, self._comment, body)
        seen = await self._api.read_outcome(self.task.thread.number, self.task.branch)
        short = len(seen.comments) < LAST_COMMENTS  # in a longer thread it may stand further up
        if short and not seen.comment(report.task_mark(self.task)):
            raise Retry("GitHub does not show the final comment yet", after=10.0)

    async def publish(self, repo: Path, proven: ProvenChange) -> tuple[Mapping[str, Any], str]:
        """Push the change, open the pull request, review, reply, report. Returns the pull request and the
        commit.

        ``repo`` is an object store that has the base commit. Raises UserError when somebody else moved the
        branch or closed its pull request. Every step may be repeated by another worker and then finds what
        is there. What GitHub refuses once the pull request is there (somebody deleted the remark that asked,
        or moved the branch) is noted in ``refused``: it does not undo the rest.
        """
        result, number = proven.result, self.task.thread.number
        sha, way = await self._landed(repo, proven)
        pull = await description.open_pull_request(self._voice, proven, way)
        if int(pull["number"]) != number:
            self.where = f": {pull['html_url']}"
        await self._store.update_task(self.run, pull=int(pull["number"]))
        if way == PATCH:
            await self._patch(proven)
            await self.answer(replace(result, changes=ChangeSet(base=result.changes.base)))
            return pull, sha
        threads: Sequence[SeenThread] = ()
        if proven.head is not None and way != HERE:
            await self._beside("description", description.update_description(self._voice, pull, proven))
            threads = await self._api.review_threads(int(pull["number"]))
        await self._beside(
            "review", review_comments.post_review(self._voice, int(pull["number"]), sha, result, threads)
        )
        if self.task.kind is TaskKind.REVISE and int(pull["number"]) != number:
            threads = await self._api.review_threads(number)
        await self._beside("reply", review_comments.answer_threads(self._voice, sha, result, threads))
        await self._beside("check run", check_run.publish_proof(self._voice, sha, result.proof))
        return pull, sha

    async def _patch(self, proven: ProvenChange) -> None:
        """The change as a review of the pull request that it is for."""
        fork, result, key = proven.fork, proven.result, f"patch:task:{self.task.id}"
        assert fork and proven.head  # noqa: S101  a patch is for a fork's pull request
        head, url = proven.head, proven.run_url
        body = self._safe(as_patch(fork, result.changes, result.diff, key, url))
        await self._effects.once(
            key,
            EffectKind.REVIEW,
            find=lambda: self._api.find_review(fork.number, key),
            do=lambda: self._api.review(fork.number, head, body),
        )
        self.where = ", as a patch in my review: I may not push it"

    async def answer(self, result: Result) -> None:
        """Say in the threads that asked why nothing was published."""
        kinds = (TaskKind.REVISE, TaskKind.ANSWER)
        if self.task.kind in kinds and self.task.trigger.kind in review_comments.ON_LINES:
            threads = await self._api.review_threads(self.task.thread.number)
            await self._beside("reply", review_comments.answer_threads(self._voice, "", result, threads))

    async def _beside(self, what: str, step: Awaitable[None]) -> None:
        try:
            await step
        except UserError as refused:
            log.warning("publish.refused", what=what, reason=refused.message)
            self.refused.append(f"{what}: {refused.message}")

    def _message(self, proven: ProvenChange, *, here: bool) -> str:
        """The commit's message; ``here``: it goes to a branch in this repository."""
        told = report.render_commit_message(
            self.task,
            proven.result.outcome,
            run_url=proven.run_url,
            email_domain=self._identity.email_domain,
        )
        if not here or not is_foreign(proven.branch):
            return told
        title, _, rest = told.partition("\n\n")
        return f"{title}\n\n{SKIP}{rest}"

    async def _commit(self, repo: Path, proven: ProvenChange, message: str) -> Built:
        return await asyncio.to_thread(
            build_commit,
            repo,
            parent=proven.result.changes.base,
            changes=proven.result.changes,
            message=message,
            author=self._identity.author,
            at=self.task.created_at,
        )

    async def _landed(self, repo: Path, proven: ProvenChange) -> tuple[str, str]:
        """The sha of the change's commit where it landed, GitHub's own where it could sign it; and for a
        fork's pull request which way it went.
        """
        changes, url = proven.result.changes, self.task.repo.clone_url
        message = self._message(proven, here=True)
        built = await self._commit(repo, proven, message)
        if proven.fork:
            theirs = await self._commit(repo, proven, self._message(proven, here=False))
            head = proven.head or changes.base
            away = ForkLanding(self._api, url, proven.fork, head=head, built=theirs, here=built)
            return await self._pushed(proven, theirs, find=away.found, do=lambda: away.land(proven.protected))
        landing = Landing(
            self._api, url, branch=proven.branch, head=proven.head, built=built, message=message
        )

        async def find() -> Answer | None:
            sha = await landing.found(changes)
            return {"sha": sha} if sha else None

        async def do() -> Answer:
            return {"sha": await landing.land(repo, changes)}

        return await self._pushed(proven, built, find=find, do=do)

    async def _pushed(
        self,
        proven: ProvenChange,
        built: Built,
        *,
        find: Callable[[], Awaitable[Answer | None]],
        do: Callable[[], Awaitable[Answer]],
    ) -> tuple[str, str]:
        async def unless_closed() -> Answer:
            await self._still_open(proven)
            return await do()

        key = f"task:{self.task.id}:push:{built.sha}"
        landed = await self._effects.once(key, EffectKind.PUSH, find=find, do=unless_closed)
        return str(landed["sha"]), str(landed.get("way", ""))

    async def _still_open(self, proven: ProvenChange) -> None:
        """A branch that was there has a pull request, and closing that is how a person says no."""
        if proven.head is None:
            return
        if proven.fork or on_its_own(self.task, proven.branch):
            pull: Answer | None = await self._api.pull(self.task.thread.number)
        else:
            pull = await self._api.pull_by_head(proven.branch)
        if pull is None or pull["state"] != "open":
            raise UserError(CLOSED.format(proven.branch), phase="publish")


async def settle_comment(api: RepoApi, task: Task, comment: int, body: str) -> int:
    """Have ``body`` stand in the task's one comment, and return its id.

    When somebody deleted that one, it is the one that bears the task's mark, else a new one.
    """
    try:
        await api.edit_comment(comment, body)
    except NotFound:
        number = task.thread.number
        found = await api.find_comment(number, report.task_mark(task))
        if found is None:
            return int((await api.comment(number, body))["id"])
        comment = int(found["id"])
        await api.edit_comment(comment, body)
    return comment


def _working(task: Task) -> str:
    again = " again" if task.leases_taken > 1 else ""
    return f"👀 I am on it{again}."
