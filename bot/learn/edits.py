"""What somebody wrote in place of a line of Hob's, where a few words of it were replaced by others."""

from __future__ import annotations

import re
from collections.abc import Set
from itertools import takewhile, zip_longest

MOST_TOKENS = 6  # that one place of a line may lose or gain
MOST_PATCH = 200_000  # characters of a file's patch that are read
LONGEST = 60  # characters of what stands in place, and of what stood there
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NAME = re.compile(r"[^\W\d]\w*")


def list_added_lines(patch: str) -> set[str]:
    """The lines that a patch adds, without space around them."""
    lines = patch[:MOST_PATCH].splitlines()
    return {line[1:].strip() for line in lines if line.startswith("+") and line[1:].strip()}


def list_replacements(patch: str, own: Set[str]) -> list[tuple[str, str]]:
    """(before, after) of each line of ``own`` that the patch replaced by one that differs in one place.

    Only runs of as many lines removed as added are looked at, line by line.
    """
    found: dict[tuple[str, str], None] = {}
    removed: list[str] = []
    added: list[str] = []
    for line in [*patch[:MOST_PATCH].splitlines(), ""]:
        if line.startswith("-"):
            removed.append(line[1:].strip())
        elif line.startswith("+"):
            added.append(line[1:].strip())
        else:
            if len(removed) == len(added):
                for old, new in zip(removed, added, strict=True):
                    if old in own and (pair := find_replacement(old, new)):
                        found.setdefault(pair)
            removed, added = [], []
    return list(found)


def find_replacement(old: str, new: str) -> tuple[str, str] | None:
    """The one place in which two lines differ, as it was and as it is; None for several or a large one.

    A place counts where both sides hold a name; numbers and signs alone do not make a rule.
    """
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    head = _count_same(before, after)
    tail = _count_same(before[head:][::-1], after[head:][::-1])
    lost, gained = before[head : len(before) - tail], after[head : len(after) - tail]
    if not (0 < len(lost) <= MOST_TOKENS and 0 < len(gained) <= MOST_TOKENS):
        return None
    if not any(map(_NAME.fullmatch, lost)) or not any(map(_NAME.fullmatch, gained)):
        return None
    pair = _cut(old, head, tail, before), _cut(new, head, tail, after)
    return pair if all(0 < len(side) <= LONGEST and "`" not in side for side in pair) else None


def _count_same(one: list[str], two: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip_longest(one, two)))


def _cut(line: str, head: int, tail: int, tokens: list[str]) -> str:
    """The part of the line between so many tokens at its beginning and end, with the blanks in it."""
    places = [match.span() for match in _TOKEN.finditer(line)]
    return line[places[head][0] : places[len(tokens) - tail - 1][1]]
