"""The contents of compressed data in known formats, within bounds of size."""

from __future__ import annotations

import base64
import binascii
import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress

MOST_BYTES = 1 << 20  # of one piece, unpacked
MOST_PIECES = 20  # files of an archive
_MOST_TOGETHER = 20 << 20  # bytes of what a text holds, unpacked
_MEMORY = 64 << 20  # of a decompressor
# Beginnings of gzip, zlib, bzip2 and xz in base64 and in hex; their whole is taken.
_IN_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:H4sI|e[AFJNT]|QlpoO|/Td6WF|_Td6WF)(?:[A-Za-z0-9+/_-]|\s|\\n){24,}+"
)
_IN_HEX = re.compile(r"(?:1f8b08|78(?:01|5e|9c|da)|425a68|fd377a585a)(?:[0-9a-f]|\s){32,}+", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9+/_-]{32,}+(?:\n[A-Za-z0-9+/_-]{4,}+){0,9999}")
_BASE64_AGAIN = re.compile(rb"[A-Za-z0-9+/\n]{32,}+={0,2}\n?")
_BLANKS = re.compile(r"\s|\\n")
_URL_SAFE = str.maketrans("-_", "+/")


def unpack_text(text: str) -> Iterator[bytes]:
    """The contents of compressed data that a text has in base64 or hex, up to a total size."""
    left = _MOST_TOGETHER
    for inner in _unpack_all(text):
        yield inner
        left -= len(inner)
        if left <= 0:
            return


def _unpack_all(text: str) -> Iterator[bytes]:
    for match in _IN_HEX.finditer(text):
        written = _BLANKS.sub("", match.group())
        yield from unpack(binascii.unhexlify(written[: len(written) // 2 * 2]))
    for match in _IN_BASE64.finditer(text):
        yield from unpack(_decode_base64(_BLANKS.sub("", match.group())))
    for match in _RUN.finditer(text):
        data = _decode_base64(match.group().replace("\n", ""))
        if _BASE64_AGAIN.fullmatch(data):
            data = _decode_base64(data.decode().replace("\n", "").rstrip("="))
            yield from unpack(data)
        with suppress(zlib.error):  # raw deflate has no beginning by which it could be known
            yield zlib.decompressobj(wbits=-15).decompress(data, MOST_BYTES)


def _decode_base64(written: str) -> bytes:
    return base64.b64decode(written[: len(written) // 4 * 4].translate(_URL_SAFE))


def unpack(data: bytes) -> Iterator[bytes]:
    """The contents of compressed data: gzip, zlib, bzip2, xz, and the files of a zip archive."""
    if data.startswith(b"PK\x03\x04"):
        yield from _unzip(data)
        return
    try:
        if data.startswith(b"BZh"):
            yield bz2.BZ2Decompressor().decompress(data, MOST_BYTES)
        elif data.startswith(b"\xfd7zXZ"):
            yield lzma.LZMADecompressor(memlimit=_MEMORY).decompress(data, MOST_BYTES)
        elif data.startswith(b"\x1f\x8b") or data[:1] == b"x":
            yield zlib.decompressobj(wbits=47).decompress(data, MOST_BYTES)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return


def _unzip(data: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist()[:MOST_PIECES]:
                yield member.filename.encode("utf-8", "replace")
                with archive.open(member) as file:
                    yield file.read(MOST_BYTES)
    except (
        OSError,
        EOFError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
    ):
        return
