"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import math
import random

_MOST_DOUBLINGS = 60  # longer than any wait, and a float can hold it


def compute_backoff(failures: int, *, first: float, longest: float = math.inf, spread: float = 0.0) -> float:
    """Seconds to wait after that many failures in a row: ``first``, doubled each time, at most ``longest``.

    ``spread`` 0.25 makes it up to a quarter shorter or longer, so that many callers that failed together do
    not return together.
    """
    seconds = min(longest, first * 2.0 ** min(max(failures, 1) - 1, _MOST_DOUBLINGS))
    return seconds * random.uniform(1.0 - spread, 1.0 + spread)  # noqa: S311  no security rests on it
