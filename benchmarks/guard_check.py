"""How often the guard of a release errs: ``make guard-check`` plays 1,000 releases of each kind.

Each goes 1%, 10%, 50%, 100% as ``bot.flags.releases`` would move it, with so many tasks a day that end as
chance has it; ``bot.flags.guard`` looks after every few of them. Failures and proofs are shares, costs are
lognormal; one task in five gets a thumb.

The last rows are releases by repository: forty of them, of which each fails by a share of its own; in some
of these rows one has 60% of all tasks and fails four times as often as the others.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.flags.guard import ArmFigures, Move, Stratum, UnitFigures, add_figures, compare, judge
from bot.flags.releases import MARGIN, STEPS

RATED = 0.2  # of the tasks get a thumb
DAYS = 60  # after which a release that is neither through nor back is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How tasks end: shares that fail and, of the rest, that are proved; the mean cost in US dollars; of the
    tasks on which somebody leaves a thumb the share that is disliked.
    """

    failed: float = 0.15
    proved: float = 0.80
    usd: float = 0.60
    disliked: float = 0.15


REST = Variant()
VARIANTS: Mapping[str, tuple[Variant, bool]] = {  # and whether the release is bad
    "the same": (REST, False),
    "better: 5 points fewer fail": (Variant(failed=0.10), False),
    "10 points more fail, which the margin of 15 allows": (Variant(failed=0.25), False),
    "20 points more fail": (Variant(failed=0.35), True),
    "30 points fewer are proved": (Variant(proved=0.45), True),
    "everything fails": (Variant(failed=1.0), True),
    "twice as dear": (Variant(usd=1.20), True),
    "as good by all figures, and 30 points more of the thumbs are down": (Variant(disliked=0.45), True),
}


@dataclass(slots=True)
class Tally:
    """The ended tasks of one side, as they come."""

    costs: list[float] = field(default_factory=list)
    failed: int = 0
    proved: int = 0
    rated: int = 0
    disliked: int = 0
    usd: float = 0.0
    squares: float = 0.0

    def add(self, variant: Variant, dice: random.Random) -> None:
        """One task more."""
        fails = dice.random() < variant.failed
        cost = variant.usd * dice.lognormvariate(-0.5, 1.0)  # its mean is 1
        self.failed += fails
        self.proved += not fails and dice.random() < variant.proved
        if dice.random() < RATED:
            self.rated += 1
            self.disliked += dice.random() < variant.disliked
        self.usd, self.squares = self.usd + cost, self.squares + cost * cost
        self.costs.append(cost)

    def read(self) -> ArmFigures:
        """As the guard takes it."""
        count = len(self.costs)
        if not count:
            return ArmFigures()
        mean = self.usd / count
        variance = (self.squares - count * mean * mean) / (count - 1) if count > 1 else 0.0
        return ArmFigures(
            tasks=count, failed=self.failed, changes=count, proved=self.proved, usd=mean,
            usd_variance=max(0.0, variance), rated=self.rated, disliked=self.disliked,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How one release ended: through, back, or None for neither; after how many days and tasks of its own."""

    through: bool | None
    days: float
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One of a house: how many tasks it has, its place by hash from 0 to 100, how many more of them fail."""

    share: float
    place: float
    more: float


def make_house(dice: random.Random, *, huge: bool) -> list[Repository]:
    """Forty repositories, the second with 1/√2 of the first one's tasks and so on; some fail more often.

    ``huge``: the first has 60% of all tasks and fails four times as often as the others do.
    """
    shares = [1 / number**0.5 for number in range(1, 41)]
    if huge:
        shares[0] = 1.5 * sum(shares[1:])
    return [
        Repository(
            share=share,
            place=dice.random() * 100,
            more=3 * REST.failed if huge and not number else dice.uniform(-0.1, 0.1),
        )
        for number, share in enumerate(shares)
    ]


def play(
    variant: Variant,
    dice: random.Random,
    *,
    a_day: int,
    every: int,
    drift: float = 0.0,
    house: Sequence[Repository] = (),
) -> Played:
    """One release. ``drift`` is by how much more of everybody's tasks fail from the third day on.

    With a ``house`` whole repositories are in it, without one single threads.
    """
    sides: list[dict[tuple[int, bool], Tally]] = [{} for _ in STEPS]
    weights = [each.share for each in house]
    step, begun, own = 0, 0, 0
    for number in range(1, a_day * DAYS + 1):
        which = dice.choices(range(len(house)), weights)[0] if house else 0
        taken = (house[which].place if house else dice.random() * 100) < STEPS[step]
        worse = (drift if number > 2 * a_day else 0.0) + (house[which].more if house else 0.0)
        side = variant if taken else REST
        now = replace(side, failed=min(1.0, side.failed + worse))
        sides[step].setdefault((which, taken), Tally()).add(now, dice)
        own += taken
        if number % every:
            continue
        strata = [make_stratum(each, by_unit=bool(house)) for each in sides]
        last = STEPS[step + 1] == 100
        made = judge(compare(strata, margin=MARGIN), is_due=number - begun >= a_day, to_everybody=last)
        if made.move is Move.BACK or (made.move is Move.NEXT and last):
            return Played(through=made.move is Move.NEXT, days=number / a_day, tasks=own)
        if made.move is Move.NEXT:
            step, begun = step + 1, number
    return Played(through=None, days=DAYS, tasks=own)


def make_stratum(tallies: Mapping[tuple[int, bool], Tally], *, by_unit: bool) -> Stratum:
    """What the guard is shown of one step."""
    units = [
        UnitFigures(unit=str(which), is_new=taken, figures=tally.read())
        for (which, taken), tally in tallies.items()
    ]
    new, rest = (
        add_figures([each.figures for each in units if each.is_new is side]) for side in (True, False)
    )
    return Stratum(new=new, rest=rest, units=units if by_unit else ())


def play_many(
    variant: Variant,
    count: int,
    *,
    a_day: int,
    every: int,
    seed: int = 1,
    drift: float = 0.0,
    huge: bool | None = None,
) -> list[Played]:
    """So many releases of one variant; by repository where ``huge`` says whether one of them is."""
    dice = random.Random(seed)
    return [
        play(
            variant,
            dice,
            a_day=a_day,
            every=every,
            drift=drift,
            house=() if huge is None else make_house(dice, huge=huge),
        )
        for _ in range(count)
    ]


def render_row(name: str, played: Sequence[Played]) -> str:
    """One line of the table."""
    back = [each for each in played if each.through is False]
    through = [each for each in played if each.through]
    ended = back if len(back) > len(through) else through
    days = statistics.median(each.days for each in ended) if ended else DAYS
    tasks = statistics.median(each.tasks for each in ended) if ended else 0
    return (
        f"| {name} | {len(through) / len(played):.1%} | {len(back) / len(played):.1%} "
        f"| {(len(played) - len(back) - len(through)) / len(played):.1%} | {days:.1f} | {tasks:.0f} |"
    )


def main() -> None:
    """Play them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=1000, help="of each kind")
    parser.add_argument("--by-unit", type=int, default=100, help="of each kind by repository")
    parser.add_argument("--a-day", type=int, default=200, help="tasks a day")
    parser.add_argument("--every", type=int, default=10, help="tasks between looks")
    given = parser.parse_args()
    began, each = time.monotonic(), given.releases
    print(f"{each} releases of each kind, {given.a_day} tasks a day, a look every {given.every}")
    print("| release | let through | stopped | neither | days | its own tasks |")
    print("|---|--:|--:|--:|--:|--:|")
    pace = {"a_day": given.a_day, "every": given.every}
    for name, (variant, _) in VARIANTS.items() if each else ():
        print(render_row(name, play_many(variant, each, **pace)), flush=True)
    if each:
        name = "the same, while 30 points more fail for everybody from day 3 on"
        print(render_row(name, play_many(REST, each, **pace, drift=0.3)), flush=True)
    pace["every"] *= 10
    for huge, house in ((False, "by repository"), (True, "by repository, one of them huge")):
        for name in ("the same", "20 points more fail", "everything fails") if given.by_unit else ():
            played = play_many(VARIANTS[name][0], given.by_unit, **pace, huge=huge)
            print(render_row(f"{name}, {house}", played), flush=True)
    print(f"in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
