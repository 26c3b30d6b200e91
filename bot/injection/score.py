"""The score of a quoted text: how much it reads like orders to the agent, by simple signs that have names.

Nothing that stops an attack rests on it, see docs/security.md. It is a second line: a run that read a
suspicious text says so, and has no network from there on, so that what it read cannot be sent anywhere.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from bot.domain import Suspicion
from bot.text.phrases import compile_phrases, join_folded, split_sentences

SUSPICIOUS = 4  # the score from which on a text is
MOST_CHARS = 200_000  # of a text that are read
HIDDEN = "hides orders where no reader sees them"
UNSEEN = "has letters that nobody sees"
ENCODED = "encodes orders"
MOST_TURNED = 20_000  # characters that are read as rot13
_FILE = Path(__file__).with_name("signs.yml")
_TAGS = re.compile("[\U000e0020-\U000e007e]{3,}")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff]{8,}|[\u202a-\u202e\u2066-\u2069]{2,}")
_HTML_COMMENT = re.compile(r"<!--(.{1,4000}?)-->", re.DOTALL)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{40,4000}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){30,1000}(?![0-9A-Fa-f])")
_PARAGRAPH = re.compile(r"\n[ \t]*+\n")
_MOST_BLOBS = 20
SEAM_CHARS = 1_000  # of a text's end, and of the next one's beginning, that are read together
# What a tool writes around a text: how a command ended, the numbers of lines.
_FRAME = re.compile(r"^(?:\[[^\]]{0,300}\]$|[ ]{0,6}[0-9]{1,7}\t)")
_READABLE = 0.95  # of a blob's characters, for it to be a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something that orders to an agent have and ordinary texts lack, and how much it counts."""

    name: str
    weight: int
    phrases: re.Pattern[str] | None
    patterns: tuple[re.Pattern[str], ...]


def score_text(text: str, where: str) -> Suspicion | None:
    """What of the text from ``where`` reads like orders; None where that is too little to be suspicious."""
    found = _weigh(text[:MOST_CHARS])
    score = sum(found.values())
    return Suspicion(where=where, signs=tuple(found), score=score) if score >= SUSPICIOUS else None


def score_texts(texts: Iterable[tuple[str, str]]) -> tuple[Suspicion, ...]:
    """The suspicious ones among pairs of where a text is from and the text, in the order of reading.

    Orders that are split over two of them, or over more that are short, are found where they are whole.
    """
    before = TextBefore()
    return tuple(found for where, text in texts if (found := before.score_next(text, where)))


class TextBefore:
    """The end of what the agent read last, since orders may begin there and go on in the next text."""

    def __init__(self) -> None:
        self._end = ""

    def score_next(self, text: str, where: str) -> Suspicion | None:
        """As ``score_text``, else what the end before and this text's beginning come to together."""
        plain = "\n".join(_FRAME.sub("", line) for line in text[:MOST_CHARS].split("\n")).strip()
        joined = f"{self._end} {plain[:SEAM_CHARS]}"
        found = score_text(text, where) or (score_text(joined, where) if self._end else None)
        self._end = "" if found else f"{self._end} {plain}"[-SEAM_CHARS:].strip()
        return found


@cache
def load_signs(kind: str = "signs") -> tuple[Sign, ...]:
    """The signs in the file, or the ``weak`` ones. Raises KeyError and re.error for a file that is wrong."""
    written = yaml.safe_load(_FILE.read_text("utf-8"))
    words = {name: join_folded(text) for name, text in written["words"].items()}
    return tuple(
        Sign(
            name=each["name"],
            weight=each["weight"],
            phrases=compile_phrases(each["phrases"], words) if "phrases" in each else None,
            patterns=tuple(re.compile(_join_pattern(one)) for one in each.get("patterns", ())),
        )
        for each in written[kind]
    )


def _join_pattern(text: str) -> str:
    """A pattern that is written on several lines, broken behind ``|``."""
    return text.strip().replace("| ", "|")


def _weigh(text: str) -> dict[str, int]:
    """The signs that a text has, with their weights."""
    found = {**_weigh_plain(text), **_weigh_paragraphs(text)}
    if _TAGS.search(text) or _ZERO_WIDTH.search(text):
        found[UNSEEN] = 3
    spelt = "".join(chr(ord(char) - 0xE0000) for match in _TAGS.finditer(text) for char in match.group())
    if any(_weigh_plain(hidden) for hidden in (spelt, *_HTML_COMMENT.findall(text)) if hidden):
        found[HIDDEN] = 2
    if any(sum(_weigh_plain(blob).values()) >= 2 for blob in _decode_blobs(text)):
        found[ENCODED] = 4
    return found


def _weigh_plain(text: str) -> dict[str, int]:
    return _find_signs(load_signs(), text)


def _weigh_paragraphs(text: str) -> dict[str, int]:
    """The weak signs of the paragraph that has most of them."""
    paragraphs = (_find_signs(load_signs("weak"), part) for part in _PARAGRAPH.split(text) if part.strip())
    return max(paragraphs, key=lambda found: sum(found.values()), default={})


def _find_signs(signs: Iterable[Sign], text: str) -> dict[str, int]:
    small, sentences = text.lower(), "\n".join(split_sentences(text))
    return {
        sign.name: sign.weight
        for sign in signs
        if any(pattern.search(small) for pattern in sign.patterns)
        or (sign.phrases and sign.phrases.search(sentences))
    }


def _decode_blobs(text: str) -> Iterator[str]:
    """What the text says in rot13, and its long pieces of base64 and of hexadecimal digits."""
    yield codecs.decode(text[:MOST_TURNED], "rot13")
    for count, match in enumerate(_BASE64.finditer(text)):
        if count >= _MOST_BLOBS:
            break
        blob = match.group().rstrip("=").replace("-", "+").replace("_", "/")
        try:
            yield from _read(base64.b64decode(blob + "=" * (-len(blob) % 4)))
        except (binascii.Error, ValueError):
            continue
    for count, match in enumerate(_HEX.finditer(text)):
        if count >= _MOST_BLOBS:
            break
        yield from _read(bytes.fromhex(match.group()))


def _read(data: bytes) -> Iterator[str]:
    text = data.decode("utf-8", "replace")
    if text and sum(char.isprintable() or char.isspace() for char in text) >= _READABLE * len(text):
        yield text
