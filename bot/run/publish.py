"""Publishing: deterministic code, never the model. Each write is an Effect, looked up before it is repeated.

One progress comment per task tells how it stands and, at the end, how it ended. A change becomes a commit on
a branch of Hob's own, a draft pull request, one review with the notes, a reply to the review comment that
asked, a check run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import EffectKind, Outcome, Result, Run, Step, Task, TaskKind, TriggerKind
from bot.errors import UserError
from bot.git.commit import Built, build_commit
from bot.git.diff import commentable_lines
from bot.git.push import HeadMoved, push
from bot.github.repository import RepoApi
from bot.run import report
from bot.run.checkout import Checkout
from bot.tasks.effects import Effects
from bot.tasks.runs import Runs

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is on this GitHub, as commits and look-ups need it."""

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
        *,
        task: Task,
        run: Run,
        api: RepoApi,
        effects: Effects,
        runs: Runs,
        identity: Identity,
        run_url: str,
    ) -> None:
        self.task = task
        self.run = run
        self.run_url = run_url
        self._api = api
        self._effects = effects
        self._runs = runs
        self._identity = identity
        self._comment = task.progress_comment

    async def begin(self) -> None:
        """Make the progress comment, or find the one that an earlier attempt made."""
        task = self.task
        body = report.progress(task, (), status=_working(self.run), run_url=self.run_url)
        comment = await self._effects.once(
            f"task:{task.id}:progress",
            EffectKind.COMMENT,
            find=lambda: self._api.find_comment(task.thread.number, report.marker(f"task {task.id}")),
            do=lambda: self._api.comment(task.thread.number, body),
        )
        self._comment = int(comment["id"])
        await self._runs.update_task(self.run, progress_comment=self._comment)

    async def show(self, steps: Sequence[Step]) -> None:
        """Edit the progress comment to the plan as it stands."""
        body = report.progress(self.task, steps, status=_working(self.run), run_url=self.run_url)
        await self._api.edit_comment(self._comment, body)

    async def end(self, text: str, steps: Sequence[Step] = ()) -> None:
        """The progress comment's last edit. Without a comment so far, one is made: no request ends unseen."""
        body = report.final(self.task, steps, text=text, run_url=self.run_url)
        if not self._comment:
            await self.begin()
        await self._api.edit_comment(self._comment, body)

    async def publish(
        self, checkout: Checkout, result: Result, *, head: str | None, hidden: Sequence[str]
    ) -> Mapping[str, Any]:
        """Push the change, open or update the pull request, review, reply, report. Returns the pull request.

        ``head`` is the commit that the branch must stand on, None when it must not exist yet. Raises
        UserError when somebody else moved the branch.
        """
        built = await self._commit(checkout, result)
        await self._push(built, head)
        pull = await self._pull(checkout, result, hidden)
        await self._runs.update_task(self.run, pull=int(pull["number"]))
        await self._review(pull, built, result)
        await self._replies(pull, built, result)
        await self._check_run(built, result)
        return pull

    async def _commit(self, checkout: Checkout, result: Result) -> Built:
        message = report.commit_message(
            self.task, result.outcome, run_url=self.run_url, bot_email_domain=self._identity.email_domain
        )
        return await asyncio.to_thread(
            build_commit,
            checkout.repo,
            parent=checkout.base,
            changes=result.changes,
            message=message,
            author=self._identity.author,
            at=self.task.created_at,
        )

    async def _push(self, built: Built, head: str | None) -> None:
        task, url, token = self.task, self.task.repo.clone_url, await self._api.token()

        async def do() -> Answer:
            try:
                await asyncio.to_thread(
                    push, url, token=token, branch=task.branch, built=built, expected=head
                )
            except HeadMoved as moved:
                if moved.actual != built.sha:
                    raise UserError(
                        f"`{task.branch}` was changed by somebody else while I worked, so I left it alone. "
                        "Ask again and I will continue from there.",
                        phase="publish",
                    ) from None
            return {"sha": built.sha}

        await self._effects.once(f"task:{task.id}:push:{built.sha}", EffectKind.PUSH, find=None, do=do)

    async def _pull(self, checkout: Checkout, result: Result, hidden: Sequence[str]) -> Mapping[str, Any]:
        task = self.task
        if task.kind is TaskKind.REVISE:
            return await self._api.pull(task.thread.number)
        title = report.title(task, result.outcome)
        body = report.pull_body(task, result, hidden=hidden, run_url=self.run_url)
        existing = await self._api.pull_by_head(task.branch)
        if existing is not None:
            return existing
        return await self._effects.once(
            f"task:{task.id}:pull",
            EffectKind.PULL,
            find=lambda: self._api.pull_by_head(task.branch),
            do=lambda: self._api.open_pull(
                title=title, body=body, head=task.branch, base=task.repo.default_branch, draft=True
            ),
        )

    async def _review(self, pull: Mapping[str, Any], built: Built, result: Result) -> None:
        """One review with all notes; a note that is off the diff goes into the review's body."""
        lines = commentable_lines(result.diff)
        on, off = [], []
        for note in result.outcome.notes:
            target = on if note.line in lines.get(note.path, set()) else off
            target.append(note)
        if not on and not off:
            return
        number, mark = int(pull["number"]), report.marker(f"review {built.sha}")
        body = report.review_body(off, mark)
        comments = [
            {"path": note.path, "line": note.line, "side": "RIGHT", "body": report.quiet(note.text)}
            for note in on
        ]
        await self._effects.once(
            f"task:{self.task.id}:review:{built.sha}",
            EffectKind.REVIEW,
            find=lambda: self._api.find_review(number, mark),
            do=lambda: self._api.review(number, built.sha, body, comments),
        )

    async def _replies(self, pull: Mapping[str, Any], built: Built, result: Result) -> None:
        """Answer the review comment that asked; the agent's own words where it gave some."""
        task = self.task
        if task.trigger.kind is not TriggerKind.REVIEW_COMMENT:
            return
        said = [reply.text for reply in result.outcome.replies if reply.comment == task.trigger.id]
        text = report.quiet(said[0] if said else result.outcome.summary)
        body = f"{text}\n\nDone in {built.sha}."
        await self._effects.once(
            f"task:{task.id}:reply:{task.trigger.id}",
            EffectKind.REPLY,
            find=None,
            do=lambda: self._api.reply_to_review_comment(
                int(pull["number"]), task.trigger.reply_to or task.trigger.id, body
            ),
        )

    async def _check_run(self, built: Built, result: Result) -> None:
        proof = result.proof
        conclusion = "success" if proof.passed else "neutral" if not proof.checks else "failure"
        await self._effects.once(
            f"task:{self.task.id}:check:{built.sha}",
            EffectKind.CHECK,
            find=None,
            do=lambda: self._api.check_run(
                head_sha=built.sha,
                name="Hob",
                status="completed",
                conclusion=conclusion,
                title="Proof: the repository's own checks, base against head",
                summary=report.proof(proof),
                external_id=str(self.task.id),
                details_url=self.run_url,
            ),
        )


def _working(run: Run) -> str:
    again = f" (attempt {run.attempt})" if run.attempt > 1 else ""
    return f"👀 I am on it{again}."


def answered(outcome: Outcome) -> str:
    """The final text when there is no change to publish."""
    return report.outcome_text(outcome)
