import asyncio

import pytest
from courier.breaker import Breaker, Open


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def good():
    return 1


async def bad():
    raise OSError("down")


def call(breaker, action):
    return asyncio.run(breaker.call(action))


def broken(clock, failures=2):
    breaker = Breaker(failures, 60, clock)
    for _ in range(failures):
        with pytest.raises(OSError):
            call(breaker, bad)
    return breaker


def test_it_opens_after_failures_in_a_row():
    breaker = broken(Clock())
    assert breaker.state == "open"
    with pytest.raises(Open, match="again in 60 s"):
        call(breaker, good)


def test_a_success_in_between_counts_from_the_start():
    breaker = Breaker(2, 60, Clock())
    for action in (bad, good, bad):
        if action is good:
            assert call(breaker, action) == 1
        else:
            with pytest.raises(OSError):
                call(breaker, action)
    assert breaker.state == "closed"


def test_one_try_after_the_rest():
    clock = Clock()
    breaker = broken(clock)
    clock.now = 60.0
    assert breaker.state == "half-open"
    assert call(breaker, good) == 1
    assert breaker.state == "closed"


def test_a_failed_try_opens_it_again():
    clock = Clock()
    breaker = broken(clock)
    clock.now = 61.0
    with pytest.raises(OSError):
        call(breaker, bad)
    assert breaker.state == "open"
    clock.now = 100.0
    assert breaker.state == "open"
    clock.now = 121.0
    assert breaker.state == "half-open"
