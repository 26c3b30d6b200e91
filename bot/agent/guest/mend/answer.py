"""What a search comes to: the changes that were tried, and the one that is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from .candidates import Candidate


@dataclass(slots=True, kw_only=True)
class Answer:
    """A change that was tried: which failing tests it turned, and whether that is all of them."""

    parts: tuple[Candidate, ...]
    turned: set[str]
    full: bool
    score: float
    cold: bool = False  # shown by fresh imports only


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a search did."""

    tried: int = 0
    hung: int = 0
    unfit: int = 0
    cold: int = 0
    answers: list[Answer] = field(default_factory=list)
    partial: list[Answer] = field(default_factory=list)
    exhausted: bool = False
