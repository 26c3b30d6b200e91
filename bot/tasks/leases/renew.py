"""Holds a run's lease while it goes on: renews it in the background, and stops the run when it must stop.

The body is cancelled (asyncio's way) and the ``async with`` block then raises why: LeaseLost or Cancelled.
The deadline is a timer of its own, so that neither a database that hangs nor a process that was asleep lets a
body go on beyond its lease. The statements that take, renew and give back a lease are in ``records``.
"""

from __future__ import annotations

import asyncio
import os
import platform
import time
from types import TracebackType
from typing import Self

import structlog

from bot.domain import Run
from bot.errors import Cancelled, HobError, LeaseLost
from bot.tasks.database.transactions import first_line, is_unreachable
from bot.tasks.leases.fence import make_lease_lost
from bot.tasks.leases.records import LEASE, LeaseRecords

log = structlog.get_logger(__name__)

BEAT = 5.0  # seconds between renewals: a worker that misses three is dead
LOOK = 1.0  # seconds between looks for a cancel
GATHER = 0.01  # seconds in which looks come together


class _AskAgain(Exception):
    """Whoever asked for all was interrupted."""


class CancelLooks:
    """Looks whether tasks are to be cancelled, for all leases of a worker: those of one moment in one query.

    Forty runs that wait for their models would otherwise ask the database forty times a second. The first
    one of a moment asks for all.
    """

    def __init__(self, store: LeaseRecords) -> None:
        self._store = store
        self._waiting: dict[Run, asyncio.Future[bool]] = {}

    async def is_cancel_requested(self, run: Run) -> bool:
        """Whether the run's task is to be cancelled. Raises LeaseLost, and what the database raised."""
        while True:
            answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            first = not self._waiting
            self._waiting[run] = answer
            try:
                if first:
                    await self._ask(run)
                return await answer
            except _AskAgain:
                continue

    async def _ask(self, mine: Run) -> None:
        waiting: dict[Run, asyncio.Future[bool]] = {}
        try:
            await asyncio.sleep(GATHER)
            waiting, self._waiting = self._waiting, {}
            found = await self._store.find_cancels(waiting)
        except BaseException as trouble:  # also when it is cancelled: each caller gets it
            if not waiting:
                waiting, self._waiting = self._waiting, {}
            failed = isinstance(trouble, Exception)
            for run, answer in waiting.items():
                if not answer.done() and (failed or run != mine):
                    answer.set_exception(trouble if failed else _AskAgain())
            if not failed:
                raise
            return
        for run, answer in waiting.items():
            if answer.done():  # whoever asked has left
                continue
            if run in found:
                answer.set_result(found[run])
            else:
                answer.set_exception(make_lease_lost(run))


class Lease:
    """``async with Lease(store, run) as lease: ...``

    It renews the run's lease every ``beat`` seconds and looks every ``look`` seconds whether the task is to
    be cancelled, by ``looks`` together with other leases. ``committed``: an earlier run of the task has begun
    to publish.
    """

    def __init__(
        self,
        store: LeaseRecords,
        run: Run,
        *,
        lease: float = LEASE,
        beat: float = BEAT,
        look: float = LOOK,
        committed: bool = False,
        looks: CancelLooks | None = None,
    ) -> None:
        self._store = store
        self._looks = looks or CancelLooks(store)
        self._run = run
        self._lease = lease
        self._beat = beat
        self._look = look
        self._stop_error: HobError | None = None
        self._cancel_asked = False
        self._committed = committed
        self._deadline: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        body = asyncio.current_task()
        if body is None:
            raise RuntimeError("a lease is held by an asyncio task")
        self._body = body
        self._cancels_before = body.cancelling()
        self._loop = asyncio.get_running_loop()
        self._set_deadline(self._loop.time())
        self._keeper = asyncio.create_task(self._renew_and_watch(), name=f"lease of run {self._run.id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._keeper.cancel()
        interrupted = isinstance(error, asyncio.CancelledError)
        try:
            await asyncio.wait({self._keeper})
        except asyncio.CancelledError:  # ours may have been under way when the body ended
            if self._stop_error is None:
                raise
        if self._stop_error is None or self._body.uncancel() > self._cancels_before:
            return
        if interrupted or (error is None and isinstance(self._stop_error, LeaseLost)):
            raise self._stop_error from None

    def commit(self) -> None:
        """Begin to publish: from here on the task is not cancelled, because it is published whole or not.

        Raises Cancelled when that was asked for already.
        """
        if self._cancel_asked and not self._committed:
            raise Cancelled("cancelled before publishing")
        self._committed = True

    def _stop(self, why: HobError) -> None:
        if self._stop_error is None:
            self._stop_error = why
            self._body.cancel()

    def _set_deadline(self, at: float) -> None:
        """The lease was renewed at ``at``, by the loop's clock: stop the body shortly before it ends."""
        if self._deadline:
            self._deadline.cancel()
        self._last = at
        error = LeaseLost(f"run {self._run.id} could not renew its lease")
        self._deadline = self._loop.call_at(at + self._lease * 5 / 6, self._stop, error)

    async def _renew_and_watch(self) -> None:
        while True:
            # At the same moments as all other leases of the worker.
            await asyncio.sleep(self._look - self._loop.time() % self._look)
            now = self._loop.time()
            try:
                if now - self._last >= self._beat:
                    cancel = await self._store.renew_lease(self._run, lease=self._lease)
                    self._set_deadline(now)
                else:
                    cancel = await self._looks.is_cancel_requested(self._run)
            except LeaseLost as lost:
                self._stop(lost)
                return
            except Exception as failure:
                if not is_unreachable(failure):
                    raise
                log.warning("lease.database_away", run=self._run.id, error=first_line(failure))
            else:
                self._cancel_asked = self._cancel_asked or cancel
                if self._cancel_asked and not self._committed:
                    self._stop(Cancelled("somebody asked to stop"))


def worker_name() -> str:
    """A name for this process in the database: host, process id, and when it began."""
    return f"{platform.node()}:{os.getpid()}:{time.time():.0f}"
