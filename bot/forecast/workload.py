"""What one task asks for, as stated or as measured, and when tasks come."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from statistics import NormalDist, fmean
from typing import Any

from bot.errors import HobError

# Working hours of one time zone, with little at night: the share of a day's tasks by hour, UTC.
OFFICE = (1, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 7, 6, 7, 8, 8, 7, 6, 4, 3, 2, 2, 1, 1)
_TURNS_MEDIAN, _TURNS_SPREAD, _MOST_TURNS = 16.0, 0.6, 60


class ForecastError(HobError):
    """A load or a value cannot be forecast; the message names it and says how to mend it."""


def _spread_turns() -> tuple[int, ...]:
    """A lognormal sample at even quantiles, bounded by the default budget of a task."""
    quantiles = [NormalDist().inv_cdf((n + 0.5) / 40) for n in range(40)]
    return tuple(
        max(1, min(_MOST_TURNS, round(_TURNS_MEDIAN * math.exp(_TURNS_SPREAD * z)))) for z in quantiles
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a task asks for: means, but for ``turns``, a sample. Times in seconds.

    The defaults are assumptions for a model of a provider and a repository with a test suite of half a
    minute, but for ``own_cpu`` (`make bench-throughput`), ``creating`` (docs/github.md). ``origin`` says of
    what was measured from how many tasks; everything else is a default or was set.

    ``first_token`` is the time until a model's answer begins, ``tokens_per_second`` how fast it goes on.
    ``tool`` is what a turn's tools take, ``prepare`` and ``prove`` what these phases take, all of it mostly
    computing in sandboxes: ``busy`` of the time. ``own_cpu`` is what Hob's own processes compute for a task.
    ``creating`` are requests to GitHub that create content, ``writes`` all that write. ``usd`` is the price.
    """

    turns: tuple[int, ...] = field(default_factory=_spread_turns)
    input_tokens: float = 24_000.0  # of a turn, most of them cached
    output_tokens: float = 600.0  # of a turn
    first_token: float = 1.5
    tokens_per_second: float = 60.0
    tool: float = 3.0  # of a turn
    prepare: float = 8.0
    prove: float = 40.0
    busy: float = 0.8
    own_cpu: float = 2.3
    creating: float = 5.0
    writes: float = 10.0
    usd: float = 0.60
    hours: tuple[float, ...] = OFFICE
    origin: Mapping[str, str] = field(default_factory=dict)

    @property
    def mean_turns(self) -> float:
        """Turns of a task."""
        return fmean(self.turns)

    @property
    def model_turn(self) -> float:
        """Seconds of one call to the model."""
        return self.first_token + self.output_tokens / self.tokens_per_second

    @property
    def tokens(self) -> float:
        """Tokens of a task, in and out."""
        return self.mean_turns * (self.input_tokens + self.output_tokens)

    @property
    def cpu(self) -> float:
        """Processor seconds of a task."""
        in_sandboxes = self.prepare + self.prove + self.mean_turns * self.tool
        return self.own_cpu + self.busy * in_sandboxes

    @property
    def span(self) -> float:
        """Seconds from a task's claim to its end, when nothing is waited for."""
        work = self.prepare + self.prove + self.mean_turns * (self.model_turn + self.tool)
        return work + self.writes

    @property
    def busiest_hour(self) -> float:
        """The share of a day's tasks that come in its busiest hour."""
        return max(self.hours) / sum(self.hours)

    def change(self, name: str, text: str) -> Workload:
        """The same with one value as a person sets it. Raises ForecastError."""
        known = [each.name for each in fields(self) if each.type == "float"]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if name not in (*known, "turns") or not (math.isfinite(value) and value >= 0):
            raise ForecastError(f"--set NAME=NUMBER: NAME is turns or one of {', '.join(known)}")
        if name in ("turns", "tokens_per_second") and value <= 0:
            raise ForecastError(f"{name} is more than 0")
        made: dict[str, Any] = {name: (max(1, round(value)),) if name == "turns" else value}
        return replace(self, **made, origin={**self.origin, name: "set"})
