"""Letters that are not written but spelled: by their codes, by their places, in words, in Morse, in Braille.

Each reading takes time in proportion to the text, and none is shown to anybody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from bot.text.disguises.known_forms import SHORTEST_BARE
from bot.text.disguises.letters import lower_letters, make_bare

# A visible character's code as programs write it; in the last group without any mark.
_CODE = re.compile(
    r"(?<![0-9A-Za-z])(?:0[xX]([2-7][0-9A-Fa-f])|0[oO]?([01]?[0-7]{2})|(?:0[bB])?0?([01]{6,7}))(?![0-9A-Za-z])"
    r"|(?<![0-9.])([3-9][0-9]|1[0-2][0-9])(?![0-9A-Za-z.])"
)
_CODE_BASES = (16, 8, 2, 10)
_NAME = re.compile(r"\\N\{([A-Za-z0-9 -]{5,60})\}")
# A number, at most two words, and a few letters: rows, keys, names of variables.
_WITH_PLACE = re.compile(r"([0-9]{1,4})[^\w\n]{1,8}(?:[A-Za-z]{2,9}[^\w\n]{1,4}){0,2}([^\W_]{1,24})(?![^\W_])")
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
    codes = [(match.lastindex or 1, match) for match in _CODE.finditer(text)]
    if len(codes) >= SHORTEST_BARE:
        letters = [chr(int(match[kind], _CODE_BASES[kind - 1])) for kind, match in codes]
        yield make_bare("".join(letters))
        marked = zip(letters, codes, strict=True)
        yield make_bare("".join(letter for letter, (kind, _) in marked if kind < len(_CODE_BASES)))
    if "\\N{" in text:
        yield make_bare(_NAME.sub(_look_up, text))
    for block in {text, *text.split("\n\n")}:
        yield from _put_in_order(block)
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
    """What stands beside numbers, in the order of the numbers; and of that the single letters."""
    placed = [(int(match[1]), match[2]) for match in _WITH_PLACE.finditer(text)]
    placed.sort(key=_get_place)
    if len(placed) > 1:
        yield make_bare("".join(each for _, each in placed))
        yield make_bare("".join(each for _, each in placed if len(each) == 1))


def _look_up(match: re.Match[str]) -> str:
    try:
        return unicodedata.lookup(match[1])
    except KeyError:
        return ""


def _get_place(placed: tuple[int, str]) -> int:
    return placed[0]
