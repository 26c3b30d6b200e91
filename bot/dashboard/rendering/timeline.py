"""How long a run spent in which phase, from the times at which its phases began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A phase of a run, in seconds; ``share`` is its part of the whole run, from 0 to 1."""

    name: str
    seconds: float
    share: float
    running: bool


def list_spans(run: Mapping[str, Any]) -> list[Span]:
    """The phases in their order; empty for a run of an older version, which stored no times.

    ``seconds`` of the run is how long it has taken so far.
    """
    began = [(str(each["phase"]), datetime.fromisoformat(each["at"])) for each in run["timeline"] or []]
    if not began:
        return []
    end = run["ended_at"] or run["started_at"] + timedelta(seconds=float(run["seconds"]))
    points = [("start", run["started_at"]), *began, ("", end)]
    whole = max(0.001, (end - run["started_at"]).total_seconds())
    spans = []
    for (name, at), (_, until) in pairwise(points):
        seconds = max(0.0, (until - at).total_seconds())
        last = until is end and run["ended_at"] is None
        spans.append(Span(name=name, seconds=seconds, share=min(1.0, seconds / whole), running=last))
    return spans
