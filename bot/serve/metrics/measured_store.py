"""The worker's store, which counts what passes through it: a run's whole life does, from claim to release."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import Phase, Run, Task, TaskState
from bot.errors import LeaseLost
from bot.serve.metrics.worker import WorkerMetrics
from bot.tasks.leases.records import LEASE
from bot.tasks.store import Store


@dataclass(slots=True)
class _UnderWay:
    run: int
    kind: str
    phase: Phase | None = None
    since: float = 0.0


class MeasuredStore(Store):
    """A ``Store`` that counts runs in ``metrics``: how long phases take, how runs end, leases lost."""

    def __init__(self, engine: AsyncEngine, metrics: WorkerMetrics) -> None:
        super().__init__(engine)
        self._metrics = metrics
        self._under_way: dict[int, _UnderWay] = {}  # by task, so that a run that was cut off leaves no more

    async def claim(self, task_id: int, worker: str, *, lease: float = LEASE) -> tuple[Task, Run] | None:
        """See ``LeaseRecords.claim``."""
        claimed = await super().claim(task_id, worker, lease=lease)
        if claimed is not None:
            task, run = claimed
            self._under_way[task.id] = _UnderWay(run.id, task.kind.value)
            self._metrics.runs.set(len(self._under_way))
        return claimed

    async def set_phase(self, run: Run, phase: Phase) -> None:
        """See ``RunRecords.set_phase``."""
        await super().set_phase(run, phase)
        if under_way := self._find(run):
            self._leave_phase(under_way)
            under_way.phase, under_way.since = phase, time.monotonic()

    async def renew_lease(self, run: Run, *, lease: float = LEASE) -> bool:
        """See ``LeaseRecords.renew_lease``."""
        try:
            return await super().renew_lease(run, lease=lease)
        except LeaseLost:
            self._lose(run)
            raise

    async def is_cancel_requested(self, run: Run) -> bool:
        """See ``LeaseRecords.is_cancel_requested``."""
        try:
            return await super().is_cancel_requested(run)
        except LeaseLost:
            self._lose(run)
            raise

    async def release(
        self,
        run: Run,
        to: TaskState,
        reason: str = "",
        *,
        after: float = 0,
        counted: bool = True,
        notified: bool = True,
    ) -> TaskState:
        """See ``LeaseRecords.release``."""
        try:
            state = await super().release(run, to, reason, after=after, counted=counted, notified=notified)
        except LeaseLost:
            self._lose(run)
            raise
        self._end(run, state.value)
        return state

    def _find(self, run: Run) -> _UnderWay | None:
        under_way = self._under_way.get(run.task)
        return under_way if under_way and under_way.run == run.id else None

    def _lose(self, run: Run) -> None:
        if self._find(run):
            self._metrics.leases_lost.inc()
            self._end(run, "lost")

    def _end(self, run: Run, state: str) -> None:
        """Count the end of a run, once."""
        if under_way := self._find(run):
            del self._under_way[run.task]
            self._leave_phase(under_way)
            self._metrics.outcomes.labels(under_way.kind, state).inc()
            self._metrics.runs.set(len(self._under_way))

    def _leave_phase(self, under_way: _UnderWay) -> None:
        if under_way.phase is not None:
            seconds = time.monotonic() - under_way.since
            self._metrics.phases.labels(under_way.phase.value).observe(seconds)
