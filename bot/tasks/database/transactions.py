"""Retries while the database is unreachable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout
from sqlalchemy import exc

from bot.backoff import compute_backoff

T = TypeVar("T")
log = structlog.get_logger(__name__)

WAIT_SECONDS = 10.0  # seconds a run waits for the database; less than its lease, so it does not outlive it

# What a lost, refused or busy connection looks like on each way to the server.
UNREACHABLE: tuple[type[BaseException], ...] = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.TimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    ConnectorException,
    PoolTimeout,
    OSError,
)


def is_unreachable(trouble: BaseException) -> bool:
    """Whether a retry may help: the database was unreachable, rather than the statement wrong."""
    if isinstance(trouble, exc.DBAPIError) and trouble.connection_invalidated:
        return True
    return isinstance(trouble, UNREACHABLE)


async def retry_while_away(work: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """Call ``work``, again while the database is away, for at most ``seconds``; then raise its error.

    Only for work that may be done twice: a lost connection does not say whether the commit arrived.
    """
    end = time.monotonic() + seconds
    failures = 0
    while True:
        pause = compute_backoff(failures + 1, first=0.1, longest=2.0, spread=0.2)
        try:
            return await work()
        except Exception as trouble:
            if not is_unreachable(trouble) or time.monotonic() + pause > end:
                raise
            log.warning("database.away", error=first_line(trouble), again_in=round(pause, 2))
        await asyncio.sleep(pause)
        failures += 1


def first_line(trouble: BaseException | Any) -> str:
    """What an error says, without SQLAlchemy's listing of the statement and its parameters."""
    text = str(getattr(trouble, "orig", None) or trouble).strip()
    return f"{type(trouble).__name__}: {text.splitlines()[0] if text else ''}"
