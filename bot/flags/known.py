"""The flags that there are, what each may be set to, and what it does.

A flag chooses within what the operator's settings allow; it never raises a ceiling.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.errors import HobError

FlagValue = bool | str | float

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


class FlagError(HobError):
    """A flag, an audience or a release is not possible as ordered; the message names it and says how to
    correct it.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFlag:
    """A flag's kind (its default stands for it), what it does, and the bounds of a number."""

    kind: type[bool] | type[str] | type[float]
    does: str
    least: float = 0.0
    most: float = math.inf
    whole: bool = False


KNOWN: Mapping[str, KnownFlag] = {
    "model": KnownFlag(
        kind=str, does="the model where hob.yml names none; one that HOB_MODEL or HOB_MODELS names"
    ),
    "prompt": KnownFlag(
        kind=str, does="the system prompt: NAME.md of HOB_PROMPTS in place of the one shipped"
    ),
    "attempts": KnownFlag(
        kind=float, does="attempts at most, where hob.yml does not say", least=1, most=8, whole=True
    ),
    "usd": KnownFlag(kind=float, does="US dollars that a task may cost at most", least=0.01),
    "minutes": KnownFlag(kind=float, does="minutes of thinking that a task may take at most", least=0.1),
    "turns": KnownFlag(kind=float, does="model calls of an attempt at most", least=1, whole=True),
    "internet": KnownFlag(kind=bool, does="false: nothing is let out, as with HOB_INTERNET=off"),
    "map": KnownFlag(kind=bool, does="false: the first message has no map of the repository"),
    "tuned": KnownFlag(
        kind=bool, does="false: the offline engine goes by the weights that Hob comes with, not hob tune's"
    ),
    "paused": KnownFlag(kind=bool, does="true: tasks wait, and go on when it is cleared"),
}


def find_flag(name: str) -> KnownFlag:
    """The flag called ``name``. Raises FlagError that lists those there are."""
    if name not in KNOWN:
        raise FlagError(f"there is no flag {name!r}; there are {', '.join(KNOWN)}")
    return KNOWN[name]


def parse_value(name: str, text: str) -> FlagValue:
    """``text`` as a value of the flag ``name``. Raises FlagError that says what it takes."""
    flag, text = find_flag(name), text.strip()
    if flag.kind is bool:
        if text.lower() not in _WORDS:
            raise FlagError(f"{name} is true or false, not {text!r}")
        return _WORDS[text.lower()]
    if flag.kind is str:
        if not text or len(text) > 200 or not text.isprintable() or " " in text:
            raise FlagError(f"{name} is one word of at most 200 characters, not {text[:200]!r}")
        if name == "prompt" and not is_prompt_name(text):
            raise FlagError(f"a prompt's name has letters, digits, dots, - and _ alone, unlike {text!r}")
        return text
    return _parse_number(name, flag, text)


def is_prompt_name(text: str) -> bool:
    """Whether a text can be a prompt's name, which is a file's name without its ending."""
    return _NAME.fullmatch(text) is not None


def _parse_number(name: str, flag: KnownFlag, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and flag.least <= number <= flag.most):
        bounds = f"from {flag.least:g}" + (f" to {flag.most:g}" if math.isfinite(flag.most) else " up")
        raise FlagError(f"{name} is a number {bounds}, not {text!r}")
    if flag.whole and not number.is_integer():
        raise FlagError(f"{name} is a whole number, not {text!r}")
    return number
