"""Counts over many rows, made beside the pages: a page shows what was counted last, and when that was.

A million tasks take seconds to count. A page waits a moment, enough for a small installation, and otherwise
says that it counts; it asks again by itself. Each kind has threads of its own, so that a slow one holds up no
other; what nobody asks for any more when its turn comes is not counted. The database
ends a statement that takes too long (``bot.tasks.database.connection``).
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
CountKey = tuple[str, *tuple[Hashable, ...]]  # its kind comes first

PATIENCE_SECONDS = 0.04  # that a page waits for a count
KEPT_SECONDS = 60.0  # at most: after that the next reader starts a new count
KEPT_FACTOR = 20.0  # a count is kept for so many times what it took: what is quick is always fresh
MOST_KEPT = 400  # counts, each of who sees other repositories
AT_ONCE = {"search": 4}  # of a kind; of any other one, so that the database has room for other things
FORGOTTEN_SECONDS = 10.0  # since a page asked last: nobody looks at it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Generic[T]):
    """What was counted, and when. ``is_renewed``: a new count is under way."""

    value: T
    at: datetime
    is_renewed: bool


class _Entry:
    """One count: the last value, when it was made, who counts now, and why that failed."""

    def __init__(self) -> None:
        self.asked = 0.0  # by the monotonic clock, when somebody wanted it last
        self.waiters = 0  # who do not go on without it
        self.value: Any = None
        self.at: datetime | None = None
        self.due = float("-inf")  # by the monotonic clock
        self.counting: Future[None] | None = None
        self.error: Exception | None = None


class BackgroundCounts:
    """The counts of one process, by key: its kind, such as ``figures``, and what else tells it apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: LRUCache[Hashable, _Entry] = LRUCache(MOST_KEPT)
        self._threads: dict[str, ThreadPoolExecutor] = {}  # by kind

    def look(self, key: CountKey, count: Callable[[], T]) -> Counted[T] | None:
        """The newest count there is; None while the first one is made.

        Where it is too old, a new count begins. Raises what ``count`` raised where there is no count.
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

    def wait(self, key: CountKey, count: Callable[[], T]) -> T:
        """A count that is ``KEPT_SECONDS`` old at most, however long it takes.

        Raises what ``count`` raised.
        """
        entry, counting = self._begin(key, count, waits=True)
        if counting is not None:
            wait([counting])
        with self._lock:
            entry.waiters -= 1
            if entry.error is not None:
                error, entry.error = entry.error, None
                raise error
            value: T = entry.value
            return value

    def _begin(
        self, key: CountKey, count: Callable[[], object], *, waits: bool = False
    ) -> tuple[_Entry, Future[None] | None]:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry()
            entry.asked = time.monotonic()
            entry.waiters += waits
            is_told = entry.error is None or entry.at is not None  # or else its error is raised
            if entry.counting is None and is_told and time.monotonic() >= entry.due:
                entry.counting = self._find_thread(key[0]).submit(self._count, entry, count)
            return entry, entry.counting

    def _find_thread(self, kind: str) -> ThreadPoolExecutor:
        if kind not in self._threads:
            self._threads[kind] = ThreadPoolExecutor(AT_ONCE.get(kind, 1), f"count {kind}")
        return self._threads[kind]

    def _count(self, entry: _Entry, count: Callable[[], object]) -> None:
        began = time.monotonic()
        with self._lock:
            if not entry.waiters and began - entry.asked > FORGOTTEN_SECONDS:
                entry.counting = None
                return
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
