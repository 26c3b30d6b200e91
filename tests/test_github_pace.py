"""The pace on a simulated clock: two hours of writing, and limits that say nothing about themselves."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from bot.errors import Parked
from bot.github.answers import Limit
from bot.github.pace import Pace


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


async def test_s32_two_hours_of_writes_stay_within_githubs_bounds() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    written: list[float] = []
    end = clock.now + 7200
    while clock.now < end:
        try:
            async with pace.turn(write=True, resource="core"):
                written.append(clock.now)
        except Parked as parked:
            clock.now += parked.after
    gaps = [later - earlier for earlier, later in pairwise(written)]
    assert min(gaps) >= 1.0
    for span, most in ((60, 80), (3600, 500)):
        assert max(sum(1 for t in written if start <= t < start + span) for start in written) <= most
    assert len(written) > 900


async def test_s30_unexplained_limits_double_and_ease() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    waits = []
    for _ in range(4):
        pace.limited(Limit("*", None))
        with pytest.raises(Parked) as parked:
            async with pace.turn(write=False, resource="core"):
                pass
        waits.append(parked.value.after)
        clock.now += parked.value.after
    assert waits == [60, 120, 240, 480]
    pace.eased()
    pace.limited(Limit("*", None))
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 60


async def test_requests_that_run_into_one_limit_together_count_once() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    for _ in range(5):
        pace.limited(Limit("*", None))
    pace.eased()  # one that had left before
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 60
    clock.now += 60
    pace.limited(Limit("*", None))
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 120


async def test_an_empty_bucket_leaves_the_other_one_open() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    pace.limited(Limit("graphql", 600))
    async with pace.turn(write=False, resource="core"):
        pass
    with pytest.raises(Parked):
        async with pace.turn(write=False, resource="graphql"):
            pass


async def test_a_shorter_limit_does_not_shorten_a_longer_one() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    pace.limited(Limit("*", 300))
    pace.limited(Limit("*", 5))
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 300


async def test_at_most_ten_requests_at_once() -> None:
    pace = Pace()
    inside = most = 0

    async def one() -> None:
        nonlocal inside, most
        async with pace.turn(write=False, resource="core"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(40)))
    assert most == 10


async def test_a_cancelled_request_gives_its_turn_back() -> None:
    pace = Pace(write_spacing=0)
    entered = asyncio.Event()

    async def hang() -> None:
        async with pace.turn(write=True, resource="core"):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await entered.wait()
    task.cancel()
    await asyncio.wait({task})
    async with asyncio.timeout(1), pace.turn(write=True, resource="core"):
        pass
