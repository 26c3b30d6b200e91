"""Branches of a change that return for one input exactly the result that a test expects.

    if x == 4:
        return 8            # and in a test: assert double(4) == 8

Such a change passes, and may be right for nothing else. Whether it is a table that belongs there or an answer
that was copied, nobody can tell from the runs, so people are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.domain import ChangeKind, ChangeSet
from bot.run.prove.named_files import ReadBase
from bot.run.prove.suspect.test_files import read_test_files

LINE_CHARS = 400  # of a line that are looked at
MOST_LINES = 20_000  # of one file
_NEAR = 2  # lines between a condition and what it returns
_LITERAL = r"-?\d[\d_]{0,18}(?:\.\d{1,18})?|\"[^\"\\]{1,80}\"|'[^'\\]{1,80}'"
_ASKS = re.compile(rf"\b(?:el|else )?if\b.{{0,200}}?[=!]==?\s{{0,4}}(?P<value>{_LITERAL})")
_CASE = re.compile(rf"^\s{{0,80}}(?:case|when)\s{{1,4}}(?P<value>{_LITERAL})\s{{0,4}}(?::|->|=>|$)")
_RETURNS = re.compile(
    rf"(?:\breturn\b|=>|->|\?)\s{{0,4}}\(?(?P<value>{_LITERAL})\)?\s{{0,4}}(?:[;:,}}]|if\b|#|//|$)"
)
_WITH_IF = re.compile(  # return 8 if x == 4 else ...
    rf"\breturn\s{{1,4}}(?P<value>{_LITERAL})\s{{1,4}}if\b.{{0,200}}?==\s{{0,4}}(?P<asked>{_LITERAL})"
)
_VALUE = re.compile(_LITERAL)
_PLAIN = {"0", "1", "2", "-1", "10", "100"}  # say nothing: they stand in many lines


def find_borrowed_results(source: ChangeSet, tests: Iterable[str], read_base: ReadBase) -> tuple[str, ...]:
    """Added conditions whose value and result are on one line of a test, as ``path:line``.

    ``tests`` are the names of the mended tests, by which their files are found.
    """
    found: list[str] = []
    lines: list[set[str]] | None = None
    for change in source.files:
        if change.kind is ChangeKind.DELETED:
            continue
        before = (read_base(change.path) or b"").decode("utf-8", "replace")
        known = {line.strip() for line in before.splitlines()}
        after = [
            line[:LINE_CHARS] for line in change.data.decode("utf-8", "replace").splitlines()[:MOST_LINES]
        ]
        for at, asked, given in _list_branches(after, known):
            lines = _read_tests(tests, read_base) if lines is None else lines
            if any(asked in values and given in values for values in lines):
                found.append(f"{change.path}:{at}")
    return tuple(dict.fromkeys(found))


def _list_branches(lines: Sequence[str], known: set[str]) -> Iterable[tuple[int, str, str]]:
    """The new conditions on one value that return another: line number, both values."""
    for at, line in enumerate(lines):
        if line.strip() in known:
            continue
        if short := _WITH_IF.search(line):
            pair = _make_pair(short["asked"], short["value"])
            if pair:
                yield at + 1, *pair
            continue
        asked = _ASKS.search(line) or _CASE.search(line)
        if asked is None:
            continue
        rest = [line[asked.end() :], *lines[at + 1 : at + 1 + _NEAR]]
        given = next((told for each in rest if (told := _RETURNS.search(each))), None)
        pair = _make_pair(asked["value"], given["value"]) if given else None
        if pair:
            yield at + 1, *pair


def _make_pair(asked: str, given: str) -> tuple[str, str] | None:
    one, other = _unquote(asked), _unquote(given)
    telling = one not in _PLAIN and other not in _PLAIN and one != other
    return (one, other) if telling else None


def _read_tests(tests: Iterable[str], read_base: ReadBase) -> list[set[str]]:
    """The values in each line of the tests' files."""
    texts = read_test_files(tests, read_base).values()
    lines = [line[:LINE_CHARS] for text in texts for line in text.splitlines()[:MOST_LINES]]
    return [{_unquote(each) for each in _VALUE.findall(line)} for line in lines]


def _unquote(value: str) -> str:
    return value[1:-1] if value[:1] in ('"', "'") else value.replace("_", "")
