"""What the commands of a run print, shown while they run to whoever watches the run on the dashboard.

Once a second, and only while somebody watches, the new lines are stored where every dashboard finds them; of
what nobody asked for the last lines are kept. Nothing here can hold up or end a run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

import structlog

from bot.domain import Run
from bot.tasks.database.transactions import is_unreachable
from bot.tasks.live.records import LiveRecords, OutputPiece, WatchedRuns
from bot.text.live_lines import LiveBuffer, LiveLines
from bot.text.redact import Redactor
from bot.text.terminal import escape_controls, strip_escapes

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
MOST_CHARS = 16_000  # of a command that are stored in one second
KEPT_CHARS = 256_000  # of a run that are stored at once
MOST_ENDED = 3  # commands that ended before anybody watched
CONTEXT_LINES, CONTEXT_CHARS = 40, 8000  # before new lines, in which a secret may begin
_TITLE_CHARS = 300


class _View:
    """One command's output, from what is not stored yet."""

    def __init__(self, number: int, title: str, changed: asyncio.Event) -> None:
        self.number, self.title = number, title
        self.buffer = LiveBuffer()
        self.ended = ""
        self.is_announced = False  # whether people know of the command
        self.shift = 0  # by how much what is stored has more lines than what was printed
        self.context: list[str] = []
        self._changed = changed

    def add(self, data: bytes) -> None:
        """See ``CommandView``."""
        self.buffer.add(data)
        self._changed.set()

    def end(self, how: str) -> None:
        """See ``CommandView``."""
        self.ended = how
        self._changed.set()


class RunScreen:
    """``async with RunScreen(...) as screen``: a ``CommandScreen`` for one run."""

    def __init__(self, store: LiveRecords, watched: WatchedRuns, run: Run, redactor: Redactor) -> None:
        self._store, self._watched, self._run, self._redactor = store, watched, run, redactor
        self._changed = asyncio.Event()
        self._views: list[_View] = []
        self._count = self._serial = 0
        self._stored: deque[tuple[int, int]] = deque()  # serial and size of what is stored
        self._waiting: list[OutputPiece] = []  # made, and not stored for sure yet

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._show_forever(), name=f"screen of run {self._run.id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.cancel()
        await asyncio.wait({self._keeper})

    def open(self, title: str) -> _View:
        """See ``CommandScreen``."""
        self._count += 1
        line = escape_controls(" ".join(strip_escapes(title).split()))
        view = _View(self._count, self._redactor.text(line)[:_TITLE_CHARS], self._changed)
        ended = [each for each in self._views if each.ended]
        gone = ended[: len(ended) - MOST_ENDED] if len(ended) > MOST_ENDED else []
        self._views = [*(each for each in self._views if each not in gone), view]
        self._changed.set()
        return view

    async def _show_forever(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                if await self._watched.is_watched(self._run):
                    await self._store_new_lines()
            except Exception as trouble:
                if not is_unreachable(trouble):
                    log.error("screen.bug", exc_info=trouble)
                    return

    async def _store_new_lines(self) -> None:
        self._changed.clear()
        for view in self._views:
            if piece := await self._make_piece(view):
                self._waiting.append(piece)
        self._views = [each for each in self._views if not each.ended or each.buffer.is_waiting]
        if any(each.buffer.is_waiting for each in self._views):  # a line that may go on, or an end meanwhile
            self._changed.set()
        if not self._waiting:
            return
        sizes = [*self._stored, *((each.serial, len(each.text) + len(each.title)) for each in self._waiting)]
        forget, kept = 0, sum(size for _, size in sizes)
        while kept > KEPT_CHARS:
            forget, size = sizes.pop(0)
            kept -= size
        try:
            await self._store.add_output(self._run, self._waiting, forget_until=forget)
        except BaseException:
            self._changed.set()
            raise
        self._stored, self._waiting = deque(sizes), []

    async def _make_piece(self, view: _View) -> OutputPiece | None:
        """What is new of a command: lines, its end, or that it began."""
        ended = view.ended
        found = view.buffer.take(last=bool(ended))
        if found is None and view.is_announced and not ended:
            return None
        line, text = 0, ""
        if found is not None:
            found = _keep_last(found)
            line = found.first + view.shift
            text = await asyncio.to_thread(self._make_safe, view, found)
        view.is_announced = True
        self._serial += 1
        return OutputPiece(
            serial=self._serial, command=view.number, title=view.title, line=line, text=text, ended=ended
        )

    def _make_safe(self, view: _View, found: LiveLines) -> str:
        """The lines without secrets, also without one that began in the lines before."""
        before, new = "\n".join(view.context), "\n".join(found.plain)
        apart, safe_before = self._redactor.text(new), self._redactor.text(before)
        whole = self._redactor.text(f"{before}\n{new}")
        if whole != f"{safe_before}\n{apart}":
            shown = ["[redacted: goes on from the lines above]"]
        else:
            shown = list(found.lines) if apart == new else apart.split("\n")
        view.shift += len(shown) - len(found.lines)
        closed = found.plain[: len(found.plain) - found.open]
        view.context = [*view.context, *closed][-CONTEXT_LINES:]
        while sum(map(len, view.context)) > CONTEXT_CHARS:
            del view.context[0]
        return "\n".join(shown)


def _keep_last(found: LiveLines) -> LiveLines:
    """As many of the last lines as may be stored at once."""
    kept, size = 0, 0
    for each in reversed(found.lines):
        size += len(each) + 1
        if kept and size > MOST_CHARS:
            break
        kept += 1
    gone = len(found.lines) - kept
    return LiveLines(first=found.first + gone, lines=found.lines[gone:], open=found.open)
