"""Publishing: deterministic code, never the model. Each write is an Effect, looked up before it is repeated.

One progress comment per task tells how it stands and, at the end, how it ended. A change becomes a commit on
a branch of Hob's own, a draft pull request, one review with the notes, a reply to the review comment that
asked, a check run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.domain import EffectKind, Note, Result, Run, Step, Task, TaskKind, TriggerKind
from bot.errors import Retry, UserError
from bot.git.commit import Built, build_commit
from bot.git.diff import commentable_lines
from bot.git.push import HeadMoved, push
from bot.github.answers import NotFound
from bot.github.app import RepoApi
from bot.github.graphql import LAST_COMMENTS
from bot.github.tokens import Purpose
from bot.redact import Redactor
from bot.run import report
from bot.run.handover import Handover
from bot.run.quiet import quiet
from bot.tasks.effects import Effects
from bot.tasks.store import Store

Answer = dict[str, Any]
log = structlog.get_logger(__name__)

MOVED = (
    "`{}` was changed by somebody else while I worked, so I left it alone. Ask again and I will go on from "
    "there."
)
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
        self._comment = task.progress_comment
        self._safe = redactor.text  # the last look at whatever is written
        self.refused: list[str] = []  # what GitHub did not take beside the pull request, and why

    async def begin(self) -> None:
        """Make the progress comment, or find the one that an earlier attempt made."""
        task = self.task
        body = report.progress(task, (), status=_working(task), run_url=self.run_url)
        comment = await self._effects.once(
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: self._api.find_comment(task.thread.number, report.task_mark(task)),
            do=lambda: self._api.comment(task.thread.number, body),
        )
        self._comment = int(comment["id"])
        await self._store.update_task(self.run, progress_comment=self._comment)

    async def show(self, steps: Sequence[Step], remarks: Sequence[str] = ()) -> None:
        """Edit the progress comment to the plan as it stands."""
        status = "\n\n".join((_working(self.task), *remarks))
        body = report.progress(self.task, steps, status=status, run_url=self.run_url)
        await self._api.edit_comment(self._comment, self._safe(body))

    async def end(self, text: str, steps: Sequence[Step] = ()) -> None:
        """The progress comment's last edit, read back; made anew when somebody deleted it meanwhile.

        Raises Retry when GitHub does not show it: no request ends unseen.
        """
        body = self._safe(report.final(self.task, steps, text=text, run_url=self.run_url))
        if not self._comment:
            await self.begin()
        self._comment = await settle_comment(self._api, self.task, self._comment, body)
        seen = await self._api.read_outcome(self.task.thread.number, self.task.branch)
        short = len(seen.comments) < LAST_COMMENTS  # in a longer thread it may stand further up
        if short and not seen.comment(report.task_mark(self.task)):
            raise Retry("GitHub does not show the final comment yet", after=10.0)

    async def publish(self, repo: Path, handover: Handover) -> Mapping[str, Any]:
        """Push the change, open the pull request, review, reply, report. Returns the pull request.

        ``repo`` is an object store that has the base commit. Raises UserError when somebody else moved the
        branch or closed its pull request. Every step may be repeated by another worker and then finds what
        is there. What GitHub refuses once the pull request is there (somebody deleted the remark that asked,
        or moved the branch) is noted in ``refused``: it does not undo the rest.
        """
        result = handover.result
        built = await self._commit(repo, handover)
        await self._push(built, handover)
        pull = await self._pull(handover)
        number = int(pull["number"])
        await self._store.update_task(self.run, pull=number)
        await self._beside("review", self._review(number, built, result))
        await self._beside("reply", self._reply(number, built, result))
        await self._beside("check run", self._check_run(built, handover))
        return pull

    async def _beside(self, what: str, step: Awaitable[None]) -> None:
        try:
            await step
        except UserError as refused:
            log.warning("publish.refused", what=what, reason=refused.message)
            self.refused.append(f"{what}: {refused.message}")

    async def _commit(self, repo: Path, handover: Handover) -> Built:
        message = report.commit_message(
            self.task,
            handover.result.outcome,
            run_url=handover.run_url,
            email_domain=self._identity.email_domain,
        )
        return await asyncio.to_thread(
            build_commit,
            repo,
            parent=handover.result.changes.base,
            changes=handover.result.changes,
            message=message,
            author=self._identity.author,
            at=self.task.created_at,
        )

    async def _push(self, built: Built, handover: Handover) -> None:
        async def do() -> Answer:
            await self._still_open(handover)
            token = await self._api.token(Purpose.PUBLISH)
            try:
                await push(
                    self.task.repo.clone_url,
                    token=token,
                    branch=handover.branch,
                    built=built,
                    expected=handover.head,
                )
            except HeadMoved:
                raise UserError(MOVED.format(handover.branch), phase="publish") from None
            return {"sha": built.sha}

        await self._effects.once(f"task:{self.task.id}:push:{built.sha}", EffectKind.PUSH, find=None, do=do)

    async def _still_open(self, handover: Handover) -> None:
        """A branch that was there has a pull request, and closing that is how a person says no."""
        if handover.head is None:
            return
        if self.task.kind is TaskKind.REVISE:
            pull: Answer | None = await self._api.pull(self.task.thread.number)
        else:
            pull = await self._api.pull_by_head(handover.branch)
        if pull is None or pull["state"] != "open":
            raise UserError(CLOSED.format(handover.branch), phase="publish")

    async def _pull(self, handover: Handover) -> Answer:
        """The branch's pull request, opened unless it was: one that a person closed meanwhile counts."""
        task, result = self.task, handover.result
        if task.kind is TaskKind.REVISE:
            return await self._api.pull(task.thread.number)
        existing = await self._api.pull_by_head(handover.branch)
        if existing is not None:
            return existing
        title = self._safe(report.title(task, result.outcome))
        body = self._safe(
            report.pull_body(
                task, result, hidden=handover.hidden, run_url=handover.run_url, choice=handover.choice
            )
        )
        base = task.repo.default_branch
        return await self._effects.once(
            f"task:{task.id}:pull:{handover.branch}",
            EffectKind.PULL,
            find=lambda: self._api.pull_by_head(handover.branch),
            do=lambda: self._api.open_pull(title, body, handover.branch, base),
        )

    async def _review(self, pull: int, built: Built, result: Result) -> None:
        """One review with all notes; a note that is off the diff goes into the review's body."""
        lines = commentable_lines(result.diff)
        on: list[Note] = []
        off: list[Note] = []
        for note in result.outcome.notes:
            (on if note.line in lines.get(note.path, set()) else off).append(note)
        if not on and not off:
            return
        mark = f"review:{built.sha}"
        body = self._safe(report.review_body(off, mark))
        comments = [
            {"path": note.path, "line": note.line, "side": "RIGHT", "body": self._safe(quiet(note.text))}
            for note in on
        ]
        await self._effects.once(
            f"task:{self.task.id}:review:{built.sha}",
            EffectKind.REVIEW,
            find=lambda: self._api.find_review(pull, mark),
            do=lambda: self._api.review(pull, built.sha, body, comments),
        )

    async def _reply(self, pull: int, built: Built, result: Result) -> None:
        """Answer the review comment that asked; with the agent's own words where it gave some."""
        trigger = self.task.trigger
        if trigger.kind is not TriggerKind.REVIEW_COMMENT:
            return
        mark = f"reply:{trigger.id}:{built.sha}"
        said = [reply.text for reply in result.outcome.replies if reply.comment == trigger.id]
        body = self._safe(report.reply_body(said[0] if said else result.outcome.summary, built.sha, mark))
        await self._effects.once(
            f"task:{self.task.id}:reply:{trigger.id}",
            EffectKind.REPLY,
            find=lambda: self._api.find_review_comment(pull, mark),
            do=lambda: self._api.reply_to_review_comment(pull, trigger.reply_to or trigger.id, body),
        )

    async def _check_run(self, built: Built, handover: Handover) -> None:
        proof = handover.result.proof
        conclusion = "success" if proof.passed else "failure" if proof.checks else "neutral"
        await self._effects.once(
            f"task:{self.task.id}:check:{built.sha}",
            EffectKind.CHECK,
            find=lambda: self._api.find_check_run(built.sha, "Hob", str(self.task.id)),
            do=lambda: self._api.check_run(
                built.sha,
                "Hob",
                "completed",
                conclusion,
                title="The repository's own checks, on base and on this change",
                summary=self._safe(report.proof(proof)),
                external_id=str(self.task.id),
                details_url=handover.run_url,
            ),
        )


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
    again = " again" if task.attempts > 1 else ""
    return f"👀 I am on it{again}."
