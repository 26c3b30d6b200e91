"""Waking workers through procrastinate, inside the caller's transaction.

A job only says "look at this". It carries no lock of procrastinate's: a lock would stay with a job whose
worker was killed and hold its thread up, and a job scheduled for later blocks every other with its lock. What
may run is decided when a task is claimed (bot.tasks.leases), and whoever frees a thread wakes the next on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.ext.asyncio import AsyncConnection

INBOX = "inbox"  # deliveries and notifications of ends: short, never behind a run
RUNS = "runs"
CALLS = "calls"  # where a worker keeps its functions in the job's context

Call = Callable[[Any], Awaitable[None]]


def queue_app(connector: BaseConnector) -> App:
    """The procrastinate app with our jobs. A worker's functions come in through the job's context."""
    app = App(connector=connector)

    @app.task(name="deliver", queue=INBOX, pass_context=True)
    async def deliver(context: JobContext, guid: str) -> None:
        await _call(context, "deliver", guid)

    @app.task(name="deliver_together", queue=INBOX, pass_context=True)
    async def deliver_together(context: JobContext, guids: list[str]) -> None:
        await _call(context, "deliver_together", guids)

    @app.task(name="tell", queue=INBOX, pass_context=True)
    async def tell(context: JobContext, task: int) -> None:
        await _call(context, "tell", task)

    @app.task(name="work", queue=RUNS, pass_context=True)
    async def work(context: JobContext, task: int) -> None:
        await _call(context, "work", task)

    # There must be one: a worker notices that its listener or its heartbeat died only while every other side
    # task of it lives, and the one for periodic jobs ends at once when there are none.
    @app.periodic(cron="* * * * *")
    @app.task(name="every_minute", queue=INBOX, pass_context=True)
    async def every_minute(context: JobContext, timestamp: int) -> None:
        await _call(context, "every_minute", timestamp)

    return app


async def _call(context: JobContext, name: str, what: Any) -> None:
    calls: dict[str, Call] = context.additional_context[CALLS]
    await calls[name](what)


_sender = queue_app(PsycopgConnector())  # never opened: it only defers over connections of ours


async def wake_delivery(connection: AsyncConnection, guid: str) -> bool:
    """Queue a job for the delivery, once this transaction is committed; False when there is one already."""
    return await _wake(connection, "deliver", f"delivery:{guid}", {"guid": guid})


async def wake_deliveries(connection: AsyncConnection, guids: Sequence[str]) -> None:
    """Queue one job for deliveries that this transaction stored: a notification costs more than a row."""
    if len(guids) == 1:
        await _wake(connection, "deliver", f"delivery:{guids[0]}", {"guid": guids[0]}, new=True)
        return
    task = _sender.tasks["deliver_together"].configure(connection=await _get_driver(connection))
    await task.defer_async(guids=list(guids))


async def wake_task(connection: AsyncConnection, task: int, *, priority: int = 0, new: bool = False) -> bool:
    """Queue a job for the task, once this transaction is committed; False when there is one already."""
    return await _wake(connection, "work", f"task:{task}", {"task": task}, priority, new=new)


async def wake_notifier(connection: AsyncConnection, task: int) -> bool:
    """Have a worker notify the thread of a task that ended without a run."""
    return await _wake(connection, "tell", f"tell:{task}", {"task": task})


async def _get_driver(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    raw = (await connection.get_raw_connection()).driver_connection
    return cast("psycopg.AsyncConnection[Any]", raw)


async def _wake(
    connection: AsyncConnection,
    job: str,
    once: str,
    arguments: dict[str, Any],
    priority: int = 0,
    *,
    new: bool = False,
) -> bool:
    driver = await _get_driver(connection)
    task = _sender.tasks[job].configure(queueing_lock=once, priority=priority, connection=driver)
    if new:
        await task.defer_async(**arguments)
        return True
    try:
        async with driver.transaction():  # a savepoint: the refusal of a second job would end ours
            await task.defer_async(**arguments)
    except AlreadyEnqueued:
        return False
    return True
