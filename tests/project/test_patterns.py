"""No regular expression of the project takes time that grows faster than the text it is given."""

from __future__ import annotations

import functools
import re
import time

import pytest

from tests.project.patterns import FoundPattern, find_patterns, list_files_with_patterns, slow_inputs

_FILES = list_files_with_patterns()
_LONG, _SCREENED = 3_000, 4_000  # characters
_BEYOND = 3  # times as many as a pattern repeats at most: then twice as many take 2.2 times as long
_BOUND = re.compile(r"\{\d*,(\d+)\}")
# A pattern that is known to be quadratic, and how much of its time for the same text another may take: below
# the first it is linear, above the second it is not; between them longer texts decide.
_QUADRATIC = FoundPattern("here", re.compile(r"a[\w-]*b"), frozenset(["search"]))
_PLAINLY_LINEAR, _PLAINLY_SLOW = 0.12, 1.5
# A quadratic pattern takes four times as long for twice the text. One is reported when the shortest times of
# three tries say so.
_ENOUGH, _NEARLY_SQUARE, _NOT_SQUARE = 3, 3.4, 2.8


@pytest.mark.parametrize("file", _FILES)
def test_twice_the_text_takes_at_most_twice_the_time(file: str) -> None:
    for found in find_patterns():
        if found.file == file:
            _check_growth(found)


def test_every_pattern_stands_in_a_file_that_is_tried() -> None:
    assert {each.file for each in find_patterns()} <= set(_FILES)


def _check_growth(found: FoundPattern) -> None:
    bounds = _BOUND.findall(str(found.pattern.pattern))
    length = max(_LONG, *(_BEYOND * int(bound) for bound in bounds)) if bounds else _LONG
    for beginning, unit in slow_inputs(found.pattern):
        what = f"{found.place}: {beginning!r}, then {unit!r} again and again"
        assert _time_again(found, beginning, unit, 500, 0.05) < 0.05, what
        screened = _time_again(found, beginning, unit, _SCREENED, _PLAINLY_SLOW * _time_quadratic())
        if screened < _PLAINLY_LINEAR * _time_quadratic():
            continue
        assert screened < _PLAINLY_SLOW * _time_quadratic(), what
        least, least_twice = float("inf"), float("inf")
        for tried in range(1, 21):  # a busy processor is slower, and not evenly: the shorter before and after
            before = _time(found, beginning, unit, length)
            twice = _time(found, beginning, unit, 2 * length)
            once = min(before, _time(found, beginning, unit, length))
            least, least_twice = min(least, once), min(least_twice, twice)
            if twice < _NOT_SQUARE * once or (tried >= _ENOUGH and least_twice > _NEARLY_SQUARE * least):
                break
        assert twice < _NOT_SQUARE * once, (
            f"{what}: {once * 1000:.0f} ms for {length} characters, "
            f"{twice * 1000:.0f} ms for twice as many. Bound what it repeats, or make it possessive (*+)."
        )


def test_a_quadratic_pattern_would_be_found() -> None:
    for text in (r"a[\w-]*b", r"\s+$", r"<!--.*?-->", r"(\d+)\.\d", r"^x (\S+?(?:\[.*?\])?)(?: - .*)?$"):
        slow = FoundPattern("here", re.compile(text, re.DOTALL if "<" in text else 0), frozenset(["search"]))
        with pytest.raises(AssertionError, match="again and again"):
            _check_growth(slow)


@functools.cache
def _time_quadratic() -> float:
    """Seconds of this machine's processor for what is known to be slow."""
    return min(_time(_QUADRATIC, "", "a", _SCREENED) for _ in range(5))


def _time_again(found: FoundPattern, beginning: str, unit: str, length: int, enough: float) -> float:
    """The least of at most three times, until one is below ``enough``: a busy processor is slower."""
    took = float("inf")
    for _ in range(3):
        took = min(took, _time(found, beginning, unit, length))
        if took < enough:
            break
    return took


def _time(found: FoundPattern, beginning: str, unit: str, length: int) -> float:
    """Seconds of the processor for such a text, by every method that the pattern is called with."""
    text = beginning + (unit * (length // len(unit) + 1))[:length] + "\x00"  # which nothing waits for
    given = text.encode("utf-8", "replace") if isinstance(found.pattern.pattern, bytes) else text
    methods = found.methods - {"compile"} or {"search"}
    began = time.process_time()
    if methods - {"match", "fullmatch"}:
        for _ in found.pattern.finditer(given):
            pass
    for method in methods & {"match", "fullmatch"}:
        getattr(found.pattern, method)(given)
    return time.process_time() - began
