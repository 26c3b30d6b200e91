"""Whether a run may go on: turns, time, money and tokens, checked before each call to the model."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.domain import Limits, Usage

_LAST_TURNS = 3


def add_usage(first: Usage, second: Usage) -> Usage:
    """The sum of two usages."""
    return Usage(
        turns=first.turns + second.turns,
        input_tokens=first.input_tokens + second.input_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        cached_tokens=first.cached_tokens + second.cached_tokens,
        usd=first.usd + second.usd,
        seconds=first.seconds + second.seconds,
    )


class Meter:
    """What is used so far of what is allowed. ``used.seconds`` is wall time, earlier attempts included."""

    def __init__(
        self, limits: Limits, used: Usage | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._used = used or Usage()
        self._clock = clock
        self._since = clock()

    @property
    def used(self) -> Usage:
        """Everything used up to now."""
        return add_usage(self._used, Usage(seconds=self._clock() - self._since))

    @property
    def seconds_left(self) -> float:
        """Wall time that is left, never negative."""
        return max(0.0, self._limits.seconds - self.used.seconds)

    def add(self, usage: Usage) -> None:
        """Count a call; its seconds are part of the wall time already."""
        self._used = add_usage(
            self._used,
            Usage(
                turns=usage.turns,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cached_tokens=usage.cached_tokens,
                usd=usage.usd,
            ),
        )

    def find_reached_limit(self) -> str:
        """Which limit forbids another call, as a sentence; empty while none is reached."""
        used, limits = self.used, self._limits
        if used.turns >= limits.turns:
            return f"the limit of {limits.turns} turns is reached"
        if used.seconds >= limits.seconds:
            return f"the limit of {limits.seconds:.0f} seconds is reached"
        if used.usd >= limits.usd and used.usd > 0:
            return f"the limit of {limits.usd:.2f} dollars is reached"
        if used.input_tokens + used.output_tokens >= limits.tokens:
            return f"the limit of {limits.tokens} tokens is reached"
        return ""

    def warn_of_last_turns(self) -> str:
        """A warning for the model when three turns are left; else empty."""
        if self._limits.turns > 2 * _LAST_TURNS and self._used.turns == self._limits.turns - _LAST_TURNS:
            return f"Only {_LAST_TURNS} turns are left. Bring the work to a good state and call finish."
        return ""
