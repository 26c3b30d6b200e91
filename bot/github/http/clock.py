"""GitHub's clock, as its answers tell it: what is signed and what runs out is measured by it, not by ours.

A machine whose clock is wrong would otherwise sign JWTs that are over, or not yet valid, and take a token for
good that is not. Every answer has a ``Date`` (https://www.rfc-editor.org/rfc/rfc9110#name-date).
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time

TOLERANCE = 5.0  # seconds of difference that the way of an answer explains


class ServerClock:
    """How far GitHub's clock is ahead of this machine's; 0 until an answer says otherwise."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def note(self, date: str) -> None:
        """Take in an answer's ``Date``; one that cannot be read is left out."""
        try:
            ahead = parsedate_to_datetime(date).timestamp() - time()
        except ValueError:
            return
        self._ahead = ahead if abs(ahead) > TOLERANCE else 0.0

    def now(self) -> float:
        """Seconds since 1970 on GitHub's clock."""
        return time() + self._ahead
