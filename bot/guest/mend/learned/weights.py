"""The learned order: weights of features, in a file of JSON, and candidates ranked by them.

The model is log-linear: a candidate's chance is proportional to the exponential of its weighted features, as
in D. McFadden, "Conditional logit analysis of qualitative choice behavior", 1974. It is learned on the host
(``bot/tune``); here it only adds numbers up, since this program runs where no library is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..candidates import Candidate
from ..localise import Findings
from ..site import Clues
from .features import FeatureReader

VERSION = 1
SHIPPED = Path(__file__).with_name("weights.json")
OWN = Path("/opt/hob/tuned/weights.json")  # what `hob tune` wrote, where the operator has it


def rank_candidates(
    candidates: Sequence[Candidate],
    findings: Findings,
    clues: Clues,
    request: str,
    weights: Mapping[str, float],
) -> list[Candidate]:
    """The likeliest first, with their chances as scores, 1.0 for the best; without weights as they came."""
    if not weights:
        return sorted(candidates, key=lambda each: -each.score)
    reader = FeatureReader(findings, clues, request)
    sums = [
        sum(weights.get(name, 0.0) * value for name, value in reader.read(each).items())
        for each in candidates
    ]
    most = max(sums, default=0.0)
    scored = [
        replace(each, score=math.exp(total - most)) for each, total in zip(candidates, sums, strict=True)
    ]
    return sorted(scored, key=lambda each: -each.score)


def load_weights(own: Path = OWN, shipped: Path = SHIPPED) -> dict[str, float]:
    """The operator's own weights where there are some that can be read, else those that came with Hob."""
    for path in (own, shipped):
        try:
            data = json.loads(path.read_text("utf-8"))
            if data["version"] == VERSION:
                return {str(name): float(value) for name, value in data["weights"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}
