"""Output of commands as text: without terminal control codes, bounded, with a note on what is left out."""

from __future__ import annotations

import re

SHOWN_CHARS = 16_000
FOLDED_CHARS = 2_000
_HEAD_SHARE = 0.4
# https://ecma-international.org/publications-and-standards/standards/ecma-48/
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC and other strings: titles, links
    r"|\x1b[@-Z\\-_=>78]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# C0 and C1 controls except tab and newline, line and paragraph separators, and marks of text direction
_UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_UNSAFE_CHARACTER = re.compile(f"[{_UNSAFE}]")
# Beside these: halves of surrogate pairs, which are no text, and the tag characters, which spell unseen text
_UNSHOWN = re.compile(f"[{_UNSAFE}\ud800-\udfff\U000e0000-\U000e007f]")
_UNSAFE_OR_BREAK = re.compile(f"[\t\n{_UNSAFE}]")


# pytest's line of marks for tests, with how much is done: https://docs.pytest.org/en/stable/how-to/output.html
_PROGRESS_LINE = re.compile(r"^(?:\S+ )?[.FEsxXR]+ *\[ *\d+%\]\n?", re.MULTILINE)


def drop_progress_lines(text: str) -> str:
    """``text`` without pytest's lines of dots, which say nothing that its summary does not."""
    return _PROGRESS_LINE.sub("", text)


def strip_escapes(text: str) -> str:
    """``text`` without terminal escape sequences: colours, cursor movements, titles, links."""
    return _ESCAPE.sub("", text)


def replace_controls(text: str, by: str) -> str:
    """``text`` with ``by`` for each control character except tab and newline, bidirectional ones too."""
    return _UNSAFE_CHARACTER.sub(by, text)


def escape_controls(text: str) -> str:
    r"""``text`` on one line, with control characters, tab and newline written out: ``\x1b``, ``\n``."""
    return _UNSAFE_OR_BREAK.sub(lambda found: ascii(found[0])[1:-1], text)


def show_controls(text: str) -> str:
    r"""``text`` without terminal escapes, ``\r`` as a line's end, other control characters as ``\u202e``."""
    text = strip_escapes(text.replace("\r\n", "\n").replace("\r", "\n"))
    return _UNSHOWN.sub(lambda found: ascii(found[0])[1:-1], text)


def render_output(output: bytes) -> str:
    """A command's output as a terminal shows it at the end: no escapes, no overwritten progress lines."""
    text = output.decode("utf-8", "replace")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROL.sub("", strip_escapes(text))


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
