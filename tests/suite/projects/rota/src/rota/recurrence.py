"""Rules such as ``every 2 weeks on mon, thu until 2024-12-31``."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from rota.calendar import add_months

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_RULE = re.compile(
    r"every\s+(?:(?P<count>\d+)\s+)?(?P<unit>day|week|month)s?"
    r"(?:\s+on\s+(?P<days>[a-z]{3}(?:\s*,\s*[a-z]{3})*))?"
    r"(?:\s+until\s+(?P<until>\d{4}-\d{2}-\d{2}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rule:
    """Every ``count`` units; ``days`` are weekdays from 0 for Monday, for weeks only."""

    unit: str
    count: int = 1
    days: tuple[int, ...] = ()
    until: date | None = None

    def dates(self, start):
        """The days from ``start`` on; without end when there is no ``until``."""
        for day in self._all(start):
            if self.until is not None and day > self.until:
                return
            yield day

    def _all(self, start):
        if self.unit == "day":
            yield from _steps(start, timedelta(days=self.count))
        elif self.unit == "month":
            index = 0
            while True:
                yield add_months(start, index * self.count)
                index += 1
        else:
            yield from self._weekly(start)

    def _weekly(self, start):
        days = self.days or (start.weekday(),)
        monday = start - timedelta(days=start.weekday())
        for week in _steps(monday, timedelta(weeks=self.count)):
            for weekday in days:
                day = week + timedelta(days=weekday)
                if day >= start:
                    yield day

    def first(self, start, count):
        """At most ``count`` days as a list."""
        return list(islice(self.dates(start), count))


def _steps(day, step):
    while True:
        yield day
        day += step


def parse_rule(text):
    """Raises ValueError that says what is wrong with the text."""
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a rule: {text!r}")
    count = int(found["count"] or 1)
    if count == 0:
        raise ValueError("every 0 units is never")
    unit = found["unit"].lower()
    if found["days"] and unit != "week":
        raise ValueError("weekdays go with weeks only")
    return Rule(unit, count, _weekdays(found["days"]), _date(found["until"]))


def _weekdays(text):
    if text is None:
        return ()
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name not in DAYS:
            raise ValueError(f"no weekday is called {name!r}")
    return tuple(sorted({DAYS.index(name) for name in names}))


def _date(text):
    return None if text is None else date.fromisoformat(text)
