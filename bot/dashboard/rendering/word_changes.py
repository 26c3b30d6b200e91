"""Which words differ between an old and a new line that belong together.

Lines of one block of deletions and additions are paired by their order. Lines that have little in common are
not: marks on every word say nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from itertools import groupby

from bot.dashboard.rendering.values import DiffLine

Range = tuple[int, int]

MOST_WORDS = 200  # of a line that is compared
LEAST_ALIKE = 0.4  # from 0 to 1, by which two lines belong together
_MOST_WORK = 500_000  # comparisons of two words in one file: what is compared may be made to take long
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


def find_word_changes(rows: Sequence[DiffLine]) -> dict[int, tuple[Range, ...]]:
    """For rows that belong to a changed line, by their place, the characters that differ."""
    found: dict[int, tuple[Range, ...]] = {}
    work = 0
    for old, new in pair_lines(rows):
        if old is None or new is None:
            continue
        before, after = _WORD.findall(rows[old].text), _WORD.findall(rows[new].text)
        if not before or not after or max(len(before), len(after)) > MOST_WORDS:
            continue
        work += len(before) * len(after)
        if work > _MOST_WORK:
            break
        marks = _compare(before, after)
        if any(marks):
            found[old], found[new] = marks
    return found


def pair_lines(rows: Sequence[DiffLine]) -> list[tuple[int | None, int | None]]:
    """The places of deleted and added rows beside each other, block by block; None: it has no partner."""
    pairs: list[tuple[int | None, int | None]] = []
    at = 0
    for is_change, block in groupby(rows, lambda row: row.kind in ("add", "del")):
        many = len(list(block))
        if is_change:
            old = [place for place in range(at, at + many) if rows[place].kind == "del"]
            new = [place for place in range(at, at + many) if rows[place].kind == "add"]
            both = min(len(old), len(new))
            pairs += zip(old[:both], new[:both], strict=True)
            pairs += [(place, None) for place in old[both:]] + [(None, place) for place in new[both:]]
        at += many
    return pairs


def _compare(before: Sequence[str], after: Sequence[str]) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """What differs in the old and in the new line; nothing where they have little in common."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    blocks = matcher.get_matching_blocks()
    same = sum(len("".join(before[each.a : each.a + each.size]).strip()) for each in blocks)
    longer = max(len("".join(words).strip()) for words in (before, after))
    if not same or same < LEAST_ALIKE * longer:
        return (), ()
    steps = [step for step in matcher.get_opcodes() if step[0] != "equal"]
    return (
        _place(before, [(start, end) for _, start, end, _, _ in steps]),
        _place(after, [(start, end) for _, _, _, start, end in steps]),
    )


def _place(words: Sequence[str], ranges: Sequence[Range]) -> tuple[Range, ...]:
    """Ranges of words as ranges of characters; those that touch are one."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    placed: list[Range] = []
    for start, end in ranges:
        if start == end:
            continue
        if placed and placed[-1][1] == starts[start]:
            placed[-1] = (placed[-1][0], starts[end])
        else:
            placed.append((starts[start], starts[end]))
    return tuple(placed)
