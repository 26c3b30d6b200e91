"""What an attack is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.attack.arena import Arena

Judged = Callable[["Arena"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """An attack and its twin.

    Both are Python for ``inside.py``, or coroutines that judge from outside. Each ends well or raises: an
    attack ends well when it was refused in the way it should be, a twin when it worked.
    """

    family: str
    name: str
    attack: str | Judged
    twin: str | Judged


def each(family: str, twin: str, attacks: Iterable[tuple[str, str]]) -> list[Case]:
    """Cases of a family that share a twin: (name, attack)."""
    return [Case(family, name, attack, twin) for name, attack in attacks]
