"""Head and tail are kept, the middle is counted, memory is bounded."""

from __future__ import annotations

import pytest

from sandbox.output.capture import Capture


@pytest.mark.parametrize("pieces", [[b"abc"], [b"a", b"b", b"c"], [b"", b"abc"], []])
def test_keeps_all_of_a_short_stream(pieces):
    capture = Capture(8)
    for piece in pieces:
        capture.feed(piece)
    assert capture.content == b"".join(pieces)
    assert capture.omitted == 0


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_head_and_tail_of_a_long_one(size):
    data = bytes(range(256)) * 40
    capture = Capture(100)
    for start in range(0, len(data), size):
        capture.feed(data[start : start + size])
    head, tail = data[:50], data[-50:]
    assert capture.omitted == len(data) - 100
    assert capture.content == head + b"\n[... %d bytes left out ...]\n" % capture.omitted + tail


def test_percent_signs_are_only_bytes():
    capture = Capture(4)
    capture.feed(b"%d%s%n%d")
    assert capture.content.startswith(b"%d\n") and capture.content.endswith(b"\n%d")


def test_a_cap_of_nothing():
    capture = Capture(0)
    capture.feed(b"abc")
    assert capture.omitted == 3
    assert b"abc" not in capture.content


def test_the_listener_hears_all_also_beyond_the_cap():
    heard: list[bytes] = []
    capture = Capture(10, heard.append)
    for _ in range(5):
        capture.feed(b"1234")
    assert b"".join(heard) == b"1234" * 5
