"""A run while it goes on, as server-sent events: each turn once and in order, and the parts that change.

https://html.spec.whatwg.org/multipage/server-sent-events.html: the id of an event is the number of its turn,
which the browser sends back as Last-Event-ID when it connects anew, and the stream goes on behind it. However
many watch a run, the database is asked twice a second: who asks first looks, the others get the same. Nothing
is queued for anybody, so a slow reader costs no memory; what is rendered is kept within bounds for the next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cachetools import LRUCache

from bot.dashboard.page_reader import PageReader, Row

LOOK_SECONDS = 0.5  # between two looks at the database
STEP_SECONDS = 5.0  # in which the time that a run takes is shown while it goes on
QUIET_SECONDS = 15.0  # after which a comment keeps proxies from closing the connection
STREAM_SECONDS = 300.0  # then the browser connects anew, and is asked anew who it is
MOST_VIEWERS = 230  # streams at once; each holds a thread
_MOST_RUNS = 64
_RENDERED_CHARS = 2_000_000  # of a run's turns that are kept
_TURNS_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What a run looks like now: two parts of its page, its last turn, and whether it goes on."""

    head: str
    result: str
    last: int
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRenderer:
    """How the parts of a page are made, of the run's row and the record of a turn."""

    head: Callable[[Row, Row | None, Row | None], str]
    result: Callable[[Row], str]
    turn: Callable[[Row], str]


class WatchedRun:
    """One run that is watched, whoever watches it."""

    def __init__(self, reader: PageReader, run: int, attempt: int) -> None:
        self._reader, self._run, self._attempt = reader, run, attempt
        self._lock = threading.Lock()
        self._view: RunView | None = None
        self._at = 0.0
        self._rendered: LRUCache[int, str] = LRUCache(_RENDERED_CHARS, getsizeof=len)

    def look(self, render: RunRenderer) -> RunView | None:
        """The run as it was at most half a second ago; None when it is gone."""
        with self._lock:
            if self._view is None or time.monotonic() - self._at >= LOOK_SECONDS:
                row = self._reader.run(self._run)  # before its turns: an ended run has none to come
                if row is None:
                    return None
                if not self._attempt:
                    self._attempt = self._reader.find_shown_attempt(self._run)
                last = self._reader.last_turn(self._run, self._attempt)
                seq, live = last["seq"] if last else -1, row["ended_at"] is None
                doing = self._reader.find_call(self._run, self._attempt, seq) if live else None
                if live:  # in steps, so that what people mark on the page is not replaced each second
                    row = {**row, "seconds": float(row["seconds"]) // STEP_SECONDS * STEP_SECONDS}
                head, result = render.head(row, last, doing), render.result(row)
                self._view = RunView(head=head, result=result, last=seq, live=live)
                self._at = time.monotonic()
            return self._view

    def list_turns(self, after: int, render: RunRenderer) -> list[tuple[int, str]]:
        """The next turns behind ``after``, rendered, some at a time."""
        with self._lock:
            found = []
            for seq in range(after + 1, after + 1 + _TURNS_AT_ONCE):
                html = self._rendered.get(seq)
                if html is None:
                    break
                found.append((seq, html))
            if found:
                return found
            rows = self._reader.turns(self._run, after, self._attempt, limit=_TURNS_AT_ONCE)
            for row in rows:
                html = render.turn(row)
                found.append((row["seq"], html))
                if len(html) <= _RENDERED_CHARS:
                    self._rendered[row["seq"]] = html
            return found


class LiveRuns:
    """All runs that are watched in this process."""

    def __init__(self, reader: PageReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._runs: LRUCache[tuple[int, int], WatchedRun] = LRUCache(_MOST_RUNS)
        self.places = threading.BoundedSemaphore(MOST_VIEWERS)

    def watch(self, run: int, attempt: int) -> WatchedRun:
        """The run, with what others have seen of it already. Attempt 0 is the one that is shown by itself."""
        with self._lock:
            if (run, attempt) not in self._runs:
                self._runs[run, attempt] = WatchedRun(self._reader, run, attempt)
            return self._runs[run, attempt]


def stream_run(watched: WatchedRun, after: int, render: RunRenderer) -> Iterator[str]:
    """The events of a run from behind turn ``after`` until it ends, or for ``STREAM_SECONDS``."""
    began = said = time.monotonic()
    head = result = ""
    yield "retry: 1000\n\n"
    while True:
        view = watched.look(render)
        if view is None or view.last < after:  # it began anew from other code, and its page does, too
            yield make_event("again", "")
            return
        while after < view.last:
            turns = watched.list_turns(after, render)
            if not turns:
                break
            for seq, html in turns:
                yield make_event("turn", html, number=seq)
                after = seq
        for name, before, now in (("head", head, view.head), ("result", result, view.result)):
            if now != before:
                yield make_event(name, now)
                said = time.monotonic()
        head, result = view.head, view.result
        if not view.live:
            yield make_event("end", "")
            return
        if time.monotonic() - began > STREAM_SECONDS:
            return
        if time.monotonic() - said > QUIET_SECONDS:
            yield ": still there\n\n"
            said = time.monotonic()
        time.sleep(LOOK_SECONDS)


def make_event(name: str, data: str, *, number: int | None = None) -> str:
    """One event; the data's lines each on a line of its own, whatever ends them."""
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = f"event: {name}\n" + (f"id: {number}\n" if number is not None else "")
    return head + "".join(f"data: {line}\n" for line in lines) + "\n"
