"""What is used is counted, and limits are named when they are reached."""

from __future__ import annotations

import pytest

from bot.agent.limits import Meter
from bot.domain import Limits, Usage


class Clock:
    """Time that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (Usage(), ""),
        (Usage(turns=60), "60 turns"),
        (Usage(seconds=1800), "1800 seconds"),
        (Usage(usd=5.01), "5.00 dollars"),
        (Usage(input_tokens=1_500_000, output_tokens=500_000), "2000000 tokens"),
    ],
)
def test_the_limit_that_is_reached_is_named(used: Usage, said: str) -> None:
    reached = Meter(Limits(), used, clock=Clock()).find_reached_limit()
    assert bool(reached) == bool(said)
    assert said in reached


def test_a_budget_of_nothing_allows_only_what_is_free() -> None:
    meter = Meter(Limits(usd=0))
    meter.add(Usage(turns=1))
    assert not meter.find_reached_limit()
    meter.add(Usage(turns=1, usd=0.01))
    assert "0.00 dollars" in meter.find_reached_limit()


def test_time_goes_on_between_calls_and_counts_once() -> None:
    clock = Clock()
    meter = Meter(Limits(seconds=10), Usage(seconds=4, turns=2), clock=clock)
    meter.add(Usage(turns=1, seconds=3))
    clock.now += 3
    assert meter.used == Usage(turns=3, seconds=7)
    assert meter.seconds_left == 3
    clock.now += 9
    assert meter.seconds_left == 0
    assert "10 seconds" in meter.find_reached_limit()
