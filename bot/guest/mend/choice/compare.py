"""Chooses among changes that all make the tests pass: by what they do to the code, and by what else they do.

A change is the likelier the more of the function's inputs it still uses, the less it does differently on what
passed before, the fewer new exceptions it brings, and the more of the other changes agree with it. That tests
alone do not tell right from wrong: E. Smith et al., "Is the cure worse than the disease? Overfitting in
automated program repair", ESEC/FSE 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from .. import clock
from ..candidates import FoundChange
from ..forkserver.candidate_runner import CandidateRunner
from ..forkserver.client import ServerRefused
from ..patches import body_function
from .structure import judge_text

COMPARED = 10  # changes that are compared by what they give
PASSING = 25  # tests whose inputs are taken
SECONDS = 4.0  # for comparing
SLOWER = 8.0  # times the steps of the others on larger inputs: another order of growth
MEANT = 0.5  # of the calls of passing tests: when more give something else, that is what the change is for
_NO_VALUE = ("raises ", "no end")
_ENDLESS = ("raises RecursionError", "no end")
_HOLDERS = frozenset(("list", "dict", "tuple", "set"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a function gives for each call, of which type, and how many steps it takes on larger inputs."""

    outputs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another change that passes, and a call by which the two differ."""

    change: FoundChange
    call: str
    this: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange:
    """A call that gave something else before, such as a value where there is an exception now."""

    call: str
    before: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Changes with how likely each is, the likeliest first, and what they give for the same calls.

    Of ``calls`` the first ``passing`` are made by tests that pass, then come those of failing tests up to
    ``recorded``, then those that were made up.
    """

    ranked: tuple[FoundChange, ...]
    likely: tuple[float, ...] = ()
    calls: tuple[str, ...] = ()
    passing: int = 0
    recorded: int = 0
    varied: tuple[str, ...] = ()  # beside ``calls``: the type of the argument that was made up
    base: Behaviour = Behaviour()
    seen: tuple[Behaviour, ...] = ()  # beside ``ranked``; an empty one for a change that was not compared

    def find_rival(self, chosen: FoundChange) -> Rival | None:
        """The likeliest other change that does something else, with the first call that shows it."""
        if not self.seen:
            return None
        own = self.seen[self.ranked.index(chosen)].outputs
        for change, other_seen in zip(self.ranked, self.seen, strict=True):
            for call, this, other in zip(self.calls, own, other_seen.outputs, strict=False):
                if this != other:
                    return Rival(change=change, call=call, this=this, other=other)
        return None

    def measure_difference(self, chosen: FoundChange, other: FoundChange) -> float:
        """The share of the calls for which two changes differ."""
        if not self.seen:
            return 0.0
        one, two = (self.seen[self.ranked.index(each)].outputs for each in (chosen, other))
        pairs = list(zip(one, two, strict=False))
        return sum(a != b for a, b in pairs) / len(pairs) if pairs else 0.0

    def get_likely(self, change: FoundChange) -> float:
        """How likely a change is, for comparing it with the others."""
        at = self.ranked.index(change)
        return self.likely[at] if at < len(self.likely) else 0.0

    def find_strange(self, chosen: FoundChange) -> Strange | None:
        """The first call that gave a value before and with the change ends in an exception or not at all."""
        if not self.seen or chosen not in self.ranked:
            return None
        own = self.seen[self.ranked.index(chosen)].outputs
        asked = own[self.passing : self.recorded]  # an exception that the failing tests wait for
        for call, before, now in zip(self.calls, self.base.outputs, own, strict=False):
            gone = now.startswith(_NO_VALUE) and not before.startswith(_NO_VALUE) and before != "None"
            if gone and now not in asked:
                return Strange(call=call, before=before, now=now)
        return None

    def find_moved(self, chosen: FoundChange) -> Strange | None:
        """The first call of a passing test that gives something else with the change, though the test passes.

        None also where most of them do: then that is what the change is for.
        """
        if not self.seen or chosen not in self.ranked:
            return None
        own = self.seen[self.ranked.index(chosen)].outputs[: self.passing]
        rows = list(zip(self.calls, self.base.outputs, own, strict=False))
        moved = [row for row in rows if row[1] != row[2]]
        if not moved or len(moved) > MEANT * len(rows):
            return None
        call, before, now = moved[0]
        return Strange(call=call, before=before, now=now)

    def find_endless(self, chosen: FoundChange) -> str:
        """A call with other contents of a list or dict, say a graph, that does not end; "" when all do."""
        if not self.seen or chosen not in self.ranked:
            return ""
        own = self.seen[self.ranked.index(chosen)].outputs
        for call, kind, now in zip(self.calls, self.varied, own, strict=False):
            if kind in _HOLDERS and now in _ENDLESS:
                return call
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """What was probed: the calls, the base's behaviour, that of each change."""

    calls: tuple[str, ...]
    varied: tuple[str, ...]
    passing: int
    recorded: int
    base: Behaviour
    seen: list[Behaviour]


def compare_changes(runner: CandidateRunner, answers: Sequence[FoundChange]) -> Comparison:
    """Rank changes that pass. Fewer places come before more, whatever they do."""
    text = {id(each): each.score * judge_text(runner, each) for each in answers}
    plain = sorted(answers, key=lambda each: (each.places, -text[id(each)]))
    few = [each for each in plain if each.places == plain[0].places][:COMPARED] if plain else []
    table = _probe(runner, few) if few else None
    if table is None:
        return Comparison(ranked=tuple(plain), likely=tuple(text[id(each)] for each in plain))
    likely = [text[id(each)] * _judge_behaviour(table.seen[number], table) for number, each in enumerate(few)]
    order = sorted(range(len(few)), key=lambda number: -likely[number])
    ranked = [few[number] for number in order]
    rest = [each for each in plain if each not in ranked]
    return Comparison(
        ranked=(*ranked, *rest),
        likely=tuple(likely[number] for number in order),
        calls=table.calls,
        varied=table.varied,
        passing=table.passing,
        recorded=table.recorded,
        base=table.base,
        seen=(*(table.seen[number] for number in order), *(Behaviour() for _ in rest)),
    )


def _probe(runner: CandidateRunner, changes: Sequence[FoundChange]) -> _Table | None:
    """What the function at the first change's place gives, as it is and with each change."""
    part = changes[0].parts[0]
    covering = runner.choose_covering(changes[0].parts)[:PASSING]
    failing = sorted(changes[0].turned)[:5]
    patches = [runner.patch(each.parts) or [] for each in changes]
    source = runner.findings.sources[part.path]
    outer = body_function(source, source.line_of(part.edits[0].start))  # one inside it cannot be called
    name = source.qualname(outer) if outer is not None else part.function
    function = (f"{runner.root}/{part.path}", name)
    total = min(SECONDS, max(1.0, runner.end - clock.read_seconds()))
    try:
        rows = runner.server.probe(covering, failing, [*patches, []], function, total=total)
    except ServerRefused:
        return None
    rows = keep_steady(rows, len(changes) + 1)
    if not rows or not rows[0]["inputs"]:
        return None
    seen = [
        Behaviour(outputs=tuple(row["outputs"]), kinds=tuple(row["kinds"]), steps=row["steps"])
        for row in rows
    ]
    made = [each if patch else Behaviour() for each, patch in zip(seen[1:], patches, strict=True)]
    return _Table(
        calls=tuple(rows[0]["inputs"]),
        varied=tuple(rows[0]["varied"]),
        passing=rows[0]["passing"],
        recorded=rows[0]["recorded"],
        base=seen[0],
        seen=made,
    )


def keep_steady(rows: Sequence[Mapping[str, Any]], count: int) -> list[dict[str, Any]]:
    """The first ``count`` rows, with the calls alone that give the same when the first row is run again.

    The row after them is that second run; where it is missing all calls stay. What depends on the time, on
    chance or on the calls before shows nothing of a change. [] where rows are missing.
    """
    if len(rows) < count:
        return []
    first, again = rows[0], rows[-1] if len(rows) > count else rows[0]
    pairs = zip(first["outputs"], again["outputs"], strict=True)
    steady = [at for at, (one, other) in enumerate(pairs) if one == other]
    counts = {key: sum(at < first[key] for at in steady) for key in ("passing", "recorded")}
    lists = ("inputs", "varied", "outputs", "kinds")
    return [
        {**row, **counts, **{key: [row[key][at] for at in steady] if row[key] else [] for key in lists}}
        for row in rows[:count]
    ]


def _is_endless(own: Behaviour, table: _Table) -> bool:
    """Whether it does not end for some contents of a list or dict for which another change does."""
    return any(
        now in _ENDLESS and any(each.outputs and each.outputs[at] not in _ENDLESS for each in table.seen)
        for at, now in enumerate(own.outputs)
    )


def _judge_behaviour(own: Behaviour, table: _Table) -> float:
    """How likely a change is by what it gives: 1.0 at most."""
    if not own.outputs:
        return 0.5
    base, passing = table.base, table.passing
    same = (
        sum(one == two for one, two in zip(own.outputs[:passing], base.outputs, strict=False)) / passing
        if passing
        else 1.0
    )
    returned = [at for at, each in enumerate(base.outputs) if not each.startswith(_NO_VALUE)]
    broken = sum(own.outputs[at].startswith(_NO_VALUE) for at in returned) / (len(returned) or 1)
    others = [each for each in table.seen if each.outputs and each is not own]
    agreed = [
        sum(one == two for one, two in zip(own.outputs, each.outputs, strict=True)) / len(own.outputs)
        for each in others
    ]
    consensus = sum(agreed) / len(agreed) if agreed else 1.0
    likely = (0.3 + 0.7 * same) * (1.0 - 0.7 * broken) * (0.7 + 0.3 * consensus)
    likely *= 0.3 if _is_endless(own, table) else 1.0
    likely *= 0.4 if _is_constant(own, table) else 1.0
    likely *= 0.4 if _changes_kind(own, table) else 1.0
    return likely * (0.4 if _is_slower(own, table) else 1.0)


def _is_constant(own: Behaviour, table: _Table) -> bool:
    """Whether it gives one value for whatever it gets, where the base does not."""
    values = {each for each in own.outputs if not each.startswith(_NO_VALUE)}
    before = {each for each in table.base.outputs if not each.startswith(_NO_VALUE)}
    return len(own.outputs) > 4 and len(values) == 1 and len(before) > 1


def _changes_kind(own: Behaviour, table: _Table) -> bool:
    """Whether it gives another type on calls that no failing test makes, and not on those that one makes."""
    changed = [
        _differ(one, two)
        for one, two in zip(table.base.kinds, own.kinds, strict=False)
        if "" not in (one, two) and one != "NoneType"
    ]
    asked = [
        one != two
        for one, two in zip(
            table.base.kinds[table.passing : table.recorded],
            own.kinds[table.passing : table.recorded],
            strict=False,
        )
    ]
    return bool(changed) and sum(changed) > len(changed) / 3 and not any(asked)


def _differ(one: str, two: str) -> bool:
    numbers = {"int", "float", "bool"}
    return one != two and not {one, two} <= numbers


def _is_slower(own: Behaviour, table: _Table) -> bool:
    """Whether it takes many times the steps that the others take on larger inputs."""
    others = [each.steps for each in table.seen if each.outputs and each is not own]
    return bool(others) and own.steps > SLOWER * max(median_low(others), 20)
