"""The same edit at places that are alike: ``not first`` to ``first is None``, and ``not second`` as well."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ..candidates import Candidate
from ..source import Source

CONSIDERED = 4000  # of the likeliest candidates
MOST_PLACES = 4  # that one edit is made at; at more it is no slip that was made twice
SHARE = 0.4  # of the likeliest one's chance, for all of them together
AFTER = 3  # characters behind an insertion that have to be the same
_NAME = re.compile(r"[A-Za-z_]\w*")

Signature = tuple[str, str, str]


def combine_alike(candidates: Sequence[Candidate], sources: Mapping[str, Source]) -> list[Candidate]:
    """The candidates with those that make one edit at all alike places of a function, the likeliest first."""
    groups: dict[tuple[str, str, Signature], dict[int, Candidate]] = {}
    for each in candidates[:CONSIDERED]:
        signature = read_signature(each, sources[each.path])
        if signature is not None:
            group = groups.setdefault((each.path, each.function, signature), {})
            group.setdefault(each.edits[0].start, each)
    made = [_join(list(group.values())) for group in groups.values() if 1 < len(group) <= MOST_PLACES]
    return sorted([*candidates, *filter(None, made)], key=lambda each: -each.score)


def read_signature(candidate: Candidate, source: Source) -> Signature | None:
    """What an edit of one place does, without the names that it keeps; None for edits of several places."""
    if len(candidate.edits) != 1:
        return None
    (edit,) = candidate.edits
    old = source.text[edit.start : edit.end]
    if old == edit.new or len(old) > 200 or "\n" in edit.new.strip():
        return None
    new = set(_NAME.findall(edit.new))
    kept = [each for each in _NAME.findall(old) if each in new and not keyword.iskeyword(each)]
    places = {name: f"_{at}_" for at, name in enumerate(dict.fromkeys(kept))}

    def generalise(text: str) -> str:
        return _NAME.sub(lambda found: places.get(found[0], found[0]), text)

    behind = "" if old else source.text[edit.end : edit.end + AFTER]
    return candidate.template, generalise(old) + behind, generalise(edit.new)


def put_alike_first(
    candidates: Sequence[Candidate], parts: Sequence[Candidate], sources: Mapping[str, Source]
) -> list[Candidate]:
    """The candidates in their order, but those first that do elsewhere what ``parts`` do."""
    done = {read_signature(each, sources[each.path]) for each in parts} - {None}
    alike = [each for each in candidates if read_signature(each, sources[each.path]) in done] if done else []
    known = set(map(id, alike))
    return [*alike, *(each for each in candidates if id(each) not in known)]


def _join(group: list[Candidate]) -> Candidate | None:
    group.sort(key=lambda each: each.edits[0].start)
    edits = tuple(edit for each in group for edit in each.edits)
    if any(one.end > two.start for one, two in pairwise(edits)):
        return None
    best = max(group, key=lambda each: each.score)
    return replace(
        best,
        edits=edits,
        score=SHARE * best.score,
        places=len(group),
        fresh=any(each.fresh for each in group),
    )
