"""Words of code and prose: identifiers as they stand and split into their parts, lowered and stemmed."""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 64  # longer runs are data, not words
_WORD = re.compile(r"[^\W\d]\w+")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")
# Words of English that say nothing about where to look, and what every request says.
_STOP = """
a about above after again all also although am an and any are as at be because been before being below
between both but by can cannot could did do does doing don done down during each either else even ever
every few for from further get gets getting got had has have having he her here hers him his how however i
if in instead into is isn it its itself just let like may me might more most much must my need needs no nor
not now of off on once one only or other our out over own please rather really s same shall she should
since so some still such t than that the their them then there these they this those though through thus
to too two under until up upon use used uses using very via want was way we well were what when where
whether which while who why will with within without would yes yet you your
add added adding adds allow allows bug change changed changes closes fix fixed fixes fixing
issue make makes making now ref refs remove removed removes resolves see support update updated updates
thanks hello
"""
STOP = frozenset(_STOP.split())


def identifiers(text: str) -> list[str]:
    """Every identifier and word of a text, unchanged."""
    return _WORD.findall(text)


@lru_cache(maxsize=100_000)
def terms(word: str) -> tuple[str, ...]:
    """The terms that a word is found by: its stemmed parts, and the whole when it has several.

    ``getHTTPServer`` gives ``get, http, server, gethttpserver``. Nothing for what is too long or too short.
    """
    if len(word) > LONGEST:
        return ()
    parts = [stem(part.lower()) for part in _PARTS.findall(word)]
    found = [part for part in parts if len(part) > 1 and not part.isdigit()]
    if len(parts) > 1:
        found.append(fold(word))
    return tuple(found)


def fold(word: str) -> str:
    """An identifier as one term, the same in camelCase and snake_case."""
    return word.replace("_", "").lower()


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word without the commonest English endings; the same is done to code and to requests."""
    if len(word) < 4 or not word.isascii():
        return word
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending):
            rest = word[: -len(ending)] + instead
            if ending == "s" and word.endswith(("ss", "us", "is")):
                return word
            if len(rest) < 3 + (ending in ("ing", "ed")):
                return word
            return _drop_double(rest) if ending in ("ing", "ed") else rest
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def _drop_double(word: str) -> str:
    """``setting`` and ``set``, ``caching`` and ``cache`` meet."""
    if word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word
