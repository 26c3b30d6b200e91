"""A text as the rules read it: plain words in small letters, by sentences, without the usual disguises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")
_LATIN_MARKS = re.compile("([a-z])[\u0300-\u036f]{1,8}")  # as on the u of "für"
_SENTENCE_END = re.compile(r"[.!?;:\n。！？；]")
_WORD = re.compile(r"[^\W_]+")
_SHORT_FORMS = (
    ("’", "'"),
    ("won't", "will not"),
    ("can't", "can not"),
    ("n't", " not"),
    ("'re", " are"),
    ("'ll", " will"),
    ("'ve", " have"),
    ("i'm", "i am"),
)
_DISGUISES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"})


def split_sentences(text: str) -> Iterator[str]:
    """Each sentence as words with one space between, and one before and behind; what was disguised, twice.

    Latin letters have no accents.

    Disguised is a word whose letters are set apart (``k e y``) or are digits and signs (``k3y``).
    """
    apart = unicodedata.normalize("NFKD", _UNSEEN.sub("", text)).casefold()
    plain = unicodedata.normalize("NFC", _LATIN_MARKS.sub(r"\1", apart))
    for short, long in _SHORT_FORMS:
        plain = plain.replace(short, long)
    for sentence in _SENTENCE_END.split(plain):
        words = _WORD.findall(sentence)
        if not words:
            continue
        yield f" {' '.join(words)} "
        undisguised = _WORD.findall(sentence.translate(_DISGUISES))
        joined = list(_join_letters(undisguised))
        if joined != words:
            yield f" {' '.join(joined)} "


def _join_letters(words: list[str]) -> Iterator[str]:
    """The words, with three and more single letters in a row made one."""
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and not word.isdecimal():
            run.append(word)
            continue
        yield from ["".join(run)] if len(run) > 2 else run
        run = []
        if word:
            yield word
