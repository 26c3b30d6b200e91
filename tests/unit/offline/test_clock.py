"""The clocks of the two searches: what a busy machine takes from them is not counted, and they end."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from bot.guest.mend import clock
from bot.guest.mend_js import clock as js_clock
from bot.offline import engine


@pytest.mark.parametrize("which", [clock, js_clock])
def test_it_never_runs_ahead_of_the_real_time_nor_back(which: Any) -> None:
    before, began = which.read_seconds(), time.monotonic()
    busy = subprocess.Popen(("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"))
    which.watch(busy.pid)
    readings = [which.read_seconds() for _ in range(50)]
    busy.wait()
    which.leave(*((busy.pid, 0.0) if which is clock else (busy.pid,)))
    passed = time.monotonic() - began
    assert readings == sorted(readings)
    assert 0.0 <= readings[-1] - before <= passed


def test_what_ended_processes_waited_is_left_out_and_it_goes_on() -> None:
    before, began = clock.read_seconds(), time.monotonic()
    clock.leave(0, 1e6)
    after = clock.read_seconds()
    clock.leave(0, -1e6)
    assert before <= after <= before + time.monotonic() - began


def test_the_kernel_tells_how_long_a_process_waited_and_nothing_of_one_that_is_gone() -> None:
    waited = clock.read_waiting("self")
    assert waited is None or waited >= 0.0
    with subprocess.Popen(("true",)) as gone:
        pass
    assert clock.read_waiting(gone.pid) is None


@pytest.mark.parametrize("frozen", [False, True])
def test_a_loop_without_an_end_is_left(frozen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a test has replaced what tells the time."""

    class Rang(BaseException):
        pass

    def ring() -> None:
        raise Rang

    if frozen:
        monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    with pytest.raises(Rang), clock.ring_after(0.02, ring):
        while True:
            pass


@pytest.mark.parametrize("which", [clock, js_clock])
@pytest.mark.parametrize(
    ("most", "suite", "given"), [(48.0, 0.5, 48.0), (48.0, 5.0, 36.0), (48.0, 60.0, 20.0), (10.0, 60.0, 10.0)]
)
def test_slow_tests_leave_less_for_the_search(which: Any, most: float, suite: float, given: float) -> None:
    assert which.allot_seconds(most, suite) == given


def test_the_engine_waits_for_the_slowest_clock() -> None:
    assert clock.SLOWEST == js_clock.SLOWEST == engine.MOST_REAL
