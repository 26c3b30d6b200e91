"""Other ways to read a text in which a secret may stand: escapes, marks between letters, numbered lines,
first letters, every second letter, digits in place of letters; what is spelled is in ``spelled``.

Each takes time in proportion to the text, and none is shown to anybody.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import groupby, takewhile

from bot.text.disguises.known_forms import PIECE, SHORTEST_BARE
from bot.text.disguises.letters import make_bare
from bot.text.disguises.spelled import list_spellings

# A visible character as JSON, HTML or a shell may write it.
_ESCAPE = re.compile(
    r"\\u\{?0{0,6}([2-7][0-9A-Fa-f])\}?|\\U0{6}([2-7][0-9A-Fa-f])|\\x\{?0{0,6}([2-7][0-9A-Fa-f])\}?"
    r"|&(?:amp;){0,3}#[xX]0{0,40}([2-7][0-9A-Fa-f]);?|&(?:amp;){0,3}#0{0,40}([0-9]{2,3});?"
    r"|\\0?([01]?[0-7]{2})(?![0-9])|%(?:25){0,3}(?:u00)?([2-7][0-9A-Fa-f])|=([2-7][0-9A-Fa-f])"
    r"|U\+0{0,4}([2-7][0-9A-Fa-f])"
)
_BASES = (16, 16, 16, 16, 10, 8, 16, 16, 16)  # of the groups of that
# What stands between letters and is not shown, or belongs to them: tags, comments, targets of links, colours.
_MARKS = re.compile(r"<[^<>\n]{0,300}>|\]\([^()\n]{0,300}\)|\x1b\[[0-9;?]{0,40}[A-Za-z]|/\*[^*\n]{0,300}\*/")
_NUMBER = re.compile(
    r"^[^\w\n]{0,20}(?:[A-Za-z]{1,12}[^\w\n]{1,3})?[0-9]{1,8}(?:[^\w\n]|$)[^\w\n]{0,20}", re.MULTILINE
)
_FIRST = re.compile(r"(?<![^\W_])[^\W_]")
_LEET = str.maketrans("0134578926l", "oieastbgzgi")
_SIGNS = str.maketrans("@$!|", "asii")


def list_disguises(text: str) -> Iterator[str]:
    """Every other way to read a text, without what stands between letters and digits, in small letters."""
    for step in (2, 3):
        for first in range(step if len(text) >= step * SHORTEST_BARE else 0):
            yield make_bare(text[first::step])
    bare = make_bare(text)
    yield from (bare[first::2] for first in range(2))
    if (plain := _MARKS.sub("", text)) != text:
        yield make_bare(plain)
    yield from list_spellings(text)
    words = text.split()
    if len(words) >= SHORTEST_BARE:
        yield make_bare("".join(word[0] for word in words))
        yield make_bare("".join(word[-1] for word in words))
        yield make_bare("".join(_FIRST.findall(text)))
    if "\n" in text:
        yield make_bare(_NUMBER.sub("", plain))
        lines = [line.strip() for line in text.split("\n")]
        if len(lines) >= SHORTEST_BARE:
            yield make_bare("".join(line[:1] for line in lines))
            yield make_bare("".join(line[-1:] for line in lines))
            yield make_bare("".join(map(_join_unlike, _split_blocks(lines))))


def join_pieces(pieces: list[str]) -> str:
    """What differs between texts that begin and end alike, such as names of files, in a row, and the same
    without their numbers.
    """
    unnumbered = [_NUMBER.sub("", piece) for piece in pieces]
    return f"{_join_unlike(pieces)}\n{_join_unlike(unnumbered)}"


def fold_digits(text: str) -> str:
    """The letters of a text, with letters in place of the digits and signs that people write for them."""
    return make_bare(text.translate(_SIGNS)).translate(_LEET)


def _split_blocks(lines: list[str]) -> Iterator[list[str]]:
    """Blocks of adjacent lines that are long enough to hold a secret."""
    blocks = (list(block) for filled, block in groupby(lines, key=bool) if filled)
    return (block for block in blocks if len(block) >= SHORTEST_BARE)


def _join_unlike(pieces: list[str]) -> str:
    """The texts joined, without their common beginning and end."""
    filled = [piece for piece in pieces if piece]
    start = _count_alike(filled)
    end = _count_alike([piece[start:][::-1] for piece in filled])
    return "".join(piece[start : len(piece) - end] for piece in filled)


def _count_alike(pieces: list[str]) -> int:
    """The length of the texts' common beginning."""
    both = zip(min(pieces, default=""), max(pieces, default=""), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))


def decode_escapes(text: str) -> tuple[str, Callable[[int], tuple[int, int]]] | None:
    """The text with what is written as escapes of JSON, HTML or a shell in plain letters, and a function
    from a place in it to the region of ``text``; None where too few are there to hold a secret.
    """
    found = [(match, _decode_escape(match)) for match in _ESCAPE.finditer(text)]
    if len(found) < PIECE:
        return None
    pieces: list[str] = []
    starts: list[int] = []  # of each piece in the decoded text
    origins: list[tuple[int, int]] = []  # of each piece: where it is in the text; (start, end) of an escape
    at = length = 0
    for match, letter in found:
        for piece, origin in ((text[at : match.start()], (at, -1)), (letter, match.span())):
            if piece:
                pieces.append(piece)
                starts.append(length)
                origins.append(origin)
                length += len(piece)
        at = match.end()
    pieces.append(text[at:])
    starts.append(length)
    origins.append((at, -1))

    def origin_of(place: int) -> tuple[int, int]:
        piece = bisect_right(starts, place) - 1
        start, end = origins[piece]
        return (
            (start, end) if end >= 0 else (start + place - starts[piece], start + place - starts[piece] + 1)
        )

    return "".join(pieces), origin_of


def _decode_escape(match: re.Match[str]) -> str:
    digits = match[match.lastindex or 0]
    return chr(int(digits, _BASES[(match.lastindex or 1) - 1]) % 0x110000)
