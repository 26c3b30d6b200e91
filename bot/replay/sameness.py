"""Whether two outputs of one tool call say the same, leaving aside what differs from run to run by nature."""

from __future__ import annotations

import re
from collections import Counter
from difflib import unified_diff
from itertools import islice

SHOWN_LINES = 40

# What may differ from run to run: its name for a reader, and its pattern.
_VARYING: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("points in time", re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?")),
    (
        "points in time",
        re.compile(
            r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2} +\d\d:\d\d(:\d\d)?( \d{4})?"
        ),
    ),
    ("points in time", re.compile(r"\b\d\d:\d\d:\d\d([.,]\d+)?\b")),
    ("durations", re.compile(r"\b\d+(?:\.\d+)?(?:e-\d+)? ?(?:s|ms|us|µs|ns|secs?|seconds?|milliseconds?)\b")),
    ("temporary names", re.compile(r"/tmp/[\w.@+-]+(?:/[\w.@+-]+)*")),  # noqa: S108 - read, not used
    ("addresses in memory", re.compile(r"\b0x[0-9a-f]{6,16}\b")),
    ("process numbers", re.compile(r"\b(?:pid|PID|process)[ =:]+\d+\b")),
)
_REDACTED = re.compile(r"\[redacted: [^\[\]\n]*+\]")
_RULES = re.compile(r"=+|-{3,}|_{3,}")  # pytest draws them as long as the text between leaves room


def is_redacted(text: str) -> bool:
    """Whether something was taken out of a stored text."""
    return bool(_REDACTED.search(text))


def is_same(recorded: str, new: str, aside: Counter[str]) -> bool:
    """Whether ``new`` says what was ``recorded``; counts in ``aside`` what had to be left aside for that."""
    if recorded == new:
        return True
    used: list[str] = []
    for name, pattern in _VARYING:
        before = (recorded, new)
        recorded, new = pattern.sub(f"<{name}>", recorded), pattern.sub(f"<{name}>", new)
        if before != (recorded, new) and before[0] != before[1]:
            used.append(name)
    recorded, new = _RULES.sub("=", recorded), _RULES.sub("=", new)
    if recorded != new and is_redacted(recorded):
        used.append("redacted words")
        if not _matches(recorded, new):
            return False
    elif recorded != new:
        return False
    aside.update(set(used))
    return True


def render_difference(recorded: str, new: str) -> str:
    """A short diff of two texts."""
    lines = list(
        islice(
            unified_diff(recorded.splitlines(), new.splitlines(), "recorded", "new", n=1, lineterm=""),
            SHOWN_LINES + 1,
        )
    )
    more = ["[more differs]"] if len(lines) > SHOWN_LINES else []
    return "\n".join([line[:300] for line in lines[:SHOWN_LINES]] + more)


def _matches(recorded: str, new: str) -> bool:
    """Whether ``new`` has the recorded pieces around what was redacted, in their order."""
    pieces = _REDACTED.split(recorded)
    if not new.startswith(pieces[0]) or not new.endswith(pieces[-1]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:]:
        at = new.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True
