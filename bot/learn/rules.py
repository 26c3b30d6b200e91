"""A rule as a sentence, made from corrections that agree, and AGENTS.md with the rule added."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from bot.learn.meaning import SAME, is_alike, measure_likeness, read_meaning
from bot.tasks.learning.corrections import Correction, CorrectionKind, ProposedRule

PULLS = 3  # different pull requests on which the same was said, before it is proposed
HEADING = "## What reviews taught"
FILE = "AGENTS.md"
MOST_SEEDS = 10  # corrections that a proposal names


class _Said(NamedTuple):
    """What tells corrections apart."""

    kind: CorrectionKind
    words: str
    file_kind: str


def find_rules(corrections: Sequence[Correction], before: Sequence[ProposedRule]) -> list[ProposedRule]:
    """The rules that corrections on ``PULLS`` pull requests or more agree on, and that were not proposed.

    Each group is what is the same as one of its corrections, so that no chain of likenesses makes a rule.
    The one with the most pull requests comes first.
    """
    given: dict[_Said, list[Correction]] = {}
    for one in corrections:
        given.setdefault(_Said(one.kind, one.words, one.file_kind), []).append(one)
    same = {said: list(ones) for said, ones in given.items()}
    for said, other in combinations(given, 2):
        if is_alike(*said, *other):
            same[said] += given[other]
            same[other] += given[said]
    groups = [
        (ones[0], same[said])
        for said, ones in given.items()
        if len({one.pull for one in same[said]}) >= PULLS
    ]
    groups.sort(
        key=lambda group: (-len({one.pull for one in group[1]}), len(group[0].words), group[0].source)
    )
    found: list[ProposedRule] = []
    for centre, alike in groups:
        rule = _make_rule(centre, alike)
        if not any(is_known(rule, one) for one in (*before, *found)):
            found.append(rule)
    return found


def is_known(rule: ProposedRule, other: ProposedRule) -> bool:
    """Whether a rule is one that was proposed before, in these words or in like ones."""
    if rule.key == other.key:
        return True
    return is_alike(rule.kind, rule.words, rule.file_kind, other.kind, other.words, other.file_kind)


def is_written(rule: ProposedRule, texts: Iterable[str]) -> bool:
    """Whether a line of these texts says so already."""
    meaning, line = read_meaning(rule.words), render_rule(rule)
    return any(
        line in each
        or (rule.kind is CorrectionKind.SAID and measure_likeness(meaning, read_meaning(each)) >= SAME)
        for text in texts
        for each in text.splitlines()
        if each.strip()
    )


def _make_rule(centre: Correction, alike: Sequence[Correction]) -> ProposedRule:
    """The rule in the words of the correction that all the others are like."""
    newest: dict[int, Correction] = {one.pull: one for one in alike}
    newest[centre.pull] = centre
    seeds = (centre, *(one for _, one in sorted(newest.items()) if one is not centre))
    kinds = {one.file_kind for one in alike}
    meaning = read_meaning(centre.words)
    named = "\n".join([*sorted(meaning.said), "not", *sorted(meaning.denied)])
    said = centre.words if centre.kind is CorrectionKind.EDITED else named
    key = hashlib.sha256(f"{centre.kind}\n{said}".encode("utf-8", "replace")).hexdigest()[:12]
    return ProposedRule(
        key=key,
        kind=centre.kind,
        words=centre.words,
        file_kind=kinds.pop() if len(kinds) == 1 else "",
        seeds=seeds[:MOST_SEEDS],
    )


def render_rule(rule: ProposedRule) -> str:
    """The rule as a sentence."""
    words = rule.words.rstrip(" .!") + "."
    where = f" (in `*{rule.file_kind}`)" if rule.file_kind.startswith(".") else ""
    if rule.kind is CorrectionKind.DISMISSED:
        return f"In reviews do not remark{where}: {words}"
    return f"{words[0].upper()}{words[1:]}" if rule.kind is CorrectionKind.SAID else words[:-1] + where + "."


def render_replacement(before: str, after: str) -> str:
    """An edit described as a sentence."""
    return f"Write `{after}`, not `{before}`"


def add_rule(text: str, rule: ProposedRule) -> str:
    """AGENTS.md with the rule at the end of its list; the rest stays as it is, line ends too."""
    end = "\r\n" if "\r\n" in text else "\n"
    line, lines = f"- {render_rule(rule)}", text.splitlines()
    if HEADING not in lines:
        above = [*lines, ""] if lines and lines[-1].strip() else lines
        return end.join([*above, HEADING, "", line, ""])
    start = lines.index(HEADING)
    after = next((at for at in range(start + 1, len(lines)) if lines[at].startswith("#")), len(lines))
    last = max(at for at in range(start, after) if lines[at].strip())
    new = ["", line] if last == start else [line]
    return end.join([*lines[: last + 1], *new, *lines[last + 1 :], ""])
