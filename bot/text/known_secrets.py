"""Known secrets in texts: their forms in other encodings, and finding those whatever stands in between.

They are searched by their windows of 12 characters: only every twelfth window of a text is looked up, so a
megabyte costs milliseconds, however many secrets there are. Pieces in any order are searched at every place.
"""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

_WINDOW = 12
_CERTAIN = 2 * _WINDOW - 1  # a run this long always holds one aligned window
_ENOUGH = 20  # a shorter piece of a long secret may be chance
SHORTEST = 6  # anything shorter would tear up ordinary words
SHORTEST_BARE = 16  # of letters and digits alone: fewer may be ordinary words in a row
PIECE = 8  # of a secret that is scattered over texts: shorter ones are in any text by chance
_MOST_NEEDED = 64  # characters of a scattered secret; a long key's lines are known by themselves
# Characters that nobody sees are separators too where they are written out, as ``bot.text.defuse`` does it.
SEPARATORS = re.compile(r"(?:[\W_]++(?:(?<=\\)(?:u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2}))?)+")
GAPS = re.compile(r"(?:\s|\\[nrt])+")
# A visible character as JSON, HTML or a shell may write it.
_ESCAPE = re.compile(
    r"\\u\{?0{0,6}([2-7][0-9A-Fa-f])\}?|\\U0{6}([2-7][0-9A-Fa-f])|\\x([2-7][0-9A-Fa-f])"
    r"|&#[xX]0{0,5}([2-7][0-9A-Fa-f]);|&#0{0,5}([0-9]{2,3});|\\0?([01][0-7]{2})"
)
_BARE = {code: None for code in range(128) if not chr(code).isalnum()} | {
    code: code + 32 for code in range(ord("A"), ord("Z") + 1)
}
_BASES = (16, 16, 16, 16, 10, 8)  # of the groups of that


class KnownForms:
    """Forms of known secrets, to be found in texts from which the same characters were taken out."""

    def __init__(self) -> None:
        self._windows: set[str] = set()
        self._short: set[str] = set()

    def add(self, form: str) -> None:
        """Learn one form."""
        if len(form) < _CERTAIN:
            self._short.add(form)
        else:
            self._windows |= {form[at : at + _WINDOW] for at in range(len(form) - _WINDOW + 1)}

    def remove(self, form: str) -> None:
        """Forget one form; of another one that shares a piece with it, that piece is forgotten too."""
        if len(form) < _CERTAIN:
            self._short.discard(form)
        else:
            self._windows -= {form[at : at + _WINDOW] for at in range(len(form) - _WINDOW + 1)}

    def is_in(self, squeezed: str) -> bool:
        """Whether any of them is in the text."""
        return next(self.regions(squeezed), None) is not None

    def regions(self, squeezed: str) -> Iterator[tuple[int, int]]:
        """Where known secrets stand in a text without gaps; may overlap."""
        for word in self._short:
            at = squeezed.find(word)
            while at >= 0:
                yield at, at + len(word)
                at = squeezed.find(word, at + len(word))
        windows, done = self._windows, 0
        for at in range(0, len(squeezed) - _WINDOW + 1, _WINDOW) if windows else ():
            if at < done or squeezed[at : at + _WINDOW] not in windows:
                continue
            start, last = at, at
            while start > 0 and squeezed[start - 1 : start - 1 + _WINDOW] in windows:
                start -= 1
            while squeezed[last + 1 : last + 1 + _WINDOW] in windows:
                last += 1
            done = last + _WINDOW
            if done - start >= _ENOUGH:
                yield start, done


class ScatteredForms:
    """Forms of known secrets, to be found in pieces that stand anywhere in texts, in any order."""

    def __init__(self) -> None:
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)  # by window: form, place in it
        self._needed: list[int] = []  # by form, how much of it is too much

    def add(self, bare: str) -> None:
        """Learn one form, of letters and digits alone."""
        if len(bare) < SHORTEST_BARE:
            return
        for at in range(len(bare) - PIECE + 1):
            self._places[bare[at : at + PIECE]].append((len(self._needed), at))
        most = max(_ENOUGH, min(_MOST_NEEDED, len(bare) * 6 // 10))
        self._needed.append(min(len(bare), most))

    def is_spelt(self, texts: Iterable[str]) -> bool:
        """Whether pieces of ``PIECE`` characters or more spell most of a secret; ``texts`` are bare."""
        covered: dict[int, set[int]] = defaultdict(set)
        places = self._places
        for text in texts if places else ():
            windows = (text[at : at + PIECE] for at in range(len(text) - PIECE + 1))
            for window in {each for each in windows if each in places}:
                for form, at in places[window]:
                    covered[form].update(range(at, at + PIECE))
        return any(len(there) >= self._needed[form] for form, there in covered.items())


def list_encodings(secret: str) -> Iterator[str]:
    """The secret as it is and in every encoding that is known here."""
    raw = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield secret[::-1]
    yield codecs.encode(secret, "rot13")
    yield raw.hex()
    yield raw.hex().upper()
    yield from {quote(raw, safe=""), quote_plus(raw), re.sub("%..", _lower, quote(raw, safe=""))}
    yield "".join(f"%{byte:02X}" for byte in raw)
    yield "".join(f"%{byte:02x}" for byte in raw)
    yield "".join(f"0x{byte:02x}" for byte in raw)
    if len(raw) >= SHORTEST_BARE:
        yield "".join(map(str, raw))
    yield from _base64_forms(raw)
    yield from _base32_forms(raw)
    if len(raw) >= SHORTEST_BARE:
        yield from _list_rare_encodings(secret, raw)


def _list_rare_encodings(secret: str, raw: bytes) -> Iterator[str]:
    """Two encodings one over the other, and those of few programs; of longer secrets alone."""
    yield codecs.encode(secret[::-1], "rot13")
    yield raw[::-1].hex()
    yield from _base64_forms(raw[::-1])
    yield from _base64_forms(base64.b64encode(raw))
    yield base64.b32hexencode(raw).decode().rstrip("=")[:-1]
    yield "".join(f"{byte:08b}" for byte in raw)
    yield "".join(f"chr{byte}" for byte in raw)
    for encode in (base64.b85encode, base64.a85encode):
        for before in range(4):
            whole = raw[(4 - before) % 4 :]
            yield encode(whole[: len(whole) // 4 * 4]).decode()


def list_plain_forms(secret: str) -> Iterator[str]:
    """The forms that a person puts together from pieces: as it is, reversed, in hex and in base64."""
    raw = secret.encode("utf-8", "surrogateescape")
    yield from (secret, secret[::-1], raw.hex())
    yield from _base64_forms(raw)


def _lower(match: re.Match[str]) -> str:
    return match.group().lower()


def _base64_forms(raw: bytes) -> Iterator[str]:
    """What is left of ``raw`` in base64 when unknown bytes stand before and after it, at each alignment."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        start = (0, 2, 3)[before]
        end = (before + len(raw)) * 8 // 6
        core = encoded[start:end]
        if len(core) >= SHORTEST + 2:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _base32_forms(raw: bytes) -> Iterator[str]:
    """The same in base32, in capitals and in small letters."""
    for before in range(5):
        encoded = base64.b32encode(bytes(before) + raw).decode()
        core = encoded[-(-before * 8 // 5) : (before + len(raw)) * 8 // 5]
        if len(core) >= SHORTEST_BARE:
            yield core
            yield core.lower()


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
    return "".join(map(_fold_letter, text))


def _fold_letter(letter: str) -> str:
    if "\U000e0020" <= letter <= "\U000e007e":  # tags: letters that nobody sees, and programs read
        return chr(ord(letter) - 0xE0000)
    plain = letter if letter.isascii() else unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 else letter


def make_bare(text: str) -> str:
    """The letters and digits of a text in small letters, whatever their width and style."""
    if text.isascii() and "\\" not in text:
        return text.translate(_BARE)  # the same, many times faster
    return lower_letters(SEPARATORS.sub("", fold_letters(text)))


def lower_letters(text: str) -> str:
    """The text in small letters, as many as before."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(map(_lower_letter, text))


def _lower_letter(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 else letter


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
