"""What Hob remarked on a line, and what it remarked before: the same remark is made once.

A finding's identity stands in its comment's hidden mark: the path, the line's text, and the text around it,
each without white space, as hashes. Lines move and get indented from push to push; their text stays.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from bot.domain import ChangeKind, ChangeSet, Note
from bot.github.graphql.review_threads import SeenThread
from bot.text.defuse import defuse
from bot.text.fit import MARK

SAME_TEXT = 0.9  # how alike two remarks are that say the same wherever they stand in a file
ALIKE_TEXT = 0.5  # and two on the same line of code
_KEY = re.compile(r"hob:note:([0-9a-f]{8}):([0-9a-f]{12}):([0-9a-f]{12}) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFinding:
    """Where something was found, as hashes, and the text about it."""

    path: str
    line: str
    around: str
    text: str

    @property
    def key(self) -> str:
        """The text of the comment's hidden mark."""
        return f"note:{self.path}:{self.line}:{self.around}"

    def is_same(self, other: ReviewFinding) -> bool:
        """Whether two findings are one, although the code or the text changed a little."""
        if self.path != other.path:
            return False
        alike = _measure_likeness(self.text[:2000], other.text[:2000])
        here = self.around == other.around or self.line == other.line
        return alike >= (ALIKE_TEXT if here else SAME_TEXT)


def identify_finding(note: Note, changes: ChangeSet) -> ReviewFinding:
    """The identity of a note on a line of the changed tree."""
    lines = _lines(changes, note.path) or []
    near = [_remove_space(text) for text in lines[max(0, note.line - 2) : note.line + 1]]
    at = _remove_space(lines[note.line - 1]) if 0 < note.line <= len(lines) else ""
    return ReviewFinding(
        path=_hash(note.path, 8),
        line=_hash(at),
        around=_hash("\n".join(near)),
        text=_squeeze_space(defuse(note.text)),
    )


def parse_finding(thread: SeenThread) -> ReviewFinding | None:
    """The finding that a review thread of the bot's own began with."""
    first = thread.remarks[0] if thread.remarks else None
    found = _KEY.search(first.body) if first and first.own else None
    if first is None or found is None:
        return None
    path, line, around = found.groups()
    return ReviewFinding(path=path, line=line, around=around, text=_squeeze_space(MARK.sub("", first.body)))


def select_new(notes: Iterable[Note], changes: ChangeSet, threads: Sequence[SeenThread]) -> list[Note]:
    """The notes that were not made before: not where they are open, settled, or were dismissed."""
    before = [one for one in map(parse_finding, threads) if one is not None]
    fresh: list[Note] = []
    for note in notes:
        this = identify_finding(note, changes)
        if not any(this.is_same(one) for one in before):
            before.append(this)
            fresh.append(note)
    return fresh


def find_settled(changes: ChangeSet, threads: Sequence[SeenThread]) -> list[SeenThread]:
    """The bot's open findings whose line the change took out of its file."""
    return [
        thread
        for thread in threads
        if not thread.resolved
        and (one := parse_finding(thread)) is not None
        and _is_gone(one, thread.path, changes)
    ]


def _is_gone(one: ReviewFinding, path: str, changes: ChangeSet) -> bool:
    if not any(file.path == path for file in changes.files):
        return False
    return one.line not in {_hash(_remove_space(text)) for text in _lines(changes, path) or []}


def _lines(changes: ChangeSet, path: str) -> list[str] | None:
    """A changed file's lines as they are now, None when it is deleted or not part of the change."""
    for file in changes.files:
        if file.path == path and file.kind is not ChangeKind.DELETED:
            return file.data.decode("utf-8", "replace").splitlines()
    return None


def _measure_likeness(one: str, two: str) -> float:
    """How alike two texts are, from 0 to 1, by the pairs of neighbouring characters that both have (Dice).

    In time that grows with the texts' length alone: difflib takes a second for two texts of 2,000 letters a.
    """
    first, second = _count_pairs(one), _count_pairs(two)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else float(one == two)


@lru_cache(maxsize=512)
def _count_pairs(text: str) -> Counter[str]:
    return Counter(map("".join, pairwise(text)))


def _remove_space(text: str) -> str:
    return "".join(text.split())


def _squeeze_space(text: str) -> str:
    return " ".join(text.split())


def _hash(text: str, length: int = 12) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
