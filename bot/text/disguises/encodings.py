"""Encodings of a secret that are searched for."""

from __future__ import annotations

import base64
import codecs
import re
import string
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

from bot.text.disguises.known_forms import SHORTEST, SHORTEST_BARE

_RAREST = range(20, 257)  # bytes of a secret; of a longer one, such as a private key, they are too many
_BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_OTHER_BASE64 = (  # the same six bits in other letters: uuencode, xxencode, bcrypt's, crypt's
    "".join(map(chr, range(32, 96))),
    "+-" + string.digits + string.ascii_uppercase + string.ascii_lowercase,
    "./" + string.ascii_uppercase + string.ascii_lowercase + string.digits,
    "./" + string.digits + string.ascii_uppercase + string.ascii_lowercase,
)
_BASE32 = string.ascii_uppercase + "234567"
_OTHER_BASE32 = (  # extended hex, Crockford's, z-base-32, geohash
    string.digits + string.ascii_uppercase[:22],
    "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
    "ybndrfg8ejkmcpqxot1uwisza345h769",
    "0123456789bcdefghjkmnpqrstuvwxyz",
)
_BASE45 = string.digits + string.ascii_uppercase + " $%*+-./:"
_BASE85 = string.digits + string.ascii_uppercase + string.ascii_lowercase + "!#$%&()*+-;<=>?@^_`{|}~"
_Z85 = string.digits + string.ascii_lowercase + string.ascii_uppercase + ".-:+=^!/*?&<>()[]{}@%$#"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NUMBERS = (  # the whole as one number: decimal, base 36, 58 (bitcoin's, ripple's, flickr's) and 62
    string.digits,
    string.digits + string.ascii_lowercase,
    _BASE58,
    "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz",
    "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ",
    string.digits + string.ascii_uppercase + string.ascii_lowercase,
    string.digits + string.ascii_lowercase + string.ascii_uppercase,
)
_ROT47 = {code: 33 + (code - 33 + 47) % 94 for code in range(33, 127)}
_ROT5 = str.maketrans(string.digits, string.digits[5:] + string.digits[:5])
_ATBASH = str.maketrans(string.ascii_letters, string.ascii_lowercase[::-1] + string.ascii_uppercase[::-1])


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
    yield from _list_base64(raw)
    yield from _list_base32(raw)
    if len(raw) >= SHORTEST_BARE:
        yield from _list_rare_encodings(secret, raw)
        if len(raw) in _RAREST:
            yield from _list_rarest_encodings(secret, raw)


def list_plain_forms(secret: str) -> Iterator[str]:
    """The forms that a person puts together from pieces: as it is, reversed, in hex and in base64."""
    raw = secret.encode("utf-8", "surrogateescape")
    yield from (secret, secret[::-1], raw.hex())
    yield from _list_base64(raw)


def _list_rare_encodings(secret: str, raw: bytes) -> Iterator[str]:
    """Two encodings one over the other, and those of few programs; of longer secrets alone."""
    yield codecs.encode(secret[::-1], "rot13")
    yield secret.translate(_ROT47)
    yield codecs.encode(secret, "rot13").translate(_ROT5)
    yield raw[::-1].hex()
    yield from _list_base64(raw[::-1])
    yield from _list_base64(base64.b64encode(raw))
    yield "".join(f"{byte:08b}" for byte in raw)
    yield "".join(f"{byte:07b}" for byte in raw)
    yield "".join(f"chr{byte}" for byte in raw)
    yield "".join(f"{byte:03o}" for byte in raw)
    for encode in (base64.b85encode, base64.a85encode):
        yield from _list_base85(raw, encode)
    for core in _list_base64(raw):
        yield from (core.translate(str.maketrans(_BASE64, letters)) for letters in _OTHER_BASE64[:2])


def _list_rarest_encodings(secret: str, raw: bytes) -> Iterator[str]:
    """Encodings that only somebody who hides a secret on purpose would use."""
    yield secret.translate(_ATBASH)
    for shift in range(1, 26):
        if shift != 13:
            yield secret.translate(_make_shift(shift))
    yield raw.hex()[::-1]
    yield "".join(f"{byte:03d}" for byte in raw)
    for size in (2, 4, 8):  # as dumps of words have it, the last byte first, and words as numbers
        for first in range(size):
            places = range(first, len(raw) - size + 1, size)
            words = [int.from_bytes(raw[at : at + size], "little") for at in places]
            yield "".join(f"{word:0{2 * size}x}" for word in words)
            yield "".join(f"{word:06o}" if size == 2 else str(word) for word in words)
            yield "".join(str(int.from_bytes(raw[at : at + size])) for at in places)
    for core in _list_base64(raw):
        yield core[::-1]
        yield codecs.encode(core, "rot13")
        yield core.encode().hex()
        yield from (core.translate(str.maketrans(_BASE64, letters)) for letters in _OTHER_BASE64[2:])
    for core in _list_base32(raw):
        yield from (core.translate(str.maketrans(_BASE32, letters)) for letters in _OTHER_BASE32)
    yield from (_write_base45(raw[first:]) for first in range(2))
    for core in _list_base85(raw, base64.b85encode):
        yield core.translate(str.maketrans(_BASE85, _Z85))
    number = int.from_bytes(raw)
    yield from (_write_number(number, digits) for digits in _NUMBERS)
    for wide in ("utf-16-le", "utf-16-be"):
        yield secret.encode(wide, "surrogatepass").hex()
        yield from _list_base64(secret.encode(wide, "surrogatepass"))


def _make_shift(by: int) -> dict[int, int]:
    """A shift of letters by a number of places in the alphabet."""
    return {ord(first) + at: ord(first) + (at + by) % 26 for first in "aA" for at in range(26)}


def _write_number(number: int, digits: str) -> str:
    written = []
    while number:
        number, rest = divmod(number, len(digits))
        written.append(digits[rest])
    return "".join(reversed(written))


def _write_base45(raw: bytes) -> str:
    """Base45 of whole pairs of bytes (RFC 9285)."""
    numbers = (int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw) - 1, 2))
    places = ((number % 45, number // 45 % 45, number // 2025) for number in numbers)
    return "".join(_BASE45[place] for each in places for place in each)


def _lower(match: re.Match[str]) -> str:
    return match.group().lower()


def _list_base64(raw: bytes) -> Iterator[str]:
    """The part of ``raw``'s base64 that is the same whatever bytes are before and after it, at each
    alignment.
    """
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        start = (0, 2, 3)[before]
        end = (before + len(raw)) * 8 // 6
        core = encoded[start:end]
        if len(core) >= SHORTEST + 2:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _list_base32(raw: bytes) -> Iterator[str]:
    """The same in base32, in capitals and in small letters."""
    for before in range(5):
        encoded = base64.b32encode(bytes(before) + raw).decode()
        core = encoded[-(-before * 8 // 5) : (before + len(raw)) * 8 // 5]
        if len(core) >= SHORTEST_BARE:
            yield core
            yield core.lower()


def _list_base85(raw: bytes, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """The same in groups of four bytes, from the first whole group on."""
    for before in range(4):
        whole = raw[(4 - before) % 4 :]
        yield encode(whole[: len(whole) // 4 * 4]).decode()
