"""Days on which people work."""

import calendar
from datetime import date, timedelta

SATURDAY = 5


def is_leap(year):
    """By the Gregorian calendar."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_end(day):
    """The last day of the month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def add_months(day, months):
    """The same day of another month, or the month's last one when it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


class Holidays:
    """Fixed days of the year and single dates."""

    def __init__(self, yearly=(), single=()):
        self._yearly = set(yearly)
        self._single = set(single)

    def __contains__(self, day):
        return (day.month, day.day) in self._yearly or day in self._single

    def add(self, day, every_year=False):
        """One more holiday."""
        if every_year:
            self._yearly.add((day.month, day.day))
        else:
            self._single.add(day)

    def in_year(self, year):
        """All holidays of a year in order; 29 February only where there is one."""
        days = {day for day in self._single if day.year == year}
        for month, number in self._yearly:
            if (month, number) == (2, 29) and not is_leap(year):
                continue
            days.add(date(year, month, number))
        return sorted(days)


def is_workday(day, holidays=None):
    """Monday to Friday, and no holiday."""
    if day.weekday() >= SATURDAY:
        return False
    return holidays is None or day not in holidays


def workdays(first, last, holidays=None):
    """The workdays from ``first`` to ``last``, both included."""
    day = first
    while day <= last:
        if is_workday(day, holidays):
            yield day
        day += timedelta(days=1)


def add_workdays(day, count, holidays=None):
    """The workday that is ``count`` workdays later, or earlier for a negative count."""
    step = timedelta(days=1 if count >= 0 else -1)
    left = abs(count)
    while left:
        day += step
        if is_workday(day, holidays):
            left -= 1
    return day


def iso_week(day):
    """``2024-W05``: the ISO year may differ from the calendar's."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"
