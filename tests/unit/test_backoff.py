"""The one rule for pauses between tries."""

from __future__ import annotations

from bot.backoff import compute_backoff


def test_each_pause_is_twice_the_last_up_to_the_longest() -> None:
    assert [compute_backoff(n, first=0.5, longest=3.0) for n in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert compute_backoff(0, first=0.5) == 0.5
    assert compute_backoff(10**6, first=1.0, longest=60.0) == 60.0


def test_pauses_are_spread() -> None:
    seen = {compute_backoff(3, first=1.0, spread=0.25) for _ in range(200)}
    assert len(seen) > 100
    assert all(3.0 <= each <= 5.0 for each in seen)
