"""Looking for phrases in texts: plain words in small letters, by sentences, without the usual disguises.

A phrase is written as words; ``*`` stands for up to four words, ``a | b`` for either, ``{name}`` for a list
of words that has a name, and the rest is a regular expression.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

GAP = r" (?:[^\W_]{1,30} ){0,4}"  # up to four words
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")
_LATIN_MARKS = re.compile("([a-z])[\u0300-\u036f]{1,8}")  # as on the u of "für"
_SENTENCE_END = re.compile(r"[.!?;:\n。！？；]")
_WIDE_SPACE = re.compile(r"[ \t]{2,}+")
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
        parts = _WIDE_SPACE.split(sentence.translate(_DISGUISES))
        joined = [word for part in parts for word in _join_letters(_WORD.findall(part))]
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


def join_folded(text: str) -> str:
    """The alternatives of a folded text without the spaces that folding and reading want between them."""
    return text.strip().replace(" | ", "|").replace("| ", "|")


def fill_phrase(text: str, words: Mapping[str, str]) -> str:
    """A phrase as a regular expression, with the lists of words that it names filled in."""
    for name, choice in words.items():
        text = text.replace(f"{{{name}}}", choice)
    return join_folded(text).replace(" * ", GAP)


def compile_phrases(phrases: Sequence[str], words: Mapping[str, str]) -> re.Pattern[str]:
    """A pattern for a sentence as ``split_sentences`` gives it. Raises re.error for an invalid phrase."""
    choice = "|".join(fill_phrase(each, words) for each in phrases)
    return re.compile(f" (?:{choice}) ")
