"""What a flag says to whom: rules by audience and percentage, decided without a database.

The nearest audience counts: the person, then a pilot list, the repository, the installation, everybody. Of
one audience a release that goes on counts before the rule. Whether somebody is among a percentage depends on
a hash of flag and name alone: a rising percentage only adds, a falling one only removes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.flags.known import FlagError, FlagValue

EVERYBODY = "all"
_AUDIENCE = re.compile(r"all|(?:installation|repository|person):[0-9]{1,18}|pilots:[a-z0-9][a-z0-9-]{0,40}")
_MEMBER = re.compile(r"(?:installation|repository|person):[0-9]{1,18}")


class Unit(StrEnum):
    """What a percentage counts: all of an installation is in or out, or all of a repository, and so on."""

    INSTALLATION = "installation"
    REPOSITORY = "repository"
    PERSON = "person"
    THREAD = "thread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a flag is asked about, by GitHub's numbers."""

    installation: int
    repository: int
    person: int
    thread: int

    def name_unit(self, unit: Unit) -> str:
        """The name of its ``unit``, which is hashed."""
        thread = f"{self.repository}#{self.thread}"
        return thread if unit is Unit.THREAD else str(getattr(self, unit.value))

    def list_names(self) -> tuple[str, ...]:
        """The audiences that it belongs to without lists of pilots, the nearest first."""
        return (
            f"person:{self.person}",
            f"repository:{self.repository}",
            f"installation:{self.installation}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRule:
    """A flag's ``value`` for ``percent`` of an audience; ``release`` is the number of one, else 0."""

    flag: str
    audience: str
    value: FlagValue
    percent: float = 100.0
    unit: Unit = Unit.REPOSITORY
    release: int = 0

    def includes(self, subject: Subject) -> bool:
        """Whether somebody of the audience is among the percentage."""
        salt = f"release {self.release}" if self.release else self.flag
        return compute_place(salt, subject.name_unit(self.unit)) < self.percent

    def explain(self, subject: Subject) -> str:
        """Why its value holds for somebody, as the end of a sentence that begins with the value."""
        what = f"the release of flag `{self.flag}`" if self.release else f"flag `{self.flag}`"
        if self.percent < 100:
            who = "you are" if self.unit is Unit.PERSON else f"this {self.unit.value} is"
            return f"since {who} in the {self.percent:g}% of {what}"
        return f"by {what}" + ("" if self.audience == EVERYBODY else f" for {self.audience}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a flag says to somebody. ``value`` is None where it says nothing, and ``why`` is then ''.

    ``release`` is the release that goes on for them, 0 for none, ``step`` its percentage, and ``taken``
    whether they got its value: else they are of the rest, that it is compared with.
    """

    value: FlagValue | None = None
    why: str = ""
    percent: float = 100.0
    release: int = 0
    step: float = 0.0
    taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRules:
    """All rules and releases that hold now, by flag and audience; lists of pilots by name."""

    rules: Mapping[tuple[str, str], FlagRule] = field(default_factory=dict)
    releases: Mapping[tuple[str, str], FlagRule] = field(default_factory=dict)
    pilots: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def decide(self, flag: str, subject: Subject) -> Decision:
        """What the flag says to ``subject``."""
        release, step = 0, 0.0
        for audience in self._list_audiences(subject):
            going, rule = self.releases.get((flag, audience)), self.rules.get((flag, audience))
            if going is not None:
                release, step = going.release, going.percent
                if going.includes(subject):
                    return _decide(going, subject, release, step, taken=True)
            if rule is not None and rule.includes(subject):
                return _decide(rule, subject, release, step, taken=False)
        return Decision(release=release, step=step)

    def _list_audiences(self, subject: Subject) -> Iterator[str]:
        person, *others = names = subject.list_names()
        yield person
        for name, members in sorted(self.pilots.items()):
            if members.intersection(names):
                yield f"pilots:{name}"
        yield from others
        yield EVERYBODY


def _decide(rule: FlagRule, subject: Subject, release: int, step: float, *, taken: bool) -> Decision:
    why, percent = rule.explain(subject), rule.percent
    return Decision(value=rule.value, why=why, percent=percent, release=release, step=step, taken=taken)


def compute_place(salt: str, name: str) -> float:
    """Where a name stands between 0 and 100, as good as at random and for one salt always the same."""
    digest = hashlib.sha256(f"{salt}\0{name}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53 * 100


def check_audience(text: str) -> str:
    """The audience as given. Raises FlagError that says how one is written."""
    if _AUDIENCE.fullmatch(text) is None:
        raise FlagError(
            f"{text[:80]!r} is no audience: all, installation:NUMBER, repository:NUMBER, person:NUMBER "
            "or pilots:NAME"
        )
    return text


def check_member(text: str) -> str:
    """The member of a pilot list as given. Raises FlagError that says how one is written."""
    if _MEMBER.fullmatch(text) is None:
        raise FlagError(
            f"{text[:80]!r} is not a pilot: installation:NUMBER, repository:NUMBER or person:NUMBER"
        )
    return text
