"""Holding a task while its body works: beats in the background and stops the body when it must stop.

The body is cancelled (asyncio's way) and the ``async with`` block then raises why: LeaseLost or Cancelled.
The deadline is a timer of its own, so that neither a database that hangs nor a process that was asleep lets a
body go on beyond its lease. The statements that take, renew and give back a lease are in ``leases``.
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
from bot.tasks.leases import LEASE, Claims

log = structlog.get_logger(__name__)

BEAT = 15.0  # seconds between heartbeats
LOOK = 1.0  # seconds between looks for a cancel


class Lease:
    """``async with Lease(store, run) as lease: ...``

    ``committed``: see ``commit``; an earlier run of the task came that far.
    """

    def __init__(
        self,
        store: Claims,
        run: Run,
        *,
        lease: float = LEASE,
        beat: float = BEAT,
        look: float = LOOK,
        committed: bool = False,
    ) -> None:
        self._store = store
        self._run = run
        self._lease = lease
        self._beat = beat
        self._look = look
        self._why: HobError | None = None
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
        self._beaten(self._loop.time())
        self._keeper = asyncio.create_task(self._keep(), name=f"lease of run {self._run.id}")
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
            if self._why is None:
                raise
        if self._why is None or self._body.uncancel() > self._cancels_before:
            return
        if interrupted or (error is None and isinstance(self._why, LeaseLost)):
            raise self._why from None

    def commit(self) -> None:
        """From here on a wish to cancel comes too late: publishing is done whole or not at all.

        Raises Cancelled when it was asked for already.
        """
        if self._cancel_asked and not self._committed:
            raise Cancelled("cancelled before publishing")
        self._committed = True

    def _stop(self, why: HobError) -> None:
        if self._why is None:
            self._why = why
            self._body.cancel()

    def _beaten(self, at: float) -> None:
        """The lease was prolonged at the time ``at``: move the deadline, short of the lease's end."""
        if self._deadline:
            self._deadline.cancel()
        self._last = at
        told = LeaseLost(f"run {self._run.id} could not prolong its lease")
        self._deadline = self._loop.call_at(at + self._lease * 5 / 6, self._stop, told)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._look)
            asked = self._loop.time()
            try:
                if asked - self._last >= self._beat:
                    cancel = await self._store.heartbeat(self._run, lease=self._lease)
                    self._beaten(asked)
                else:
                    cancel = await self._store.look(self._run)
            except LeaseLost as lost:
                self._stop(lost)
                return
            except Exception as trouble:
                if not is_unreachable(trouble):
                    raise
                log.warning("lease.database_away", run=self._run.id, error=first_line(trouble))
            else:
                self._cancel_asked = self._cancel_asked or cancel
                if self._cancel_asked and not self._committed:
                    self._stop(Cancelled("somebody asked to stop"))


def worker_name() -> str:
    """A name for this process in the database: host, process id, and when it began."""
    return f"{platform.node()}:{os.getpid()}:{time.time():.0f}"
