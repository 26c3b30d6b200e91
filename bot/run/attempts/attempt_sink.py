"""Where attempts are stored: what ``run_best_of`` needs of a store, and the one that stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.agent.journal import Journal
from bot.domain import Brief, Step
from bot.run.attempts.agent_workspace import Interrupted, WorkspaceObserver
from bot.run.attempts.ranking import FinishedAttempt, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptIO:
    """What one attempt writes to, and what an interrupted one left to continue from."""

    journal: Journal
    observer: WorkspaceObserver | None = None
    interrupted: Interrupted | None = None


class AttemptSink(Protocol):
    """Where attempts are stored."""

    @property
    def first(self) -> int:
        """The ordinal of the first attempt of this task: others may have been made for its request before."""
        ...

    async def list_finished(self) -> Sequence[FinishedAttempt]:
        """Finished attempts on the same commit: of an interrupted run, or made earlier."""
        ...

    async def begin(self, ordinal: int, model: str, brief: Brief) -> AttemptIO:
        """Record that an attempt begins or continues."""
        ...

    async def finish(self, attempt: FinishedAttempt) -> None:
        """Record how an attempt ended."""
        ...

    async def announce(self, ordinals: Sequence[int], before: Sequence[FinishedAttempt]) -> None:
        """Show to users that the attempts ``ordinals`` begin, after those in ``before``."""
        ...

    async def settle(self, selection: Selection) -> None:
        """Record that the choice is made and no further attempt follows."""
        ...


class NullSink:
    """Stores nothing: for runs without a database."""

    first = 1

    def __init__(self, journal: Callable[[int], Journal]) -> None:
        self._journal = journal

    async def list_finished(self) -> Sequence[FinishedAttempt]:
        """None: every run is the first."""
        return ()

    async def begin(self, ordinal: int, model: str, brief: Brief) -> AttemptIO:
        """A journal of its own for each attempt."""
        return AttemptIO(journal=self._journal(ordinal))

    async def finish(self, attempt: FinishedAttempt) -> None:
        """Do nothing."""

    async def announce(self, ordinals: Sequence[int], before: Sequence[FinishedAttempt]) -> None:
        """Do nothing."""

    async def settle(self, selection: Selection) -> None:
        """Do nothing."""


class PlanDisplay(Protocol):
    """Where users see how far a run is; on GitHub ``bot.run.publish.published_plan``."""

    async def update_plan(self, ordinal: int, steps: tuple[Step, ...]) -> None:
        """Show the plan of the attempt ``ordinal``."""
        ...

    async def add_remark(self, text: str) -> None:
        """Show one more line, until the end."""
        ...

    async def begin_round(self) -> None:
        """Let the next attempt's plan take the place of the last one's."""
        ...

    async def edit(self) -> None:
        """Bring what is shown up to date."""
        ...

    def finish(self, steps: tuple[Step, ...]) -> None:
        """Keep the chosen attempt's plan for the final text."""
        ...
