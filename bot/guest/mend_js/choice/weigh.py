"""Compares changes that all pass, by what they give: which is likeliest, and where they differ.

A change is the likelier the less it gives otherwise for what passing tests call, the fewer new errors it
brings, and the more of the other changes agree with it, as ``mend/choice/compare.py`` has it for Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .. import clock
from ..candidates import JsCandidate
from .observe import NO_END, Observation, Observer

COMPARED = 6  # changes that are compared
_NO_VALUE = ("raises ", NO_END)
# Less likely to be meant than their tests say: they do without something, or repeat what the test expects.
_DOUBTED = {
    "removed-statement": 0.5,
    "missing-guard": 0.7,
    "needless-term": 0.8,
    "fallback": 0.8,
    "early-return": 0.6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JsRival:
    """Another change that passes, with a call by which the two differ and what it gives with each.

    They differ for ``share`` of the calls that one of the two changes, and for ``by_tests`` that tests make.
    """

    change: JsCandidate
    likely: float
    call: str
    this: str
    other: str
    share: float
    by_tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JsComparison:
    """Changes with how likely each is, the likeliest first, and what they give.

    ``asked`` are the calls of the failing tests, ``base`` is what the code gives as it is. ``hung`` says that
    a made-up call had no end, so that calls of tests alone tell changes apart; ``damage`` is a file that
    comparing them changed, which must not be.
    """

    ranked: tuple[JsCandidate, ...]
    likely: tuple[float, ...]
    seen: tuple[Observation, ...] = ()  # beside ``ranked``; an empty one for a change that was not compared
    base: Observation = field(default_factory=Observation)
    asked: frozenset[str] = frozenset()
    hung: bool = False
    damage: str = ""

    def count_calls(self) -> int:
        """How many calls the likeliest change was compared by."""
        return len(self.seen[0].seen) + len(self._leave_failing(self.seen[0])) if self.seen else 0

    def find_rivals(self) -> list[JsRival]:
        """The other changes that give something else than the likeliest, with a call that shows it."""
        if not self.seen:
            return []
        found = []
        own = self.seen[0]
        for change, likely, other in zip(self.ranked[1:], self.likely[1:], self.seen[1:], strict=True):
            by_tests = find_differences(own.seen, other.seen)
            by_made = find_differences(own.made, other.made)
            if not by_tests and not by_made:
                continue
            call = (by_tests or by_made)[0]
            this, that = (each.seen.get(call) or each.made.get(call, "") for each in (own, other))
            found.append(
                JsRival(
                    change=change, likely=likely, call=call, this=this, other=that,
                    share=(len(by_tests) + len(by_made)) / max(1, _count_affected(self.base, own, other)),
                    by_tests=len(by_tests),
                )
            )  # fmt: skip
        return found

    def find_uncompared(self) -> list[tuple[JsCandidate, float]]:
        """The other changes of which it is not known whether they give the same, with how likely each is."""
        seen = self.seen or (Observation(),) * len(self.ranked)
        others = zip(self.ranked[1:], self.likely[1:], seen[1:], strict=True)
        told = {id(each.change) for each in self.find_rivals()}
        return [
            (change, likely)
            for change, likely, other in others
            if id(change) not in told and (self.hung or not seen[0].seen or not other.seen)
        ]

    def count_changed(self) -> tuple[int, int]:
        """How many made-up calls give something else with the likeliest change, and of how many."""
        if not self.seen:
            return 0, 0
        made = self._leave_failing(self.seen[0])
        if not find_differences(self.base.seen, self.seen[0].seen):
            return 0, 0  # not even the failing tests' calls show what it changes
        common = self.base.made.keys() & made.keys()
        return len(find_differences(self.base.made, made)), len(common)

    def _leave_failing(self, one: Observation) -> dict[str, str]:
        """The made-up calls of one observation without those that raise the same in all."""
        left = _find_failing(self.base, self.seen)
        return {call: gives for call, gives in one.made.items() if call not in left}


def find_differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Calls that two observations both have and that give something else."""
    return [call for call, gives in one.items() if other.get(call, gives) != gives]


def _count_affected(base: Observation, one: Observation, other: Observation) -> int:
    """How many calls do not give the same as the code is and with each of two changes."""
    pairs = ((base.seen, one.seen, other.seen), (base.made, one.made, other.made))
    return sum(
        len({mine[call], its[call], was.get(call, mine[call])}) > 1
        for was, mine, its in pairs
        for call in mine.keys() & its.keys()
    )


def judge_plausible(candidate: JsCandidate) -> float:
    """How likely a change is by its place and its kind."""
    borrowed = 0.6 if candidate.edit.borrowed else 1.0
    return candidate.score * borrowed * _DOUBTED.get(candidate.edit.template, 1.0)


def weigh_changes(
    observer: Observer, passed: Sequence[JsCandidate], pilots: Sequence[str], until: float
) -> JsComparison:
    """Rank changes that pass; by their text alone where what they give cannot be seen in time."""
    plain = sorted(passed, key=lambda each: -judge_plausible(each))
    text = [judge_plausible(each) for each in plain]
    alone = JsComparison(ranked=tuple(plain), likely=tuple(text))
    first = _observe(observer, plain[0], pilots)
    until += observer.lost
    if not first.seen or clock.read_seconds() > until:
        return replace(alone, hung=observer.hung)
    again = _observe(observer, plain[0], pilots)
    base = _observe(observer, None, pilots)
    asked = frozenset(observer.observe(None, names=pilots).seen) if pilots else frozenset()
    observed = [first]
    for each in plain[1:COMPARED]:
        if clock.read_seconds() > until:
            break
        lost = observer.lost
        observed.append(_observe(observer, each, pilots))
        until += observer.lost - lost
    unsteady = {*find_differences(first.seen, again.seen), *find_differences(first.made, again.made)}
    observed = [_leave_out(each, unsteady) for each in observed]
    base = _leave_out(base, unsteady)
    likely = [
        each * _judge_behaviour(observed[at], observed, base, asked) if at < len(observed) else 0.5 * each
        for at, each in enumerate(text)
    ]
    order = sorted(range(len(plain)), key=lambda at: -likely[at])
    return JsComparison(
        ranked=tuple(plain[at] for at in order),
        likely=tuple(likely[at] for at in order),
        seen=tuple(observed[at] if at < len(observed) else Observation() for at in order),
        base=base,
        asked=asked,
        hung=observer.hung,
    )


def _observe(observer: Observer, change: JsCandidate | None, pilots: Sequence[str]) -> Observation:
    """By all tests, and by the failing ones alone, whose calls come too late in a large suite."""
    whole = observer.observe(change)
    part = observer.observe(change, names=pilots) if pilots and whole.seen else Observation()
    return Observation(seen={**whole.seen, **part.seen}, made={**whole.made, **part.made})


def _find_failing(base: Observation, observed: Sequence[Observation]) -> set[str]:
    """Made-up calls that raise the same with every change and without, which tell nothing."""
    return {
        call
        for call, gives in base.made.items()
        if gives.startswith("raises ") and all(each.made.get(call, gives) == gives for each in observed)
    }


def _leave_out(one: Observation, calls: set[str]) -> Observation:
    """Without what gives something else from run to run."""
    return Observation(
        seen={call: gives for call, gives in one.seen.items() if call not in calls},
        made={call: gives for call, gives in one.made.items() if call not in calls},
    )


def _judge_behaviour(
    own: Observation, observed: Sequence[Observation], base: Observation, asked: frozenset[str]
) -> float:
    """How likely a change is by what it gives: 1.0 at most."""
    passing = [call for call in own.seen if call in base.seen and call not in asked]
    moved = sum(own.seen[call] != base.seen[call] for call in passing)
    same = 1.0 - moved / len(passing) if passing else 1.0
    returned = [
        call for call, gives in base.made.items() if not gives.startswith(_NO_VALUE) and call in own.made
    ]
    broken = sum(own.made[call].startswith(_NO_VALUE) for call in returned) / (len(returned) or 1)
    agreed = [_measure_agreement(own, each) for each in observed if each is not own]
    consensus = sum(agreed) / len(agreed) if agreed else 1.0
    return (0.3 + 0.7 * same) * (1.0 - 0.7 * broken) * (0.7 + 0.3 * consensus)


def _measure_agreement(one: Observation, other: Observation) -> float:
    common = len(one.seen.keys() & other.seen.keys()) + len(one.made.keys() & other.made.keys())
    differ = len(find_differences(one.seen, other.seen)) + len(find_differences(one.made, other.made))
    return 1.0 - differ / common if common else 1.0
