"""Colours of a terminal as HTML: only spans with our classes, whatever the text is."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dashboard.rendering.ansi import render_lines

TAG = re.compile(r'<span class="(?:line|a-[a-z0-9 -]+)">|</span>')


def test_colours_become_classes() -> None:
    assert render_lines("\x1b[31mred <b>\x1b[0m & \x1b[1;38;2;1;200;3mtrue\x1b[m\nnext") == (
        '<span class="line"><span class="a-c1">red &lt;b&gt;</span> &amp; '
        '<span class="a-bold a-c2">true</span>\n</span><span class="line">next\n</span>'
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["\x1b[", "\x1b]8;;", "\x1b", "31", "m", ";", "38;2;999;1", "48;5;300", ":", "<script>", "\n"]
        )
        | st.text(max_size=3)
    )
)
def test_nothing_but_our_spans_comes_of_anything(pieces: list[str]) -> None:
    html = str(render_lines("".join(pieces)))
    assert "<" not in TAG.sub("", html)
    assert html.count("<span") == html.count("</span>")
