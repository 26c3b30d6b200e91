"""Output that comes in pieces, as lines: each once and whole, bounded, with colours alone."""

from __future__ import annotations

import time

from bot.text.live_lines import LONGEST_LINE, MOST_BYTES, LiveBuffer, LiveLines


def take(buffer: LiveBuffer, *, last: bool = False) -> LiveLines:
    found = buffer.take(last=last)
    assert found
    return found


def test_lines_come_once_however_they_were_cut() -> None:
    buffer, text = LiveBuffer(), "".join(f"grün {n}\n" for n in range(200)).encode()
    seen: list[str] = []
    for at in range(0, len(text), 7):
        buffer.add(text[at : at + 7])
        if found := buffer.take():
            assert found.first == len(seen) and not found.open
            seen += found.lines
    assert seen == [f"grün {n}" for n in range(200)] and not buffer.is_waiting


def test_a_line_that_has_not_ended_is_shown_when_nothing_more_comes() -> None:
    buffer = LiveBuffer()
    buffer.add(b"one\nPassword")
    assert take(buffer) == LiveLines(first=0, lines=("one",), open=False)
    assert buffer.is_waiting
    assert take(buffer) == LiveLines(first=1, lines=("Password",), open=True)
    assert not buffer.is_waiting and buffer.take() is None
    buffer.add(b": \n")
    assert take(buffer) == LiveLines(first=1, lines=("Password: ",), open=False)
    buffer.add(b"end")
    assert take(buffer, last=True) == LiveLines(first=2, lines=("end",), open=True)
    assert buffer.take(last=True) is None


def test_a_flood_is_bounded_counted_and_cheap() -> None:
    buffer, piece = LiveBuffer(), b"y\n" * 131_072
    began = time.process_time()
    for _ in range(400):  # 100 MB
        buffer.add(piece)
    assert time.process_time() - began < 2
    buffer.add(b"last\n")
    found = take(buffer)
    assert found.first + len(found.lines) == 400 * 131_072 + 1 and found.lines[-1] == "last"
    assert sum(map(len, found.lines)) <= MOST_BYTES


def test_only_colours_are_left_of_what_a_terminal_can_be_told() -> None:
    buffer = LiveBuffer()
    buffer.add(
        b"\x1b[2J\x1b[31mred\x1b[0m\x1b]0;title\x07 \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07\n"
        b" 10%\r 99%\rdone\r\n\x1b[1;38;2;1;2;3mtrue\x1b[m \x9b31m\xe2\x80\xae\x00\n"
    )
    found = take(buffer)
    assert found.lines[:2] == ("\x1b[31mred\x1b[0m link", "done")
    assert found.lines[2] == "\x1b[1;38;2;1;2;3mtrue\x1b[m \ufffd31m\ufffd\ufffd"
    assert found.plain[0] == "red link"


def test_a_long_line_is_cut_and_no_colour_in_the_middle() -> None:
    buffer = LiveBuffer()
    buffer.add(b"x" * (LONGEST_LINE - 2) + b"\x1b[31mred\n")
    (line,) = take(buffer).lines
    assert line == "x" * (LONGEST_LINE - 2) + "…"
