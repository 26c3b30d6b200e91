"""A search as it is typed: words, and qualifiers such as ``label:bug``."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from localhub.errors import invalid

# What may stand before a colon; anything else with one is a word.
QUALIFIERS = frozenset(
    """
    archived assignee author base closed comments commenter created draft head in involves is label language
    linked mentions merged milestone no org repo review review-requested state type updated user
    """.split()  # noqa: SIM905
)


@dataclass(slots=True)
class Query:
    """A search as it was typed: words, and what each qualifier asks for, or rules out (``-label:bug``)."""

    words: list[str] = field(default_factory=list)
    asked: dict[str, list[str]] = field(default_factory=dict)
    ruled_out: dict[str, list[str]] = field(default_factory=dict)

    def all(self, name: str) -> list[str]:
        """The values of a qualifier."""
        return self.asked.get(name, [])


def read_query(text: str) -> Query:
    """The words and qualifiers of a search. Raises 422 for one without anything."""
    query = Query()
    try:
        parts = shlex.split(text)
    except ValueError:
        parts = text.split()
    for part in parts:
        name, colon, value = part.lower().partition(":")
        negated = name.startswith("-")
        if colon and value and name.removeprefix("-") in QUALIFIERS:
            into = query.ruled_out if negated else query.asked
            into.setdefault(name.removeprefix("-"), []).append(value)
        else:
            query.words.append(part.lower())
    if not parts:
        raise invalid("Search", "q", "missing")
    return query
