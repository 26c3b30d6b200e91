"""All moves of the hostile model."""

from __future__ import annotations

from bot.redteam import arguments, outside
from bot.redteam.move import Move, Surroundings
from tests.attack.model import proofs, publishing, secrets


def list_moves(around: Surroundings) -> list[Move]:
    """Every move, in the order in which they are played."""
    rooms = (arguments, outside, publishing, secrets, proofs)
    return [move for room in rooms for move in room.list_moves(around)]
