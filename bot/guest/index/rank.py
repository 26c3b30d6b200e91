"""Which files a request is about, best first.

BM25F (Robertson, Zaragoza: The Probabilistic Relevance Framework, 2009) over a file's path, symbols and text,
then a share of each good file's score for the files that names bind it to and for its tests; paths that the
request names come first. The constants were tuned on one repository's history (benchmarks/bench_map.py).
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from . import words
from .request import MapRequest
from .store import IndexReader

# Weights of the fields, and how much a long file is held against each.
BODY, DEFINED, PATH = 1.0, 1.0, 8.0
BODY_LENGTH, DEFINED_LENGTH = 0.5, 0.3
SATURATION = 1.5
SHARED = 0.6  # of a good file's score that its neighbours get
SEEDS = 40
NAMED = 1.0  # of the best score, for a path that the request names
ALWAYS = 10  # files that are shown however far they are behind the best one
TAIL_SHARE = 0.25  # of the best score that any further file must have
ROLE = {"source": 1.0, "prose": 0.35, "data": 0.35}
_PROSE_ASKED = re.compile(r"\b(docs?|documentation|readme|changelog|typos?)\b", re.IGNORECASE)


class RankedFile(NamedTuple):
    """A file and its score; ``why`` is ``path``, ``words`` or ``links``, whichever it owes most."""

    number: int
    score: float
    why: str


def rank(index: IndexReader, request: MapRequest, most: int = 30) -> list[RankedFile]:
    """The best files for a request, at most ``most``, without a useless tail.

    Empty when no term of it occurs in any file.
    """
    lexical = _bm25(index, request)
    prose = 1.0 if _PROSE_ASKED.search(request.text) else ROLE["prose"]
    for number in lexical:
        role = index.files[number][3]
        lexical[number] *= prose if role == "prose" else ROLE.get(str(role), 1.0)
    shared = _score_neighbours(index, lexical)
    best = max(lexical.values(), default=1.0)
    named = _score_named_paths(index, request, best)
    found = []
    for number in lexical.keys() | shared.keys() | named.keys():
        parts = {
            "path": named.get(number, 0.0),
            "words": lexical.get(number, 0.0),
            "links": shared.get(number, 0.0),
        }
        found.append(RankedFile(number, sum(parts.values()), max(parts, key=lambda part: parts[part])))
    found.sort(key=lambda each: (-each.score, index.path(each.number)))
    return cut_tail(found[:most])


def cut_tail(ranked: list[RankedFile]) -> list[RankedFile]:
    """Without the files behind the first ``ALWAYS`` that are hardly about the request beside the best one."""
    return [
        each for at, each in enumerate(ranked) if at < ALWAYS or each.score >= TAIL_SHARE * ranked[0].score
    ]


def _bm25(index: IndexReader, request: MapRequest) -> dict[int, float]:
    files = index.files
    count = max(1, len(files))
    average = max(1.0, sum(row[4] for row in files.values()) / count)
    symbols = max(1.0, sum(row[5] for row in files.values()) / count)
    lengths = {
        number: (
            1 - BODY_LENGTH + BODY_LENGTH * row[4] / average,
            1 - DEFINED_LENGTH + DEFINED_LENGTH * row[5] / symbols,
        )
        for number, row in files.items()
    }
    scores: dict[int, float] = {}
    for term, weight in request.terms.items():
        postings = index.postings(term)
        rarity = math.log(1 + (count - len(postings) + 0.5) / (len(postings) + 0.5)) * weight
        for packed in postings:
            number = packed >> 14
            body, defined = lengths[number]
            tf = (
                BODY * (packed >> 7 & 127) / body
                + DEFINED * (packed >> 2 & 31) / defined
                + PATH * (packed & 3)
            )
            scores[number] = scores.get(number, 0.0) + rarity * tf / (tf + SATURATION)
    return scores


def _score_neighbours(index: IndexReader, scores: dict[int, float]) -> dict[int, float]:
    """What neighbours of the best files get: one step of a walk that starts at them."""
    given: dict[int, float] = {}
    for number in sorted(scores, key=lambda each: -scores[each])[:SEEDS]:
        for other, weight in index.links(number):
            given[other] = given.get(other, 0.0) + SHARED * scores[number] * weight
    return given


def _score_named_paths(index: IndexReader, request: MapRequest, best: float) -> dict[int, float]:
    """Files whose path, or the end of it, the request writes out; an end that many share counts little."""
    wanted = set(request.paths)
    if not wanted:
        return {}
    ends: dict[str, list[int]] = {}
    for number, row in index.files.items():
        parts = str(row[1]).split("/")
        for start in range(max(0, len(parts) - 6), len(parts)):
            end = "/".join(parts[start:])
            if end in wanted:
                ends.setdefault(end, []).append(number)
    given: dict[int, float] = {}
    for path in wanted:
        numbers = ends.get(path) or _match_path_ends(path, index)
        for number in numbers:
            given[number] = max(given.get(number, 0.0), NAMED * best / len(numbers))
    return given


def _match_path_ends(path: str, index: IndexReader) -> list[int]:
    """A path of another machine, as in a traceback: the files that it ends with, the longest end first."""
    parts = path.split("/")
    if len(parts) < 2:
        return []
    for start in range(1, len(parts) - 1):
        end = "/".join(parts[start:])
        numbers = [number for number, row in index.files.items() if row[1] == end]
        if numbers:
            return numbers
    return []


def symbols(known: list[list[Any]], request: MapRequest, most: int) -> list[list[Any]]:
    """Those of a file's symbols (``[name, kind, line, within]``) that the request is about, in their order.

    Without one that it is about, the first few of the outermost.
    """
    scored = []
    for symbol in known:
        terms = {term for part in re.findall(r"\w+", symbol[0]) for term in words.terms(part)}
        score = sum(request.terms.get(term, 0.0) for term in terms) / math.sqrt(len(terms) or 1)
        scored.append((score + (4.0 if words.fold(symbol[0]) in request.names else 0.0), symbol))
    best = sorted((each for each in scored if each[0] > 0), key=lambda each: (-each[0], each[1][2]))[:most]
    chosen = [symbol for _, symbol in best] or [symbol for _, symbol in scored if not symbol[3]][: most // 2]
    return sorted(chosen, key=lambda symbol: symbol[2])
