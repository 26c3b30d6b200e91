"""One look at one task: claim it, let the body work under the lease, put the task where that ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.domain import Run, Task, TaskState
from bot.errors import Cancelled, LeaseLost, Parked, Retry, UserError
from bot.tasks.claims import ATTEMPTS, LEASE
from bot.tasks.lease import BEAT, Lease
from bot.tasks.store import Store

log = structlog.get_logger(__name__)

# What a body hands back: where its task stands now, and why. It has told people.
Ending = tuple[TaskState, str]
Body = Callable[[Task, Run, Lease], Awaitable[Ending]]


async def attend(
    store: Store,
    task_id: int,
    *,
    worker: str,
    body: Body,
    lease: float = LEASE,
    beat: float = BEAT,
    stall: float | None = None,
) -> TaskState | None:
    """Work on a task if it can be claimed; returns the state it was left in, None when it was not ours.

    A body that returns has told people how it ended. One that raises has not: Retry queues the task again (at
    most ATTEMPTS times), Parked lets it wait without counting, Cancelled, UserError and every bug end it and
    leave the telling to the queue's ``on_ended``. When the worker is shut down the task is queued again.
    """
    claimed = await store.claim(task_id, worker, lease=lease)
    if claimed is None:
        return None
    task, run = claimed
    with structlog.contextvars.bound_contextvars(task=task.id, run=run.id):
        log.info("run.started", attempt=run.attempt, thread=task.thread_key)
        try:
            state = await _attempt(
                store, task, run, body, Lease(store, run, lease=lease, beat=beat, stall=stall)
            )
        except LeaseLost as lost:
            log.warning("run.lost", reason=str(lost))
            return None
        log.info("run.ended", state=state)
        return state


async def _attempt(store: Store, task: Task, run: Run, body: Body, lease: Lease) -> TaskState:
    try:
        async with lease:
            state, reason = await body(task, run, lease)
    except asyncio.CancelledError:
        await asyncio.shield(store.release(run, TaskState.QUEUED, "the worker was shut down", counted=False))
        raise
    except LeaseLost:
        raise
    except Cancelled as asked:
        return await store.release(run, TaskState.CANCELLED, str(asked), told=False)
    except Parked as parked:
        return await store.release(run, TaskState.WAITING, parked.reason, after=parked.after, counted=False)
    except Retry as again:
        if task.attempts < ATTEMPTS:
            return await store.release(run, TaskState.QUEUED, again.reason, after=again.after)
        reason = f"gave up after {task.attempts} attempts: {again.reason}"
        return await store.release(run, TaskState.FAILED, reason, told=False)
    except UserError as trouble:
        return await store.release(run, TaskState.FAILED, trouble.message, told=False)
    except Exception as bug:  # the worker's boundary
        log.exception("run.bug")
        return await store.release(run, TaskState.FAILED, f"internal error: {type(bug).__name__}", told=False)
    return await store.release(run, state, reason)
