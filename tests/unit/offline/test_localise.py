"""Which lines are under suspicion: not those that run once for a whole process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.guest.mend.baseline import run_baseline, start_server, trace_tests
from bot.guest.mend.forkserver.line_tracer import MISSED, LineTracer
from bot.guest.mend.localise import localise

SOURCE = """_rates = None


def load():
    found = {}
    found["a"] = 2
    found["b"] = 3
    return found


def get_rates():
    global _rates
    if _rates is None:
        _rates = load()
    return _rates


def price(kind, count):
    rate = get_rates()[kind]
    return rate + count
"""
TESTS = """import pytest

import m


def test_wrong():
    assert m.price("b", 3) == 9


@pytest.mark.parametrize("_", range(4))
def test_right_by_luck(_):
    assert m.price("a", 2) == 4
"""


def test_what_the_first_test_of_a_process_runs_is_no_suspect(tmp_path: Path) -> None:
    """A cache is filled in the failing test, which runs alone, and in the first of those that pass."""
    root, scratch = tmp_path / "repo", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    (root / "m.py").write_text(SOURCE)
    (root / "test_m.py").write_text(TESTS)
    server = start_server(root, "pytest -q", scratch, 60.0)
    try:
        base = run_baseline(server, 30.0)
        trace_tests(server, base, 30.0)
    finally:
        server.close()
    assert {line for _, line in base.once} >= {5, 6, 7, 8, 14}
    scores = {each.line: each.score for each in localise(root, base, "").suspects}
    assert scores[20] == 1.0
    assert max(scores[line] for line in (5, 6, 7, 8, 14)) < 0.9


def meant() -> int:
    return 1


def other() -> int:
    return 2


@pytest.mark.parametrize(("before", "seen"), [(MISSED - 1, True), (MISSED + 1, False)])
def test_a_test_that_runs_other_functions_all_the_time_is_no_longer_watched(before: int, seen: bool) -> None:
    file = str(Path(__file__).resolve())
    tracer = LineTracer(str(Path(__file__).parent), only={(file, meant.__code__.co_firstlineno)})
    kept = sys.gettrace()
    tracer.start()
    try:
        for _ in range(before):
            other()
        meant()
    finally:
        tracer.stop()
        sys.settrace(kept)
    assert (file in tracer.lines) == seen
    assert other() == 2
