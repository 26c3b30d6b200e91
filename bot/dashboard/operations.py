"""What the operators' page reads and orders: the queue, workers, failed deliveries, pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, Select, exists, func, select, update

from bot.dashboard.page_reader import Row
from bot.domain import TaskState
from bot.settings import Settings
from bot.tasks.database.connection import connect
from bot.tasks.database.tables import (
    DeliveryState,
    deliveries,
    pauses,
    runs,
    tasks,
    undelivered,
    workers,
    write_turns,
)
from bot.tasks.store import Store

MOST = 100  # rows of each table of the page
_IS_MISSING = ~exists().where(  # it has not arrived meanwhile
    deliveries.c.guid == undelivered.c.guid, deliveries.c.state != DeliveryState.FAILED
)


class Operations:
    """The state of this installation of Hob, and orders about it, over one database."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings

    def list_queue(self) -> list[Row]:
        """What is queued or waits, by installation: how many, and how old the oldest is in seconds."""
        age = func.extract("epoch", func.now() - func.min(tasks.c.created_at)).label("age")
        query = select(tasks.c.installation, tasks.c.state, func.count().label("n"), age)
        waiting = tasks.c.state.in_([TaskState.QUEUED, TaskState.WAITING])
        query = query.where(waiting).group_by(tasks.c.installation, tasks.c.state)
        return self._rows(query.order_by(age.desc()).limit(MOST))

    def list_working(self) -> list[Row]:
        """The tasks that workers hold: which worker, on what, in which phase, for how long."""
        lease = func.extract("epoch", tasks.c.lease_until - func.now()).label("lease")
        took = func.extract("epoch", func.now() - runs.c.started_at).label("seconds")
        query = (
            select(
                tasks.c.id, tasks.c.worker, tasks.c.repo_full_name, tasks.c.thread_number, runs.c.phase,
                runs.c.id.label("run"), lease, took,
            )
            .join(runs, (runs.c.task == tasks.c.id) & (runs.c.fence == tasks.c.fence))
            .where(tasks.c.state == TaskState.RUNNING)
        )  # fmt: skip
        return self._rows(query.order_by(tasks.c.worker, tasks.c.id).limit(MOST))

    def list_workers(self) -> list[Row]:
        """What each worker last reported, and how many seconds ago, the longest first."""
        silent = func.extract("epoch", func.now() - workers.c.seen_at).label("silent")
        busy = select(func.count()).where(
            tasks.c.state == TaskState.RUNNING, tasks.c.worker == workers.c.worker
        )
        columns = [each for each in workers.c if each.name not in ("limits", "seen_at")]
        query = select(*columns, silent, busy.scalar_subquery().label("busy"))
        return self._rows(query.order_by(silent.desc(), workers.c.worker).limit(MOST))

    def list_waiting(self) -> list[Row]:
        """The tasks that wait for a limit, a budget or an outage to pass: for what, for how long still."""
        left = func.extract("epoch", tasks.c.not_before - func.now()).label("left")
        columns = (tasks.c.id, tasks.c.repo_full_name, tasks.c.thread_number, tasks.c.reason, left)
        query = select(*columns).where(tasks.c.state == TaskState.WAITING)
        return self._rows(query.order_by(tasks.c.not_before, tasks.c.id).limit(MOST))

    def list_limits(self) -> Sequence[Row]:
        """By installation: what GitHub leaves of its hourly limits, as the workers saw it last, and writes.

        ``core`` and ``graphql`` are requests, None where no worker says so; ``created`` what made content in
        the last hour; ``closed`` the seconds for which GitHub takes no more of it.
        """
        closed = func.extract("epoch", write_turns.c.closed_until - func.now()).label("closed")
        hour_ago = (func.now() - timedelta(hours=1)).label("hour_ago")
        query = select(write_turns.c.installation, write_turns.c.created, closed, hour_ago)
        rows: dict[int, dict[str, Any]] = {}
        for row in self._rows(query.order_by(write_turns.c.turn_at.desc()).limit(MOST)):
            recent = sum(at > row["hour_ago"] for at in row["created"])
            rows[row["installation"]] = {"created": recent, "closed": row["closed"]}
        for said in self._rows(select(workers.c.limits).order_by(workers.c.seen_at)):
            for key, left in said["limits"].items():
                number, _, resource = key.partition(" ")
                rows.setdefault(int(number), {"created": 0, "closed": None})[resource] = left
        unknown = {"core": None, "graphql": None}
        return [{"installation": number, **unknown, **rows[number]} for number in sorted(rows)][:MOST]

    def list_failed_deliveries(self) -> list[Row]:
        """The newest deliveries that came and failed for good."""
        columns = [deliveries.c[name] for name in ("guid", "event", "received_at", "reason", "installation")]
        query = select(*columns).where(deliveries.c.state == DeliveryState.FAILED)
        return self._rows(query.order_by(deliveries.c.received_at.desc()).limit(MOST))

    def list_undelivered(self) -> list[Row]:
        """What GitHub could not deliver, as a worker last saw it, the newest first."""
        query = select(undelivered).where(_IS_MISSING)
        return self._rows(query.order_by(undelivered.c.failed_at.desc(), undelivered.c.guid).limit(MOST))

    def want_redelivery(self, guid: str, entry: int) -> int:
        """Have a worker ask GitHub for it again, '' for all that are listed; how many there are.

        The outcome is written to ``entry`` of the audit log.
        """
        wanted = update(undelivered).where(undelivered.c.wanted.is_(None), _IS_MISSING).values(wanted=entry)
        if guid:
            wanted = wanted.where(undelivered.c.guid == guid)
        with self._engine.begin() as connection:
            return connection.execute(wanted).rowcount

    def list_pauses(self) -> list[Row]:
        """Where no task is begun, by whose order, since when."""
        return self._rows(select(pauses).order_by(pauses.c.since))

    def list_settings(self) -> Mapping[str, tuple[str, str]]:
        """The settings of this process that are not secret: value and origin by name."""
        return self._settings.list_public_values()

    def retry_delivery(self, guid: str) -> bool:
        """Have a failed delivery handled again; False when none of this GUID has failed."""

        async def once() -> bool:
            url = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
            database = connect(url, connections=1)
            try:
                return await Store(database.engine).retry_delivery(guid)
            finally:
                await database.engine.dispose()

        return asyncio.run(once())

    def _rows(self, query: Select[Any]) -> list[Row]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
