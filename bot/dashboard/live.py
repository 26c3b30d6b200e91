"""A run while it goes on, as server-sent events: each turn and each line of its commands once and in order,
and the parts that change.

https://html.spec.whatwg.org/multipage/server-sent-events.html: the id of an event says which turn and which
piece of output came last. The browser sends it back as Last-Event-ID when it reconnects, and the stream
goes on behind them. However many watch a run, the database is asked twice a second: the first to ask queries,
the others get the same. Nothing is queued for anybody, so a slow reader costs no memory; what is rendered is
kept within bounds for the next.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cachetools import LRUCache

from bot.dashboard.live_output import OutputReader
from bot.dashboard.page_reader import PageReader, Row

LOOK_SECONDS = 0.5  # between two looks at the database
STEP_SECONDS = 5.0  # in which the time that a run takes is shown while it goes on
QUIET_SECONDS = 15.0  # after which a comment keeps proxies from closing the connection
STREAM_SECONDS = 300.0  # then the browser reconnects, and is authenticated again
MOST_VIEWERS = 230  # streams at once; each holds a thread
_MOST_RUNS = 64
_RENDERED_CHARS = 2_000_000  # of a run's turns that are kept
_TURNS_AT_ONCE = 20
_OUTPUT_CHARS = 1_000_000  # of a run's rendered output that are kept
_PIECES_AT_ONCE = 20
_MARK_SECONDS = 5.0  # after which a worker is notified again that somebody watches
_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlace:
    """How far a browser has seen a run: its last turn (-1: none), and its last piece of output (0: none)."""

    turn: int = -1
    piece: int = 0

    def __str__(self) -> str:
        return f"{self.turn}.{self.piece}"


def read_place(given: str) -> StreamPlace:
    """The place in an event's id or a page's address; the beginning for anything else."""
    found = re.fullmatch(r"(-1|[0-9]{1,10})(?:\.([0-9]{1,10}))?", given)
    if found is None:
        return StreamPlace()
    return StreamPlace(turn=min(int(found[1]), _MOST), piece=min(int(found[2] or 0), _MOST))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What a run looks like now: two parts of its page, the last of what there is, and whether it goes on."""

    head: str
    result: str
    last: StreamPlace
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRenderer:
    """How the parts of a page are made, of the run's row, the record of a turn, or a piece of output."""

    head: Callable[[Row, Row | None, Row | None], str]
    result: Callable[[Row], str]
    turn: Callable[[Row], str]
    output: Callable[[Row], str]


class WatchedRun:
    """One run that is watched, whoever watches it."""

    def __init__(self, reader: PageReader, output: OutputReader, run: int, attempt: int) -> None:
        self._reader, self._output, self._run, self._attempt = reader, output, run, attempt
        self._lock = threading.Lock()
        self._view: RunView | None = None
        self._at = 0.0
        self._marked = float("-inf")
        self._pieces: deque[tuple[int, str]] = deque()
        self._piece = 0  # the last one that was read
        self._diff: tuple[int, str] = (-2, "")  # of the attempt after which turn
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
                    row["diff"] = row["diff"] or self._read_diff(seq)
                self._follow_output(render, live=live)
                head, result = render.head(row, last, doing), render.result(row)
                place = StreamPlace(turn=seq, piece=self._piece)
                self._view = RunView(head=head, result=result, last=place, live=live)
                self._at = time.monotonic()
            return self._view

    def _read_diff(self, seq: int) -> str:
        """The change as it is after the turn ``seq``, read once."""
        if self._diff[0] != seq:
            self._diff = (seq, self._reader.find_diff(self._run, self._attempt))
        return self._diff[1]

    def _follow_output(self, render: RunRenderer, *, live: bool) -> None:
        """Read what commands have printed since, to the run's end; until then say that somebody watches."""
        if live and time.monotonic() - self._marked >= _MARK_SECONDS:
            self._output.mark_watched(self._run)
            self._marked = time.monotonic()
        for row in self._output.list_pieces(self._run, self._piece):
            self._pieces.append((row["serial"], render.output(row)))
            self._piece = row["serial"]
        while sum(len(html) for _, html in self._pieces) > _OUTPUT_CHARS:
            self._pieces.popleft()

    def list_pieces(self, after: int) -> list[tuple[int, str]]:
        """The next pieces of output behind ``after``, rendered, some at a time; none that are not kept."""
        with self._lock:
            return [each for each in self._pieces if each[0] > after][:_PIECES_AT_ONCE]

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

    def __init__(self, reader: PageReader, output: OutputReader) -> None:
        self._reader, self._output = reader, output
        self._lock = threading.Lock()
        self._runs: LRUCache[tuple[int, int, bool], WatchedRun] = LRUCache(_MOST_RUNS)
        self.places = threading.BoundedSemaphore(MOST_VIEWERS)

    def watch(self, run: int, attempt: int, split: bool = False) -> WatchedRun:
        """The run, with what others have seen of it already in this way: changes ``split`` or unified.

        Attempt 0 is the one that is shown by default.
        """
        with self._lock:
            if (run, attempt, split) not in self._runs:
                self._runs[run, attempt, split] = WatchedRun(self._reader, self._output, run, attempt)
            return self._runs[run, attempt, split]


def stream_run(watched: WatchedRun, place: StreamPlace, render: RunRenderer) -> Iterator[str]:
    """The events of a run from behind ``place`` until it ends, or for ``STREAM_SECONDS``."""
    began = said = time.monotonic()
    head = result = ""
    after, piece = place.turn, place.piece
    yield "retry: 1000\n\n"
    while True:
        view = watched.look(render)
        if view is None or view.last.turn < after:  # it started over on other code, and so must the page
            yield make_event("again", "")
            return
        while pieces := watched.list_pieces(piece):
            for piece, html in pieces:
                yield make_event("output", html, place=StreamPlace(turn=after, piece=piece))
                said = time.monotonic()
        while after < view.last.turn:
            turns = watched.list_turns(after, render)
            if not turns:
                break
            for seq, html in turns:
                yield make_event("turn", html, place=StreamPlace(turn=seq, piece=piece))
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


def make_event(name: str, data: str, *, place: StreamPlace | None = None) -> str:
    """One event; the data's lines each on a line of its own, whatever ends them."""
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = f"event: {name}\n" + (f"id: {place}\n" if place is not None else "")
    return head + "".join(f"data: {line}\n" for line in lines) + "\n"
