"""What a run writes down while it thinks: every turn to the database, the plan to the progress comment."""

from __future__ import annotations

import time
from typing import Any

from bot.domain import Passage, Run, Step
from bot.redact import Redactor
from bot.run.publish import Publisher
from bot.tasks.runs import Runs


class RunJournal:
    """The agent's journal for a task: redacted before anything is stored or shown."""

    def __init__(
        self, runs: Runs, run: Run, publisher: Publisher, redactor: Redactor, *, edit_seconds: float
    ) -> None:
        self._runs = runs
        self._run = run
        self._publisher = publisher
        self._redactor = redactor
        self._edit_seconds = edit_seconds
        self._edited = time.monotonic()
        self._shown: tuple[Step, ...] = ()
        self.steps: tuple[Step, ...] = ()

    async def turn(self, seq: int, record: dict[str, Any]) -> None:
        """Store one turn; a killed worker loses at most the one under way. Raises LeaseLost."""
        await self._runs.add_turn(self._run, seq, self._redactor.value(record))
        await self._show()

    async def plan(self, steps: tuple[Step, ...]) -> None:
        """Store the plan and show it, but edit the comment no more often than ``edit_seconds`` allows."""
        self.steps = tuple(Step(text=self._redactor.text(step.text), state=step.state) for step in steps)
        await self._runs.set_plan(self._run, self.steps)
        await self._show()

    async def steering(self) -> list[Passage]:
        """Words that arrived meanwhile: none, a comment on a busy thread is a task that waits its turn."""
        return []

    async def _show(self) -> None:
        if self.steps == self._shown or time.monotonic() - self._edited < self._edit_seconds:
            return
        self._edited, self._shown = time.monotonic(), self.steps
        await self._publisher.show(self.steps)
