"""Terminal control: taken out, replaced, or written out."""

from __future__ import annotations

from bot.text.terminal import escape_controls, render_output, replace_controls, strip_escapes


def test_escape_sequences_are_taken_out() -> None:
    assert (
        strip_escapes("\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b(B") == "red link(B"
    )
    assert strip_escapes("\x1b]0;left open\nnext line") == "\nnext line"


def test_controls_are_replaced_but_not_tab_and_newline() -> None:
    assert replace_controls("a\tb\nc\0\r\x7f\x9b\u202e", "?") == "a\tb\nc?????"


def test_controls_are_written_out_on_one_line() -> None:
    assert escape_controls("a\tb\n\x1b\u2028") == r"a\tb\n\x1b\u2028"


def test_output_is_what_a_terminal_shows_at_the_end() -> None:
    assert render_output(b"10%\r50%\r100%\r\ndone\x07\x1b[K\n") == "100%\ndone\n"
