"""Letters whatever their width, style and script, and texts without what stands between their letters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from unicodedata import combining, digit, normalize

# Characters that nobody sees are separators too where they are written out, as ``bot.text.defuse`` does it.
SEPARATORS = re.compile(r"(?:[\W_]++(?:(?<=\\)(?:u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2}))?)+")
GAPS = re.compile(r"(?:\s|\\[nrt])+")
_PIECE = 20_000  # letters
_ALPHABETS = (0x1F1E6, 0x1F150, 0x1F170)  # flags' letters, and white ones in circles and squares
_LOOK_ALIKES = dict(  # of Cyrillic, Greek, and small capitals
    zip(
        "аеорсухѕіјһԁԛԝАВЕКМНОРСТУХЅІЈοανρΑΒΕΖΗΙΚΜΝΟΡΤΥΧᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢıɑɡктмнв",
        "aeopcyxsijhdqwABEKMHOPCTYXSIJoavpABEZHIKMNOPTYXabcdefghijklmnoprstuvwyziagktmhb",
        strict=True,
    )
)
_BARE = {code: None for code in range(128) if not chr(code).isalnum()} | {
    code: code + 32 for code in range(ord("A"), ord("Z") + 1)
}


def squeeze(text: str) -> str:
    """The text without whitespace and escaped line breaks: a wrapped secret becomes whole."""
    return "".join(text.split()).replace("\\n", "").replace("\\r", "").replace("\\t", "")


def squeeze_with_origin(text: str, gaps: re.Pattern[str]) -> tuple[str, Callable[[int], int]]:
    """The text without its gaps, and a function from a place in it to the place in ``text``."""
    pieces: list[str] = []
    starts: list[int] = []  # of each piece, in the squeezed text
    origins: list[int] = []  # of each piece, in the text
    at = length = 0
    for gap in [*((match.start(), match.end()) for match in gaps.finditer(text)), (len(text), len(text))]:
        if gap[0] > at:
            pieces.append(text[at : gap[0]])
            starts.append(length)
            origins.append(at)
            length += gap[0] - at
        at = gap[1]

    def origin(position: int) -> int:
        piece = bisect_right(starts, position) - 1
        return origins[piece] + position - starts[piece]

    return "".join(pieces), origin


def fold_letters(text: str) -> str:
    """The text with plain letters in the place of wide and styled ones, as many as before."""
    if text.isascii():
        return text
    return _map_letters(_fold_letter, text)


@lru_cache(maxsize=65_536)
def _fold_letter(letter: str) -> str:
    code = ord(letter)
    if 0xE0020 <= code <= 0xE007E:  # tags: letters that nobody sees, and programs read
        return chr(code - 0xE0000)
    if 0xE0110 <= code <= 0xE016E:  # variation selectors that stand for bytes
        return chr(code - 0xE00F0)
    if letter.isascii():
        return letter
    for first in _ALPHABETS:
        if first <= code < first + 26:
            return chr(ord("A") + code - first)
    if plain := _LOOK_ALIKES.get(letter):
        return plain
    if (number := digit(letter, -1)) >= 0:  # of any script
        return str(number)
    plain = "".join(part for part in normalize("NFKD", letter) if not combining(part))
    return plain if len(plain) == 1 else letter


def make_bare(text: str) -> str:
    """The letters and digits of a text in small letters, whatever their width and style."""
    if text.isascii() and "\\" not in text:
        return text.translate(_BARE)  # the same, many times faster
    return lower_letters(SEPARATORS.sub("", fold_letters(text)))


def lower_letters(text: str) -> str:
    """The text in small letters, as many as before."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else _map_letters(_lower_letter, text)


def _map_letters(change: Callable[[str], str], text: str) -> str:
    """Change every letter, piece by piece: one call over a megabyte lets no other thread run meanwhile."""
    starts = range(0, len(text), _PIECE)
    return "".join(["".join(map(change, text[at : at + _PIECE])) for at in starts])


def _lower_letter(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 else letter
