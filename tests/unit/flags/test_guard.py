"""The guard of a release: what it takes for worse, and how often it errs."""

from __future__ import annotations

import random

import pytest

from benchmarks.guard_check import REST, VARIANTS, Variant, play_many
from bot.flags.guard import ArmFigures, Move, Stratum, compare, judge


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
