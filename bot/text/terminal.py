"""Text for the model from what commands print: no terminal control, bounded, saying what was left out."""

from __future__ import annotations

import re

SHOWN_CHARS = 16_000
FOLDED_CHARS = 2_000
_HEAD_SHARE = 0.4
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC and other strings: titles, links
    r"|\x1b[@-Z\\-_=>78]?"
    r"|[\x00-\x08\x0b-\x1f\x7f]"
)


def plain(output: bytes) -> str:
    """The output as a person would see it in the end: no escapes, no overwritten progress lines."""
    text = output.decode("utf-8", "replace")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROL.sub("", text)


def fold_long_lines(text: str) -> str:
    """``text`` with very long lines broken, which is said, so that all of it can be read by lines."""
    if not any(len(line) > FOLDED_CHARS for line in text.split("\n")):
        return text
    lines = [
        line[at : at + FOLDED_CHARS]
        for line in text.split("\n")
        for at in range(0, max(1, len(line)), FOLDED_CHARS)
    ]
    return "\n".join([f"[lines over {FOLDED_CHARS} characters are folded here]", *lines])


def bound_output(text: str, name: str, *, chars: int = SHOWN_CHARS) -> str:
    """``text`` if it is short; else head and tail by whole lines, and how to read the rest as ``name``."""
    if len(text) <= chars:
        return text
    head_room = int(chars * _HEAD_SHARE)
    head = text[:head_room]
    tail = text[len(text) - (chars - head_room) :]
    head = head[: head.rfind("\n") + 1] or head
    tail = tail[tail.find("\n") + 1 :] or tail
    left_out = text[len(head) : len(text) - len(tail)]
    first = head.count("\n") + 1
    lines = left_out.count("\n")
    gap = (
        f"[{f'{lines} lines' if lines else 'a part of a line'} ({len(left_out)} characters) left out here; "
        f'to see the rest: read {{"path": "{name}", "start": {first}}}]'
    )
    return head + ("" if head.endswith("\n") else "\n") + gap + "\n" + tail


def number_lines(lines: list[str], start: int) -> str:
    """Lines with their numbers in front, separated by a tab."""
    return "".join(f"{number:>6}\t{line}\n" for number, line in enumerate(lines, start))
