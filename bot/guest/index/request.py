"""What a request asks for: weighted terms, names as they stand in code, and paths in it."""

from __future__ import annotations

import re
from typing import NamedTuple

from . import words

MOST_CHARS = 20_000
MOST_TERMS = 120
_PATH = re.compile(r"[\w.@+-]*(?:[/\\][\w.@+-]+)+|[\w@+-]+(?:\.[\w@+-]+)*\.[A-Za-z][A-Za-z0-9]{0,7}\b")
_CODE = re.compile(r"`+([^`\n]{1,200})`+")
_NAME = re.compile(
    r"[^\W\d]\w*(?:(?:\.|::|->|#)[^\W\d]\w*)+|[^\W\d]\w*(?=\()|\w*[a-z]\w*[A-Z]\w*|[^\W\d]\w*_\w+|_\w+"
)
_TRAILER = re.compile(
    r"^(?:signed-off-by|co-authored-by|reviewed-by|acked-by|change-id)\s*:.*$|https?://\S+|\(#\d+\)",
    re.I | re.M,
)


class MapRequest(NamedTuple):
    """``terms`` with weights; ``names`` are terms of whole identifiers; ``paths`` in the text's order."""

    terms: dict[str, float]
    names: frozenset[str]
    paths: list[str]
    text: str


def read(text: str) -> MapRequest:
    """Read a request. Its first line counts more, what is written as code more still, repetition little."""
    text = _TRAILER.sub(" ", text[:MOST_CHARS])
    first, _, rest = text.strip().partition("\n")
    code = " ".join(_CODE.findall(text))
    names = {words.fold(part) for name in _NAME.findall(text) for part in re.findall(r"\w+", name)}
    weights: dict[str, float] = {}
    for part, weight in ((first, 2.0), (rest, 1.0)):
        for term, count in _count_words(part).items():
            weights[term] = weights.get(term, 0.0) + weight * (1 + 0.3 * min(count - 1, 4))
    for term in _count_words(code):
        weights[term] = weights.get(term, 0.0) + 1.0
    for name in names & weights.keys():
        weights[name] += 1.0
    best = sorted(weights.items(), key=lambda item: -item[1])[:MOST_TERMS]
    return MapRequest(dict(best), frozenset(names), _paths(text), text)


def _count_words(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words.identifiers(text):
        if word.lower() in words.STOP:
            continue
        for term in words.terms(word):
            if term not in words.STOP:
                counts[term] = counts.get(term, 0) + 1
    return counts


def _paths(text: str) -> list[str]:
    """What looks like a path or a file name, and dotted modules as the path they would have."""
    found = [match.replace("\\", "/").strip("./") for match in _PATH.findall(text)]
    return list(dict.fromkeys(path for path in found if path))[:50]
