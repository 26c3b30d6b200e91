"""Letters that are spelled instead of written: by codes, by places in the alphabet, in words, Morse, Braille.

Each reading takes time in proportion to the text, and none is shown to anybody.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from bot.text.disguises.known_forms import SHORTEST_BARE
from bot.text.disguises.letters import lower_letters, make_bare

_TOKEN = re.compile(r"[0-9][0-9A-Za-z]{0,9}")
_PLAIN_CODES = {str(code): chr(code) for code in range(33, 127)}
_MARKED_CODES = {  # as programs write the codes of visible characters, in hex, octal and binary
    written.format(code): chr(code)
    for code in range(33, 127)
    for written in ("0x{:x}", "0x{:X}", "0X{:X}", "0o{:o}", "0{:o}", "0b{:b}", "0{:07b}", "{:07b}")
}
_CODES = _PLAIN_CODES | _MARKED_CODES
_NAME = re.compile(r"\\N\{([A-Za-z0-9 -]{5,60})\}")
# A number, at most two words, and a few letters: rows, keys, names of variables.
_BESIDE_NUMBER = re.compile(
    r"([0-9]{1,4})[^\w\n]{1,8}(?:[A-Za-z]{2,9}[^\w\n]{1,4}){0,2}([^\W_]{1,24})(?![^\W_])"
)
_PARAGRAPH = re.compile(r"\n\n")
_LEAST_PLACED = 4  # pieces: a secret in fewer is found by its pieces
_DASHES = str.maketrans("·•∙・⋅−–—_‐‑", ".....------")
_MORSE_SIGN = re.compile(r"[.-]{1,5}+(?![^\s/|,])")
_SIGNS = """
    .- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.--
    --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.
"""
_MORSE = dict(zip(_SIGNS.split(), "abcdefghijklmnopqrstuvwxyz0123456789", strict=True))
_WORD = re.compile(r"[a-z]{3,8}")
_ALPHABET = """
    alfa alpha bravo charlie delta echo foxtrot golf hotel india juliett juliet kilo lima mike november oscar
    papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu
"""
_DIGITS = "zero one two three four five six seven eight nine"
_FEW, _SHORT = 4, 4  # so many different words of these, and words so short, are in any text by chance
_SPOKEN = {word: word[0] for word in _ALPHABET.split()}
_SPOKEN |= {word: str(number) for number, word in enumerate(_DIGITS.split())}
_BRAILLE = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", "abcdefghijklmnopqrstuvwxyz", strict=True))
_BRAILLE_DIGITS = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚", "1234567890", strict=True))
_IN_BRAILLE = re.compile(r"(\u283c?)([\u2801-\u28ff])")
_FIRST_BRAILLE = 0x2800


def list_spellings(text: str) -> Iterator[str]:
    """What a text spells, without what is neither letter nor digit, in small letters."""
    tokens = _TOKEN.findall(text)
    if len(tokens) >= SHORTEST_BARE:
        for codes in (_CODES, _MARKED_CODES):
            yield make_bare("".join([codes[token] for token in tokens if token in codes]))
    if "\\N{" in text:
        yield make_bare(_NAME.sub(_look_up, text))
    yield from _put_in_order(text)
    signs = text if text.isascii() else text.translate(_DASHES)
    yield "".join(_MORSE.get(sign, "") for sign in _MORSE_SIGN.findall(signs))
    lowered = lower_letters(text)
    if sum(word in lowered for word in _SPOKEN if len(word) > _SHORT) > _FEW:
        yield "".join(_SPOKEN.get(word, "") for word in _WORD.findall(lowered))
    if touched := _IN_BRAILLE.findall(text):
        yield "".join(
            _BRAILLE_DIGITS.get(sign, "") if digit else _BRAILLE.get(sign, "") for digit, sign in touched
        )
        yield make_bare("".join(chr(ord(sign) - _FIRST_BRAILLE) for _, sign in touched))


def _put_in_order(text: str) -> Iterator[str]:
    """The texts beside numbers, in the order of the numbers; the single letters of that; and both for each
    paragraph.
    """
    placed = [(match.start(), int(match[1]), match[2]) for match in _BESIDE_NUMBER.finditer(text)]
    if len(placed) < _LEAST_PLACED:
        return
    ends = [match.start() for match in _PARAGRAPH.finditer(text)]
    paragraphs = groupby(placed, key=lambda each: bisect_left(ends, each[0])) if ends else ()
    for pairs in (placed, *(list(pairs) for _, pairs in paragraphs)):
        if len(pairs) >= _LEAST_PLACED:
            letters = [each for _, _, each in sorted(pairs, key=itemgetter(1))]
            yield make_bare("".join(letters))
            yield make_bare("".join([each for each in letters if len(each) == 1]))


def _look_up(match: re.Match[str]) -> str:
    try:
        return unicodedata.lookup(match[1])
    except KeyError:
        return ""
