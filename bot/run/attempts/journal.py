"""The journal of a task's attempt: turns and workspace go to the database, the plan to the users."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from bot.domain import ChangeSet, PromptText, Run, Step, Trust
from bot.git.diff import unified_diff
from bot.run.attempts.agent_workspace import ReadChanges
from bot.run.attempts.attempt_sink import PlanDisplay
from bot.tasks.store import Store
from bot.text.diffs import limit_to_whole_files
from bot.text.invisible import remove_invisible_text
from bot.text.redact import Redactor

log = structlog.get_logger(__name__)

# Tools that leave the workspace as it is: after them it is not read.
_READ_ONLY = frozenset({"read", "search", "plan", "note", "reply", "check", "finish"})

_SLOW = frozenset({"shell", "check"})
MOST_DIFF_CHARS = 200_000  # of a change that is not finished
MOST_DIFF_BYTES = 4 << 20  # of changed files, beyond which nobody is shown a change before its end


class AttemptJournal:
    """The agent's journal of one attempt, and the observer of its workspace.

    Everything is redacted before it is stored or shown. ``last_steering`` is the id of the last comment
    on the thread that the agent was given.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        progress: PlanDisplay,
        redactor: Redactor,
        *,
        attempt: int,
        ordinal: int,
        last_steering: int = 0,
    ) -> None:
        self._store = store
        self._run = run
        self._progress = progress
        self._redactor = redactor
        self._attempt = attempt
        self._ordinal = ordinal
        self._last_steering = last_steering
        self._read_changes: ReadChanges | None = None
        self._repo: Path | None = None
        self._last_work: ChangeSet | None = None
        self._fits = True  # whether the workspace is still small enough to be stored
        self.rescued: ChangeSet | None = None

    def watch(self, read_changes: ReadChanges, repo: Path) -> None:
        """See ``WorkspaceObserver``."""
        self._read_changes, self._repo = read_changes, repo

    def rescue(self, changes: ChangeSet) -> None:
        """See ``WorkspaceObserver``."""
        self.rescued = changes

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """Store one turn and the workspace after it; a killed worker loses at most the turn under way.

        Raises LeaseLost.
        """
        read = self._read_changes if self._fits and _may_change_files(record) else None
        work = await read() if read else None
        fits = await self._store.add_turn(
            self._run,
            self._attempt,
            seq,
            await asyncio.to_thread(self._redactor.value, record),
            last_steering=self._last_steering,
            work=work,
            diff=await self._make_diff(work),
        )
        if work is not None and not fits:
            self._fits = False
            log.warning("attempt.workspace_too_large", attempt=self._ordinal, turn=seq)
        await self._progress.edit()

    async def _make_diff(self, work: ChangeSet | None) -> str | None:
        """The workspace's diff for users; None where it is unchanged. Whole files up to a size."""
        if work is None or self._repo is None or work == self._last_work:
            return None
        if sum(len(each.data) for each in work.files) > MOST_DIFF_BYTES:
            return ""
        self._last_work = work
        diff = await asyncio.to_thread(unified_diff, self._repo, work.base, work)
        return await asyncio.to_thread(self._redactor.text, limit_to_whole_files(diff, MOST_DIFF_CHARS))

    async def begin_call(self, seq: int, name: str, arguments: Mapping[str, Any]) -> None:
        """Store what the agent does now, where that may take a while. Raises LeaseLost."""
        if name in _SLOW:
            given = await asyncio.to_thread(self._redactor.value, dict(arguments))
            call = {"seq": seq, "name": name, "args": given}
            await self._store.note_call(self._run, self._attempt, call)

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        """Store the plan and show it."""
        await self._progress.update_plan(self._ordinal, steps)

    async def read_steering(self) -> list[PromptText]:
        """Comments that arrived on the thread since the last call, marked with what their authors may do."""
        comments = await self._store.list_steering(self._run.task, self._last_steering)
        if comments:
            self._last_steering = comments[-1].id
            await self._store.mark_steering_read(self._run, self._last_steering)
        return [
            PromptText(
                trust=Trust.INSTRUCTION if each.permission.may_write else Trust.QUOTED,
                where="the thread, while you work",
                author=each.trigger.author.login,
                permission=each.permission.value,
                at=each.trigger.at.isoformat(),
                text=(await asyncio.to_thread(remove_invisible_text, each.trigger.text))[0],
            )
            for each in comments
        ]


def _may_change_files(record: Mapping[str, Any]) -> bool:
    """Whether one of the turn's tools may have changed the workspace."""
    return any(call.get("name") not in _READ_ONLY for call in record.get("calls") or ())
