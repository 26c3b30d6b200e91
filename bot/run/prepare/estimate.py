"""How likely a request is to end proved, and how large the work is, before any model is asked.

By a few signs that are named beside the estimate, each with a weight that a person can argue with; nothing is
learned, and nothing is limited by it. How far it is off is measured on the tasks that ended
(``bot.experiments.estimates``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain import Brief

START = 0.5  # the chance of a request without any sign
LIKELY, UNLIKELY = 0.65, 0.4
_MOST_CHARS = 20_000  # of a request that are looked at

_PATH = re.compile(r"(?<![\w/.-])(?:[\w-]{1,60}/){0,8}[\w-]{1,60}\.[a-z]{1,4}(?![\w/])")
_EXPECTED = re.compile(
    r"\b(?:expect\w{0,4}|should\s(?:be|return|give|not)|instead of|but (?:got|gets|returns))\b", re.I
)
_ERROR = re.compile(r"Traceback \(most recent|\b\w{2,60}(?:Error|Exception)\b|\bat line \d|```")
_BROAD = re.compile(
    r"\b(?:redesign|rewrite|refactor|migrate|modernise|modernize|overhaul|everything|everywhere|whole|all of|"
    r"architecture|from scratch)\b",
    re.I,
)
_STEP = re.compile(r"^[ \t]{0,8}(?:[-*+]|\d{1,2}[.)])[ \t]", re.M)


class Size(StrEnum):
    """How large the work is taken to be."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


# Turns up to which a task counts as of that size, to say so and to measure the estimate by.
MOST_TURNS: Mapping[Size, int] = {Size.SMALL: 10, Size.MEDIUM: 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The chance that the task ends proved, from 0 to 1, its size, and the signs of both as phrases."""

    chance: float
    size: Size
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    words: str
    weight: float
    is_there: Callable[[Brief, str], bool]


_SIGNS = (
    _Sign(words="names a file", weight=0.1, is_there=lambda _, asked: bool(_PATH.search(asked))),
    _Sign(words="says what is expected", weight=0.1, is_there=lambda _, asked: bool(_EXPECTED.search(asked))),
    _Sign(words="shows an error or code", weight=0.1, is_there=lambda _, asked: bool(_ERROR.search(asked))),
    _Sign(words="there are tests", weight=0.05, is_there=lambda brief, _: bool(brief.test_command)),
    _Sign(words="no test command is known", weight=-0.2, is_there=lambda brief, _: not brief.test_command),
    _Sign(words="is broad", weight=-0.15, is_there=lambda _, asked: bool(_BROAD.search(asked))),
    _Sign(words="asks for several things", weight=-0.1, is_there=lambda _, asked: _count_steps(asked) >= 3),
    _Sign(words="says little", weight=-0.1, is_there=lambda _, asked: len(asked.split()) < 6),
    _Sign(
        words="a part of the tree is missing", weight=-0.1, is_there=lambda brief, _: bool(brief.facts.gaps)
    ),
)


def estimate(brief: Brief) -> Estimate:
    """The estimate for a change that ``brief`` asks for."""
    quoted = "\n".join(each.text for each in brief.texts if each.where.startswith("issue"))
    asked = f"{brief.asked}\n{quoted}"[:_MOST_CHARS]
    found = [each for each in _SIGNS if each.is_there(brief, asked)]
    chance = min(0.95, max(0.05, START + sum(each.weight for each in found)))
    return Estimate(
        chance=round(chance, 2), size=_estimate_size(asked), signs=tuple(each.words for each in found)
    )


def _count_steps(asked: str) -> int:
    return len(_STEP.findall(asked))


def _estimate_size(asked: str) -> Size:
    files = len(set(_PATH.findall(asked)))
    if _BROAD.search(asked) or _count_steps(asked) >= 6 or files >= 8:
        return Size.LARGE
    if _count_steps(asked) >= 3 or files >= 3 or len(asked) > 4000:
        return Size.MEDIUM
    return Size.SMALL


def render_estimate(made: Estimate) -> str:
    """One line for the progress comment."""
    chance = "likely" if made.chance >= LIKELY else "unlikely" if made.chance < UNLIKELY else "unsure"
    most = MOST_TURNS.get(made.size)
    turns = f"up to {most} turns" if most else f"more than {MOST_TURNS[Size.MEDIUM]} turns"
    signs = f" Signs: {', '.join(made.signs)}." if made.signs else ""
    return f"Estimate before the work: {chance} to end proved, {made.size.value} ({turns}).{signs}"
