"""The progress comment while a run is under way: the plan and remarks, edited every few seconds at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

import structlog

from bot.domain import Run, Step
from bot.errors import Outage, Parked, Retry, UserError
from bot.moderation.verdict import Moderator
from bot.run.publish.progress_comment import ProgressComment
from bot.tasks.store import Store
from bot.text.redact import Redactor

log = structlog.get_logger(__name__)


class PublishedPlan:
    """The task's comment on its thread while the run is under way: the plan, and how many attempts there are.

    Of several attempts side by side it shows the plan of the first one that has any.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        comment: ProgressComment,
        redactor: Redactor,
        moderator: Moderator,
        *,
        edit_seconds: float,
    ) -> None:
        self._store = store
        self._run = run
        self._comment = comment
        self._redactor = redactor
        self._moderator = moderator
        self._edit_seconds = edit_seconds
        self._edited = time.monotonic()
        self._shown: tuple[tuple[Step, ...], tuple[str, ...]] = ((), ())
        self._shown_attempt = 0  # the ordinal of the attempt whose plan is shown
        self._said: dict[str, None] = {}  # the texts of all steps that were ever shown: edits can be read
        self.steps: tuple[Step, ...] = ()
        self.remarks: tuple[str, ...] = ()

    async def update_plan(self, ordinal: int, steps: tuple[Step, ...]) -> None:
        """Store the plan and show it, but edit the comment no more often than ``edit_seconds`` allows.

        A plan is not shown that spells a secret, by itself or with what was shown before, or that the
        moderator is against.
        """
        if self._shown_attempt not in (0, ordinal):
            return
        self._shown_attempt = ordinal
        said = self._said | dict.fromkeys(step.text for step in steps)
        if reason := await self._find_objection(
            said, [step.text for step in steps if step.text not in self._said]
        ):
            log.warning("run.plan_not_shown", reason=reason)
            return
        self._said = said
        self.steps = tuple(Step(text=self._redactor.text(step.text), state=step.state) for step in steps)
        await self._store.set_plan(self._run, self.steps)
        await self.edit()

    async def _find_objection(self, said: Iterable[str], new: Sequence[str]) -> str:
        """Why people must not read what is ``said``, of which ``new`` was not shown yet; '' where they may.

        While the moderator cannot be asked, nothing new is shown.
        """
        if await asyncio.to_thread(self._redactor.has_split_secret, said):
            return "it holds a secret in pieces"
        try:
            verdict = await self._moderator.judge("\n".join(new)) if new else None
        except (Outage, Retry) as away:
            return str(away)
        return f"it reads like {verdict.category.value}" if verdict else ""

    async def add_remark(self, text: str) -> None:
        """Show one more line above the plan, until the end."""
        self.remarks = (*self.remarks, text)
        await self.edit()

    def finish(self, steps: tuple[Step, ...]) -> None:
        """Keep the chosen attempt's plan for the final text."""
        self.steps = steps

    async def begin_round(self) -> None:
        """The attempts before are over: the next plan takes the place of theirs."""
        self._shown_attempt = 0

    async def edit(self) -> None:
        """Edit the comment, if something changed and ``edit_seconds`` have passed, four times as many while
        the installation is short of requests.

        That it was deleted, or GitHub is away, is logged only: it is no reason to lose the work.
        """
        now = (self.steps, self.remarks)
        pause = self._edit_seconds * (4 if self._comment.is_crowded else 1)
        if now == self._shown or time.monotonic() - self._edited < pause:
            return
        self._edited, self._shown = time.monotonic(), now
        try:
            await self._comment.show(self.steps, self.remarks)
        except (UserError, Retry, Parked) as trouble:
            log.warning("run.progress_not_shown", reason=str(trouble))
