"""What a run writes down while it thinks: turns and workspace to the database, the plan to people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog

from bot.domain import ChangeSet, PromptText, Run, Step, Trust
from bot.errors import Parked, Retry, UserError
from bot.run.attempts.attempt import Look
from bot.run.publish.publisher import Publisher
from bot.tasks.store import Store
from bot.text.invisible import remove_invisible_text
from bot.text.redact import Redactor

log = structlog.get_logger(__name__)

# Tools that leave the workspace as it is: after them it is not looked at.
_HARMLESS = frozenset({"read", "search", "plan", "note", "reply", "finish"})


class ProgressComment:
    """What people see of a run while it goes on: the plan, and how many attempts there are.

    Of several attempts side by side it shows the plan of the first one that has any.
    """

    def __init__(
        self, store: Store, run: Run, publisher: Publisher, redactor: Redactor, *, edit_seconds: float
    ) -> None:
        self._store = store
        self._run = run
        self._publisher = publisher
        self._redactor = redactor
        self._edit_seconds = edit_seconds
        self._edited = time.monotonic()
        self._shown: tuple[tuple[Step, ...], tuple[str, ...]] = ((), ())
        self._shows = 0  # the attempt whose plan is shown
        self.steps: tuple[Step, ...] = ()
        self.remarks: tuple[str, ...] = ()

    async def plan(self, ordinal: int, steps: tuple[Step, ...]) -> None:
        """Store the plan and show it, but edit the comment no more often than ``edit_seconds`` allows."""
        if self._shows not in (0, ordinal):
            return
        self._shows = ordinal
        self.steps = tuple(Step(text=self._redactor.text(step.text), state=step.state) for step in steps)
        await self._store.set_plan(self._run, self.steps)
        await self.show()

    async def remark(self, text: str) -> None:
        """Say something beside the plan, until the end."""
        self.remarks = (*self.remarks, text)
        await self.show()

    async def begin_round(self) -> None:
        """The attempts before are over: their plan makes room."""
        self._shows = 0

    async def show(self) -> None:
        """Edit the comment. That it was deleted, or GitHub is away, is no reason to lose the work."""
        now = (self.steps, self.remarks)
        if now == self._shown or time.monotonic() - self._edited < self._edit_seconds:
            return
        self._edited, self._shown = time.monotonic(), now
        try:
            await self._publisher.show(self.steps, self.remarks)
        except (UserError, Retry, Parked) as trouble:
            log.warning("run.progress_not_shown", reason=str(trouble))


class AttemptJournal:
    """The agent's journal of one attempt, and the observer of its workspace.

    Everything is redacted before it is stored or shown. ``heard`` is the last of the thread's words that the
    attempt knows of.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        progress: ProgressComment,
        redactor: Redactor,
        *,
        attempt: int,
        ordinal: int,
        heard: int = 0,
    ) -> None:
        self._store = store
        self._run = run
        self._board = progress
        self._redactor = redactor
        self._attempt = attempt
        self._ordinal = ordinal
        self._heard = heard
        self._look: Look | None = None
        self._fits = True
        self.rescued: ChangeSet | None = None

    def watch(self, look: Look) -> None:
        """See ``run.attempt.Witness``."""
        self._look = look

    def left(self, changes: ChangeSet) -> None:
        """See ``run.attempt.Witness``."""
        self.rescued = changes

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """Store one turn and the workspace after it; a killed worker loses at most the turn under way.

        Raises LeaseLost.
        """
        look = self._look if self._fits and _touches(record) else None
        work = await look() if look else None
        fits = await self._store.add_turn(
            self._run, self._attempt, seq, self._redactor.value(record), heard=self._heard, work=work
        )
        if work is not None and not fits:
            self._fits = False
            log.warning("attempt.workspace_too_large", attempt=self._ordinal, turn=seq)
        await self._board.show()

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        """Store the plan and show it."""
        await self._board.plan(self._ordinal, steps)

    async def read_steering(self) -> list[PromptText]:
        """Words of people who may write that arrived on the thread since last asked."""
        words = await self._store.steering(self._run.task, self._heard)
        if words:
            self._heard = words[-1].id
            await self._store.heard(self._run, self._heard)
        return [
            PromptText(
                trust=Trust.INSTRUCTION if each.permission.may_write else Trust.QUOTED,
                where="the thread, while you work",
                author=each.trigger.author.login,
                permission=each.permission.value,
                at=each.trigger.at.isoformat(),
                text=remove_invisible_text(each.trigger.text)[0],
            )
            for each in words
        ]


def _touches(record: Mapping[str, Any]) -> bool:
    """Whether a turn may have changed the workspace."""
    return any(call.get("name") not in _HARMLESS for call in record.get("calls") or ())
