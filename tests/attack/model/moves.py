"""All moves of the hostile model."""

from __future__ import annotations

from tests.attack.model import arguments, outside, proofs, publishing, secrets
from tests.attack.model.move import Move, Surroundings


def list_moves(around: Surroundings) -> list[Move]:
    """Every move, in the order in which they are played."""
    rooms = (arguments, outside, publishing, secrets, proofs)
    return [move for room in rooms for move in room.list_moves(around)]
