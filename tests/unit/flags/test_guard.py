"""The guard of a release: what it takes for worse, and how often it errs."""

from __future__ import annotations

import random

import pytest

from benchmarks.guard_check import REST, VARIANTS, Variant, play_many
from bot.flags.by_unit import LEAST_UNITS, UnitTally, compare_units
from bot.flags.guard import ArmFigures, Move, Stratum, UnitFigures, add_figures, compare, judge


def arm(
    tasks: int, failed: int = 0, proved: int = 0, usd: float = 0.0, *, rated: int = 0, disliked: int = 0
) -> ArmFigures:
    return ArmFigures(
        tasks=tasks, failed=failed, changes=tasks, proved=proved, usd=usd, usd_variance=usd * usd / 4,
        rated=rated, disliked=disliked,
    )  # fmt: skip


def decide(new: ArmFigures, rest: ArmFigures, *, is_due: bool = True, to_everybody: bool = False) -> Move:
    found = compare([Stratum(new=new, rest=rest)], margin=0.15)
    return judge(found, is_due=is_due, to_everybody=to_everybody).move


@pytest.mark.parametrize(("name", "least", "most"), [
    ("the same", 29, 30), ("better: 5 points fewer fail", 29, 30), ("20 points more fail", 0, 0),
    ("30 points fewer are proved", 0, 0), ("everything fails", 0, 0), ("twice as dear", 0, 0),
    ("as good by all figures, and 30 points more of the thumbs are down", 0, 2),
])  # fmt: skip
def test_bad_releases_are_stopped_and_good_ones_let_through(name: str, least: int, most: int) -> None:
    """The quick form of ``make guard-check``."""
    played = play_many(VARIANTS[name][0], 30, a_day=200, every=50)
    assert least <= sum(each.through is True for each in played) <= most
    assert all(each.through is not None for each in played)


def test_what_happens_to_everybody_is_nobodys_fault() -> None:
    """From the third day on more fail of both sides, while the release's share grows: no step back."""
    played = play_many(REST, 30, a_day=200, every=50, drift=0.4)
    assert sum(each.through is True for each in played) >= 29


def test_a_bad_release_touches_few() -> None:
    played = play_many(Variant(failed=1.0), 20, a_day=200, every=10)
    assert max(each.tasks for each in played) < 40


@pytest.mark.parametrize(
    ("new", "rest", "move"),
    [
        (arm(0), arm(0), Move.NEXT),  # few see it yet
        (arm(9, failed=9), arm(900), Move.NEXT),
        (arm(10, failed=10), arm(900), Move.BACK),
        (arm(900, failed=900), arm(9), Move.NEXT),
        (arm(100, proved=20), arm(100, proved=90), Move.BACK),
        (arm(100, proved=90), arm(100, proved=20), Move.NEXT),  # better is no fault
        (arm(100, usd=2.0), arm(100, usd=0.5), Move.BACK),
        (arm(100, usd=0.0), arm(100, usd=0.5), Move.NEXT),
    ],
)
def test_worse_steps_back_and_else_time_decides(new: ArmFigures, rest: ArmFigures, move: Move) -> None:
    assert decide(new, rest) is move
    if move is Move.NEXT:
        assert decide(new, rest, is_due=False) is Move.WAIT


def test_the_step_to_everybody_wants_to_be_sure() -> None:
    assert decide(arm(0), arm(0), to_everybody=True) is Move.WAIT
    assert decide(arm(20, failed=2, proved=18), arm(20, failed=2, proved=18), to_everybody=True) is Move.WAIT
    good = arm(900, failed=90, proved=800, usd=0.5)
    assert decide(good, good, to_everybody=True) is Move.NEXT
    found = compare([Stratum(new=arm(20), rest=arm(20))], margin=0.15)
    assert "it is not sure yet" in judge(found, is_due=True, to_everybody=True).why


def test_thumbs_step_back_and_hold_up_only_what_looks_worse() -> None:
    good = {"failed": 90, "proved": 800, "usd": 0.5}
    new, rest = arm(900, **good, rated=40, disliked=38), arm(900, **good, rated=40, disliked=4)
    assert decide(new, rest) is Move.BACK
    found = judge(compare([Stratum(new=new, rest=rest)], margin=0.15), is_due=True, to_everybody=False)
    assert found.why.startswith("thumbs down: 95% of 40 tasks, 10% of 40 of the rest")
    few = arm(900, **good, rated=12, disliked=2)
    assert decide(few, few, to_everybody=True) is Move.NEXT, "a few thumbs are never sure"
    worse = arm(900, **good, rated=12, disliked=6)
    assert decide(worse, few, to_everybody=True) is Move.WAIT and decide(worse, few) is Move.NEXT
    assert decide(arm(900, **good, rated=9, disliked=9), rest) is Move.NEXT, "nine say nothing yet"
    only = arm(0, rated=90, disliked=9)
    assert decide(only, only, to_everybody=True) is Move.WAIT


def test_any_figures_are_compared_without_an_error() -> None:
    dice = random.Random(3)

    def draw() -> ArmFigures:
        tasks = dice.choice([0, 1, 5, 10, 11, 1000])
        usd = dice.choice([0.0, 1e-9, 0.5, 1e6])
        return arm(tasks, failed=dice.randint(0, tasks), proved=dice.randint(0, tasks), usd=usd)

    for _ in range(2000):
        strata = [Stratum(new=draw(), rest=draw()) for _ in range(dice.randint(0, 4))]
        for each in compare(strata, margin=0.15):
            assert each.low < each.high
        judge(compare(strata, margin=0.15), is_due=True, to_everybody=True)


def stratum(new: list[ArmFigures], rest: list[ArmFigures]) -> Stratum:
    """Units on both sides, the first of each the largest."""
    units = [
        UnitFigures(unit=f"{is_new}{number}", is_new=is_new, figures=figures)
        for is_new, side in ((True, new), (False, rest))
        for number, figures in enumerate(side)
    ]
    return Stratum(new=add_figures(new), rest=add_figures(rest), units=units)


def test_one_huge_repository_is_not_taken_for_the_release() -> None:
    usual, huge = arm(30, failed=4), arm(900, failed=540)
    sides = stratum([huge, *[usual] * 14], [usual] * 15)
    by_tasks = [Stratum(new=sides.new, rest=sides.rest)]
    assert judge(compare(by_tasks, margin=0.15), is_due=True, to_everybody=False).move is Move.BACK
    found = judge(compare([sides], margin=0.15), is_due=True, to_everybody=False)
    assert found.move is Move.WAIT and found.why.startswith(
        "its tasks are worse, and its units may be: failed"
    )
    bad = stratum([arm(30, failed=24)] * 15, [usual] * 15)
    found = judge(compare([bad], margin=0.15), is_due=False, to_everybody=False)
    assert found.move is Move.BACK and "of 15 units and 15" in found.why
    good = arm(60, failed=6, proved=50, usd=0.5)
    assert decide_units([good] * 30, [good] * 30) is Move.NEXT
    dear = arm(60, failed=6, proved=50, usd=1.5)
    assert decide_units([dear] * 30, [good] * 30) is Move.BACK


def decide_units(new: list[ArmFigures], rest: list[ArmFigures], *, to_everybody: bool = True) -> Move:
    return judge(compare([stratum(new, rest)], margin=0.15), is_due=True, to_everybody=to_everybody).move


def test_what_one_repository_shows_is_compared_with_how_repositories_differ() -> None:
    """At 1% a release may be in a single one, which may be odd by itself."""
    alike = [arm(30, failed=n) for n in (3, 4, 5) * 10]
    assert decide_units([arm(30, failed=30)], alike, to_everybody=False) is Move.BACK
    unlike = [arm(30, failed=n) for n in (0, 4, 20, 28) * 8]
    assert decide_units([arm(30, failed=30)], unlike, to_everybody=False) is Move.WAIT
    assert decide_units([arm(30, failed=5)], alike, to_everybody=False) is Move.NEXT
    assert decide_units([arm(30, failed=5)], alike) is Move.WAIT, "one is too few for everybody"


def test_a_release_that_few_units_have_goes_nowhere_while_it_looks_bad() -> None:
    usual, bad = arm(30, failed=4), arm(30, failed=30)
    found = compare([stratum([bad] * 2, [usual] * (LEAST_UNITS - 3))], margin=0.15)
    made = judge(found, is_due=True, to_everybody=False)
    assert made.move is Move.WAIT and "of too few units to tell" in made.why
    fine = compare([stratum([usual], [usual] * 4)], margin=0.15)
    assert judge(fine, is_due=True, to_everybody=False).move is Move.NEXT
    assert judge(fine, is_due=True, to_everybody=True).move is Move.WAIT


def test_units_of_one_task_are_as_single_tasks() -> None:
    """The difference is that of the means, and the variance about that of as many independent tasks."""
    step = [
        UnitTally(unit=str(number), is_new=number < 200, tasks=1, mean=float(number % 4 == 0))
        for number in range(400)
    ]
    found = compare_units([step], spread=0.1875)
    assert found is not None and (found.new, found.rest) == (200, 200)
    assert found.difference == pytest.approx(0.0)
    assert found.variance == pytest.approx(2 * 0.1875 / 200, rel=0.02)


def test_a_unit_that_counts_at_several_steps_is_not_counted_as_several() -> None:
    def make_step(change: float) -> list[UnitTally]:
        return [
            UnitTally(unit=str(n), is_new=n < 8, tasks=50, mean=0.1 * (n % 4) + change) for n in range(16)
        ]

    once = compare_units([make_step(0.0)], spread=0.1)
    thrice = compare_units([make_step(0.0), make_step(0.1), make_step(0.2)], spread=0.1)
    assert once is not None and thrice is not None
    assert thrice.variance == pytest.approx(once.variance, rel=0.01)


def test_figures_add_up() -> None:
    dice = random.Random(2)
    costs = [dice.lognormvariate(0, 1) for _ in range(100)]

    def read(part: list[float]) -> ArmFigures:
        mean = sum(part) / len(part)
        variance = sum((each - mean) ** 2 for each in part) / (len(part) - 1) if len(part) > 1 else 0.0
        return ArmFigures(tasks=len(part), failed=1, usd=mean, usd_variance=variance)

    parts = [read(costs[:1]), read(costs[1:60]), read(costs[60:]), ArmFigures()]
    whole, added = read(costs), add_figures(parts)
    assert (added.tasks, added.failed) == (100, 3) and add_figures([]) == ArmFigures()
    assert (added.usd, added.usd_variance) == pytest.approx((whole.usd, whole.usd_variance))


def test_releases_by_repository_that_change_nothing_are_not_stopped() -> None:
    for huge in (False, True):
        played = play_many(REST, 12, a_day=100, every=100, huge=huge)
        assert sum(each.through is False for each in played) <= 1
    everything = play_many(Variant(failed=1.0), 8, a_day=100, every=100, huge=True)
    assert not any(each.through for each in everything)
