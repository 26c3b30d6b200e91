"""The statistics of a comparison: four short formulas, which is why no library is asked (scipy is 100 MB)."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z95 = 1.959963984540054  # the 97.5 % point of the normal distribution


def wilson(solved: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for a share of ``n``, (0, 1) when there is nothing.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    if n == 0:
        return 0.0, 1.0
    share = solved / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided exact p-value that two paired solvers differ, from the tasks that one of them solved.

    https://en.wikipedia.org/wiki/McNemar%27s_test#Variations (the exact binomial one)
    """
    n, least = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(least + 1)) / 2**n
    return min(1.0, 2.0 * float(tail))


def quantile(values: Sequence[float], at: float) -> float:
    """The quantile ``at`` (0 to 1), linear between neighbours as numpy's default is; 0.0 for no values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = at * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def pass_at(k: int, n: int, solved: int) -> float:
    """The chance that one of ``k`` attempts solves it, when ``solved`` of ``n`` did (without bias).

    Chen et al. 2021, https://arxiv.org/abs/2107.03374, section 2.1.
    """
    if not 0 < k <= n:
        raise ValueError(f"pass@{k} needs at least {k} attempts, there are {n}")
    return 1.0 - math.comb(n - solved, k) / math.comb(n, k)
