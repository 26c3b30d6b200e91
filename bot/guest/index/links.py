"""Who refers to whom: a file that uses a name is bound to the file that defines it, both ways.

A name counts the more the fewer files define it and use it; one that many define says nothing.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence

from . import words

MOST_DEFINERS = 3
MOST_USERS = 60
MOST_LINKS = 24  # of one file
_SHORTEST = 4


class Links:
    """Gathers definitions, then finds the links from the postings of their names."""

    def __init__(self) -> None:
        self._definers: dict[str, set[int]] = {}

    def define(self, number: int, names: Sequence[str]) -> None:
        """File ``number`` defines these names."""
        for name in names:
            term = words.fold(name)
            if (
                len(term) >= _SHORTEST
                and len(known := self._definers.setdefault(term, set())) <= MOST_DEFINERS
            ):
                known.add(number)

    def pack_strongest(self, postings: Mapping[str, bytes]) -> Iterator[tuple[bytes, int]]:
        """The strongest links of each file, packed, with the file's number."""
        weights: dict[int, dict[int, float]] = {}
        for term, definers in self._definers.items():
            if len(definers) > MOST_DEFINERS:
                continue
            users = array("I")
            users.frombytes(postings.get(term, b""))
            if not 1 < len(users) <= MOST_USERS:
                continue
            weight = 1.0 / (len(definers) * len(users))
            for user in {packed >> 14 for packed in users} - definers:
                for definer in definers:
                    for one, other in ((user, definer), (definer, user)):
                        row = weights.setdefault(one, {})
                        row[other] = row.get(other, 0.0) + weight
        for number, row in weights.items():
            total = sum(row.values())
            best = sorted(row.items(), key=lambda item: (-item[1], item[0]))[:MOST_LINKS]
            yield b"".join(struct.pack("<If", other, weight / total) for other, weight in best), number

    @staticmethod
    def unpack(blob: bytes | None) -> list[tuple[int, float]]:
        """Links as ``pack_strongest`` packed them."""
        return list(struct.iter_unpack("<If", blob or b""))
