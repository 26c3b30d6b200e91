"""The pace on a simulated clock: two hours of writing, and limits that say nothing about themselves."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from bot.errors import Parked
from bot.github.http.pace import Pace
from bot.github.http.responses import Limit


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class Warp(asyncio.SelectorEventLoop):
    """A loop on whose clock a sleep costs no time: what would be waited for is skipped."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = 0.0
        self._real_select = self._selector.select  # type: ignore[attr-defined]
        self._selector.select = self._skip  # type: ignore[attr-defined]

    def _skip(self, timeout: float | None) -> object:
        self._ahead += timeout or 0.0
        return self._real_select(0)

    def time(self) -> float:
        return super().time() + self._ahead


def most_within(times: list[tuple[float, float]], span: float) -> float:
    """The most that was spent in any ``span`` seconds; ``times`` are (when, how much), in order."""
    first, spent, most = 0, 0.0, 0.0
    for when, cost in times:
        spent += cost
        while times[first][0] <= when - span:
            spent -= times[first][1]
            first += 1
        most = max(most, spent)
    return most


async def two_hours() -> dict[str, list[tuple[float, float]]]:
    """Ten writers that never rest and, for a while, forty readers: what came to GitHub, and when."""
    loop = asyncio.get_running_loop()
    pace = Pace(clock=loop.time, sleep=asyncio.sleep)
    end, inside = loop.time() + 7200, 0
    came: dict[str, list[tuple[float, float]]] = {"creates": [], "writes": [], "points": [], "inside": []}

    async def ask(write: bool, creates: bool) -> None:
        nonlocal inside
        try:
            async with pace.turn(write=write, resource="core", creates=creates):
                inside += 1
                now = loop.time()
                came["points"].append((now, 5 if write else 1))
                came["inside"].append((now, inside))
                for name, counts in (("writes", write), ("creates", creates)):
                    if counts:
                        came[name].append((now, 1))
                await asyncio.sleep(0.12)
                inside -= 1
        except Parked as parked:
            await asyncio.sleep(parked.after)

    async def keep_asking(write: bool, creates: bool, until: float) -> None:
        while loop.time() < until:
            await ask(write, creates)

    async with asyncio.TaskGroup() as tasks:
        for number in range(10):
            tasks.create_task(keep_asking(True, number < 5, end))
        for _ in range(40):
            tasks.create_task(keep_asking(False, False, loop.time() + 300))
    return came


def test_s32_two_hours_of_writes_stay_within_githubs_bounds() -> None:
    with asyncio.Runner(loop_factory=Warp) as runner:
        came = runner.run(two_hours())
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(came["writes"])]
    assert min(gaps) >= 1.0
    assert most_within(came["creates"], 60) <= 80
    assert most_within(came["creates"], 3600) <= 500
    assert most_within(came["points"], 60) <= 900
    assert max(count for _, count in came["inside"]) <= 10
    assert len(came["creates"]) > 900, "it waits longer than GitHub asks"
    assert len(came["writes"]) > 5000
    assert most_within(came["points"], 60) > 700


async def test_s30_unexplained_limits_double_and_ease() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    waits = []
    for _ in range(4):
        pace.note_limit(Limit("*", None))
        with pytest.raises(Parked) as parked:
            async with pace.turn(write=False, resource="core"):
                pass
        waits.append(parked.value.after)
        clock.now += parked.value.after
    assert waits == [60, 120, 240, 480]
    pace.note_success()
    pace.note_limit(Limit("*", None))
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 60


async def test_requests_that_run_into_one_limit_together_count_once() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    for _ in range(5):
        pace.note_limit(Limit("*", None))
    pace.note_success()  # one that had left before
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 60
    clock.now += 60
    pace.note_limit(Limit("*", None))
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 120


async def test_an_empty_bucket_leaves_the_other_one_open() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    pace.note_limit(Limit("graphql", 600))
    async with pace.turn(write=False, resource="core"):
        pass
    with pytest.raises(Parked):
        async with pace.turn(write=False, resource="graphql"):
            pass


async def test_a_shorter_limit_does_not_shorten_a_longer_one() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    pace.note_limit(Limit("*", 300))
    pace.note_limit(Limit("*", 5))
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
    async with asyncio.timeout(30), pace.turn(write=True, resource="core"):
        pass


async def test_s30_a_limit_without_an_end_is_none() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    pace.note_limit(Limit("*", 1e12))
    with pytest.raises(Parked) as parked:
        async with pace.turn(write=False, resource="core"):
            pass
    assert parked.value.after == 86400


async def test_what_can_be_spared_is_spared_before_the_hour_is_used_up() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    for _ in range(380):
        async with pace.turn(write=True, resource="core", creates=True):
            assert not pace.is_crowded()
    async with pace.turn(write=True, resource="core", creates=True):
        pass
    assert pace.is_crowded(), "a hundred are left of the hour's 480"
    clock.now += 3601
    assert not pace.is_crowded()
    pace.note_limit(Limit("*", 30.0))
    assert pace.is_crowded()
    assert not Pace(write_spacing=0).is_crowded()
