"""What a run writes down while it thinks: every turn to the database, the plan to the progress comment."""

from __future__ import annotations

import time
from typing import Any

import structlog

from bot.domain import Passage, Run, Step, Trust
from bot.errors import Parked, Retry, UserError
from bot.inbox.hidden import visible
from bot.redact import Redactor
from bot.run.publish import Publisher
from bot.tasks.store import Store

log = structlog.get_logger(__name__)


class RunJournal:
    """The agent's journal for a task: redacted before anything is stored or shown."""

    def __init__(
        self, store: Store, run: Run, publisher: Publisher, redactor: Redactor, *, edit_seconds: float
    ) -> None:
        self._store = store
        self._run = run
        self._publisher = publisher
        self._redactor = redactor
        self._edit_seconds = edit_seconds
        self._edited = time.monotonic()
        self._shown: tuple[Step, ...] = ()
        self._heard = 0
        self.steps: tuple[Step, ...] = ()

    async def turn(self, seq: int, record: dict[str, Any]) -> None:
        """Store one turn; a killed worker loses at most the one under way. Raises LeaseLost."""
        await self._store.add_turn(self._run, seq, self._redactor.value(record))
        await self._show()

    async def plan(self, steps: tuple[Step, ...]) -> None:
        """Store the plan and show it, but edit the comment no more often than ``edit_seconds`` allows."""
        self.steps = tuple(Step(text=self._redactor.text(step.text), state=step.state) for step in steps)
        await self._store.set_plan(self._run, self.steps)
        await self._show()

    async def steering(self) -> list[Passage]:
        """Words of people who may write that arrived on the thread since last asked."""
        words = await self._store.steering(self._run.task, self._heard)
        if words:
            self._heard = words[-1].id
            await self._store.heard(self._run, self._heard)
        return [
            Passage(
                trust=Trust.INSTRUCTION if each.permission.may_write else Trust.QUOTED,
                where="the thread, while you work",
                author=each.trigger.author.login,
                permission=each.permission.value,
                at=each.trigger.at.isoformat(),
                text=visible(each.trigger.text)[0],
            )
            for each in words
        ]

    async def _show(self) -> None:
        """Edit the comment. That it was deleted, or GitHub is away, is no reason to lose the work."""
        if self.steps == self._shown or time.monotonic() - self._edited < self._edit_seconds:
            return
        self._edited, self._shown = time.monotonic(), self.steps
        try:
            await self._publisher.show(self.steps)
        except (UserError, Retry, Parked) as trouble:
            log.warning("run.progress_not_shown", reason=str(trouble))
