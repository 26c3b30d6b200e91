"""Counts over many rows, made beside the pages: a page shows what was counted last, and when that was.

A million tasks take seconds to count. A page waits a moment, which is enough for a small house, and otherwise
says that it counts; it asks again by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import structlog
from cachetools import LRUCache
from flask import current_app

log = structlog.get_logger(__name__)
T = TypeVar("T")

PATIENCE_SECONDS = 0.05  # that a page waits for a count
KEPT_SECONDS = 60.0  # at most: then somebody who looks has it counted anew
KEPT_FACTOR = 20.0  # a count is kept for so many times what it took: what is quick is always fresh
MOST_KEPT = 200  # counts, each of who sees other repositories
AT_ONCE = 2  # so that the database has room for other things


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Generic[T]):
    """What was counted, and when. ``is_renewed``: it is being counted anew now."""

    value: T
    at: datetime
    is_renewed: bool


class _Entry:
    """One count: the last value, when it was made, who counts now, and why that failed."""

    def __init__(self) -> None:
        self.value: Any = None
        self.at: datetime | None = None
        self.due = float("-inf")  # by the monotonic clock
        self.counting: Future[None] | None = None
        self.error: Exception | None = None


class BackgroundCounts:
    """The counts of one process, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: LRUCache[Hashable, _Entry] = LRUCache(MOST_KEPT)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="count")

    def look(self, key: Hashable, count: Callable[[], T]) -> Counted[T] | None:
        """The newest count there is; None while the first one is made.

        One that is due is counted anew meanwhile. Raises what ``count`` raised where there is none.
        """
        entry, counting = self._begin(key, count)
        if counting is not None:
            wait([counting], timeout=PATIENCE_SECONDS)
        with self._lock:
            if entry.at is not None:
                return Counted(value=entry.value, at=entry.at, is_renewed=entry.counting is not None)
            if entry.error is not None:
                error, entry.error = entry.error, None
                raise error
            return None

    def wait(self, key: Hashable, count: Callable[[], T]) -> T:
        """A count that is ``KEPT_SECONDS`` old at most, however long it takes.

        Raises what ``count`` raised.
        """
        entry, counting = self._begin(key, count)
        if counting is not None:
            wait([counting])
        with self._lock:
            if entry.error is not None:
                error, entry.error = entry.error, None
                raise error
            value: T = entry.value
            return value

    def _begin(self, key: Hashable, count: Callable[[], object]) -> tuple[_Entry, Future[None] | None]:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry()
            is_told = entry.error is None or entry.at is not None  # who asks for a first count is told
            if entry.counting is None and is_told and time.monotonic() >= entry.due:
                entry.counting = self._threads.submit(self._count, entry, count)
            return entry, entry.counting

    def _count(self, entry: _Entry, count: Callable[[], object]) -> None:
        began = time.monotonic()
        try:
            value = count()
        except Exception as error:  # for whoever looks next, in a thread that can answer
            log.warning("dashboard.not_counted", error=f"{type(error).__name__}: {error}"[:500])
            with self._lock:
                entry.error, entry.counting = error, None
            return
        with self._lock:
            entry.value, entry.at, entry.counting = value, datetime.now(UTC), None
            ended = time.monotonic()
            entry.error, entry.due = None, ended + min(KEPT_SECONDS, KEPT_FACTOR * (ended - began))


def find_counts() -> BackgroundCounts:
    """The counts of this application."""
    counts: BackgroundCounts = current_app.extensions["counts"]
    return counts
