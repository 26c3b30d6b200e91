"""Forms of known secrets, and finding them in texts whatever is between their characters.

They are searched by their windows of 12 characters: only every twelfth window of a text is looked up, so a
megabyte costs milliseconds, however many secrets there are. Pieces in any order are searched at every place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import log2

_WINDOW = 12
_CERTAIN = 2 * _WINDOW - 1  # a run this long always holds one aligned window
_ENOUGH = 20  # a shorter piece of a long secret may be chance
_ENOUGH_BITS = 56.0  # as may be one of few different characters: 20 binary digits are in any code
SHORTEST = 6  # anything shorter would tear up ordinary words
SHORTEST_BARE = 16  # of letters and digits alone: fewer may be ordinary words in a row
PIECE = 8  # of a secret that is scattered over texts: shorter ones are in any text by chance
_MOST_NEEDED = 64  # characters of a scattered secret; a long key's lines are known by themselves


class KnownForms:
    """Forms of known secrets, to be found in texts from which the same characters were taken out."""

    def __init__(self) -> None:
        self._windows: set[str] = set()
        self._short: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._windows or self._short)

    def add(self, form: str) -> None:
        """Learn one form."""
        if len(form) < _CERTAIN:
            self._short.add(form)
        else:
            self._windows |= {form[at : at + _WINDOW] for at in range(len(form) - _WINDOW + 1)}

    def remove(self, form: str) -> None:
        """Forget one form; of another one that shares a piece with it, that piece is forgotten too."""
        if len(form) < _CERTAIN:
            self._short.discard(form)
        else:
            self._windows -= {form[at : at + _WINDOW] for at in range(len(form) - _WINDOW + 1)}

    def is_in(self, squeezed: str) -> bool:
        """Whether any of them is in the text."""
        return next(self.regions(squeezed), None) is not None

    def regions(self, squeezed: str) -> Iterator[tuple[int, int]]:
        """The regions of known secrets in a text without gaps; may overlap."""
        for word in self._short:
            at = squeezed.find(word)
            while at >= 0:
                yield at, at + len(word)
                at = squeezed.find(word, at + len(word))
        windows, done = self._windows, 0
        for at in range(0, len(squeezed) - _WINDOW + 1, _WINDOW) if windows else ():
            if at < done or squeezed[at : at + _WINDOW] not in windows:
                continue
            start, last = at, at
            while start > 0 and squeezed[start - 1 : start - 1 + _WINDOW] in windows:
                start -= 1
            while squeezed[last + 1 : last + 1 + _WINDOW] in windows:
                last += 1
            done = last + _WINDOW
            if done - start >= _ENOUGH and _count_bits(squeezed[start:done]) >= _ENOUGH_BITS:
                yield start, done


def _count_bits(piece: str) -> float:
    """The most bits of information of a piece, by its number of different characters."""
    return len(piece) * log2(len(set(piece)))


class ScatteredForms:
    """Forms of known secrets, to be found in pieces that stand anywhere in texts, in any order."""

    def __init__(self) -> None:
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)  # by window: form, place in it
        self._needed: list[int] = []  # by form, how much of it is too much

    def add(self, bare: str) -> None:
        """Learn one form, of letters and digits alone."""
        if len(bare) < SHORTEST_BARE:
            return
        for at in range(len(bare) - PIECE + 1):
            self._places[bare[at : at + PIECE]].append((len(self._needed), at))
        most = max(_ENOUGH, min(_MOST_NEEDED, len(bare) * 6 // 10))
        self._needed.append(min(len(bare), most))

    def is_spelt(self, texts: Iterable[str]) -> bool:
        """Whether pieces of ``PIECE`` characters or more spell most of a secret; ``texts`` are bare."""
        covered: dict[int, set[int]] = defaultdict(set)
        places = self._places
        for text in texts if places else ():
            windows = (text[at : at + PIECE] for at in range(len(text) - PIECE + 1))
            for window in {each for each in windows if each in places}:
                for form, at in places[window]:
                    covered[form].update(range(at, at + PIECE))
        return any(len(there) >= self._needed[form] for form, there in covered.items())
