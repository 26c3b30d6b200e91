"""Who takes which shift."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from rota.span import Span, total


@dataclass(frozen=True)
class Shift:
    """A named span that needs ``people``."""

    name: str
    span: Span
    people: int = 1

    @classmethod
    def on(cls, day, name, begin, end, people=1):
        """From ``begin`` to ``end`` given as ``HH:MM``; an end not after the begin is on the next day."""
        start = datetime.combine(day, time.fromisoformat(begin))
        stop = datetime.combine(day, time.fromisoformat(end))
        if stop <= start:
            stop += timedelta(days=1)
        return cls(name, Span(start, stop), people)


@dataclass
class Planner:
    """Gives shifts to people: nobody twice at once, enough rest, the least busy first."""

    staff: list[str]
    rest: timedelta = timedelta(hours=11)
    away: dict[str, list[Span]] = field(default_factory=dict)
    plan: dict[str, list[Shift]] = field(default_factory=dict)

    def absent(self, person, span):
        """``person`` cannot work in that time."""
        self._known(person)
        self.away.setdefault(person, []).append(span)

    def _known(self, person):
        if person not in self.staff:
            raise LookupError(f"{person} does not work here")

    def shifts_of(self, person):
        """In the order in which they begin."""
        return sorted(self.plan.get(person, []), key=lambda shift: shift.span.start)

    def hours(self, person):
        """How many hours a person has in the plan."""
        spans = [shift.span for shift in self.plan.get(person, [])]
        return total(spans) / timedelta(hours=1)

    def can_take(self, person, shift):
        """Neither away nor at work, with enough rest before and after."""
        if any(span.overlaps(shift.span) for span in self.away.get(person, [])):
            return False
        guarded = Span(shift.span.start - self.rest, shift.span.end + self.rest)
        return not any(other.span.overlaps(guarded) for other in self.plan.get(person, []))

    def assign(self, shift, person):
        """Raises LookupError for a stranger, ValueError when the person cannot."""
        self._known(person)
        if not self.can_take(person, shift):
            raise ValueError(f"{person} cannot take {shift.name}")
        self.plan.setdefault(person, []).append(shift)

    def fill(self, shifts):
        """Assign as many as possible, earliest first; returns {shift name: people still missing}."""
        missing = {}
        for shift in sorted(shifts, key=lambda shift: (shift.span.start, shift.name)):
            wanted = shift.people
            for person in self._by_load():
                if wanted == 0:
                    break
                if self.can_take(person, shift):
                    self.assign(shift, person)
                    wanted -= 1
            if wanted:
                missing[shift.name] = missing.get(shift.name, 0) + wanted
        return missing

    def _by_load(self):
        return sorted(self.staff, key=lambda person: (self.hours(person), self.staff.index(person)))

    def swap(self, one, other, name):
        """Hand the shift ``name`` of ``one`` to ``other``; the plan is unchanged when that fails."""
        held = [shift for shift in self.plan.get(one, []) if shift.name == name]
        if not held:
            raise LookupError(f"{one} has no shift {name}")
        shift = held[0]
        self.assign(shift, other)
        self.plan[one].remove(shift)

    def load(self):
        """{name of shift: how often}, over everybody."""
        return Counter(shift.name for shifts in self.plan.values() for shift in shifts)
