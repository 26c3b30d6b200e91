"""A command's output while it arrives, as lines with colours and without any other terminal control.

Taking a piece costs no more than copying it: lines are made when somebody asks for them. What nobody asked
for in time is dropped from the front and counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.text.terminal import replace_controls, strip_escapes

MOST_BYTES = 48 * 1024  # that wait to be asked for
LONGEST_LINE = 2000  # characters that are shown of one
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")  # SGR alone of what strip_escapes takes out
_BROKEN_COLOUR = re.compile(r"\x1b(?:\[[0-9;:]*)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLines:
    """Lines from number ``first`` on. ``plain`` is the same without colours; ``open``: the last may go on."""

    first: int
    lines: tuple[str, ...]
    open: bool

    @property
    def plain(self) -> tuple[str, ...]:
        """The lines without colours."""
        return tuple(_COLOUR.sub("", line) for line in self.lines)


class LiveBuffer:
    """The output of one command that was not taken yet."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._line = 0  # the number of the line that the buffer begins with
        self._is_fresh = False  # whether something came since it was last asked
        self._shown_open = b""  # what was given of a line that has not ended

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to ask for, now or once nothing more comes."""
        return bool(self._bytes) and bytes(self._bytes) != self._shown_open

    def add(self, data: bytes) -> None:
        """Take the next piece of the output."""
        self._is_fresh = True
        over = len(self._bytes) + len(data) - MOST_BYTES
        if over > 0:
            old = min(over, len(self._bytes))
            self._line += self._bytes.count(b"\n", 0, old) + data.count(b"\n", 0, over - old)
            del self._bytes[:old]
            data = data[over - old :]
            self._shown_open = b""
        self._bytes += data

    def take(self, *, last: bool = False) -> LiveLines | None:
        """The lines that have ended since, each once; None for none.

        A line that has not ended is given too when nothing came for a while, or it is the ``last``; if it
        goes on it is given again, under the same number.
        """
        end = self._bytes.rfind(b"\n") + 1
        rest = bytes(self._bytes[end:])
        shows_open = bool(rest) and (last or not self._is_fresh) and (end > 0 or rest != self._shown_open)
        self._is_fresh = False
        whole = bytes(self._bytes[:end]).split(b"\n")[:-1]
        if not whole and not shows_open:
            return None
        found = LiveLines(
            first=self._line,
            lines=tuple(_render(each) for each in [*whole, *([rest] if shows_open else [])]),
            open=shows_open,
        )
        del self._bytes[:end]
        self._line += len(whole)
        self._shown_open = rest if shows_open else b""
        return found


def _render(line: bytes) -> str:
    """One line as a terminal shows it: what a carriage return went back over is gone, colours are left."""
    text = line.rstrip(b"\r").rpartition(b"\r")[2][: 4 * LONGEST_LINE].decode("utf-8", "replace")
    pieces, at = [], 0
    for colour in _COLOUR.finditer(text):
        pieces += [_clean(text[at : colour.start()]), colour.group()]
        at = colour.end()
    shown = "".join([*pieces, _clean(text[at:])])
    return shown if len(shown) <= LONGEST_LINE else f"{_BROKEN_COLOUR.sub('', shown[:LONGEST_LINE])}…"


def _clean(text: str) -> str:
    return replace_controls(strip_escapes(text), "\ufffd")
