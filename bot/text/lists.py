"""Long lists in texts: the first items, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence


def join_first(names: Sequence[str], most: int) -> str:
    """The first ``most`` names on one line, and how many are left out: ``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
