"""Whether two corrections say the same, without a model: by their words, symbols and kinds of file.

Words are compared without their endings, identifiers the same in camelCase and snake_case, and what is denied
("not float") counts as another word than what is asked for. The likeness is Dice's: twice the words that
both have, by all of both. English only; a word that it does not know matches nothing, so no rule results.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from bot.guest.index.words import STOP, terms
from bot.tasks.learning.corrections import CorrectionKind

SAME = 0.7  # the likeness from which on two corrections are one
SAME_ELSEWHERE = 0.85  # where they are about different kinds of files
LEAST_SHARED = 2  # words that both have, at least

_WORD = re.compile(r"[^\W\d]\w{0,63}")
_CLAUSE_END = re.compile(r"[,;:()\n–—]|[.!?](?=\s|$)|\s-\s")
_SHORT_FORMS = (("’", "'"), ("won't", "will not"), ("can't", "can not"), ("n't", " not"))
_DENIED = "not never no avoid without stop nor dont drop forbid forbidden"
_DENIES = frozenset(_DENIED.split())
_INSTEAD = re.compile(r"\b(?:instead of|rather than|in place of)\b", re.IGNORECASE)
_PREFER = re.compile(r"(\bprefer\b[^,.;\n]{1,60}?)\bover\b", re.IGNORECASE)
# What follows these is where, for what or but: it is not denied with what stands before.
_JOINING = "for in on at to from with when where if while unless because since but and prefer"
# Verbs that the index of code leaves out, since each request says them; here they tell rules apart.
_VERBS = """
add added adding adds allow allows change changed changes fix fixed fixes remove removed removes support
update updated updates
"""
_USE = frozenset(["use", "uses", "used", "using"])
_ENDS_DENIAL = frozenset(_JOINING.split()) | _USE
_FILLING = "also always ever good better ok prefer wants"
_IGNORED = (STOP - frozenset(_VERBS.split())) | _DENIES | frozenset(_FILLING.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The words of a text that say something, as their stems: those it asks for, those it denies."""

    said: frozenset[str]
    denied: frozenset[str]

    @property
    def asked(self) -> frozenset[str]:
        """What is asked for and not denied in the same breath ("pathlib's Path, not os.path")."""
        return self.said - self.denied

    @property
    def refused(self) -> frozenset[str]:
        """What is denied and not asked for as well."""
        return self.denied - self.said

    def __len__(self) -> int:
        return len(self.said) + len(self.denied)


@lru_cache(maxsize=4096)
def read_meaning(text: str) -> Meaning:
    """The meaning of one sentence."""
    plain = unicodedata.normalize("NFKC", text)
    for short, long in _SHORT_FORMS:
        plain = plain.replace(short, long)
    said: set[str] = set()
    denied: set[str] = set()
    for clause in _CLAUSE_END.split(_INSTEAD.sub(" not ", _PREFER.sub(r"\1 not ", plain))):
        into, before = said, 0
        for word in _WORD.findall(clause):
            lowered = word.lower()
            if lowered in _DENIES:
                into, before = denied, len(denied)
            elif lowered in _ENDS_DENIAL and into is denied and len(denied) > before:
                into = said
            if lowered in _USE:
                said.add("use")  # never denied itself: "don't use print" is the same as "no print"
            elif lowered not in _IGNORED:
                into.update(terms(word)[-1:])  # an identifier of several parts is one word: the last term
    return Meaning(said=frozenset(said), denied=frozenset(denied))


def measure_likeness(one: Meaning, two: Meaning) -> float:
    """The similarity of two meanings, from 0 to 1; 0 where one asks for what the other denies."""
    if one.asked & two.refused or one.refused & two.asked:
        return 0.0
    shared = len(one.said & two.said) + len(one.denied & two.denied)
    return 2 * shared / (len(one) + len(two)) if shared >= LEAST_SHARED else 0.0


def is_alike(
    kind: CorrectionKind, words: str, file_kind: str, other: CorrectionKind, its_words: str, its_kind: str
) -> bool:
    """Whether two corrections ask for the same, by their kinds, words and kinds of files."""
    if kind is not other:
        return False
    here = not file_kind or not its_kind or file_kind == its_kind
    if kind is CorrectionKind.EDITED:
        return words == its_words and here
    return measure_likeness(read_meaning(words), read_meaning(its_words)) >= (
        SAME if here else SAME_ELSEWHERE
    )
