from datetime import date

import pytest
from rota.calendar import (
    Holidays,
    add_months,
    add_workdays,
    is_leap,
    is_workday,
    iso_week,
    month_end,
    workdays,
)

HOLIDAYS = Holidays(yearly=[(12, 25), (12, 26), (2, 29)], single=[date(2024, 5, 9)])


@pytest.mark.parametrize(("year", "leap"), [(2000, True), (1900, False), (2024, True), (2023, False)])
def test_leap_years(year, leap):
    assert is_leap(year) is leap


def test_month_ends():
    assert month_end(date(2024, 2, 3)) == date(2024, 2, 29)
    assert month_end(date(2024, 12, 31)) == date(2024, 12, 31)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 11, 15), 2, date(2025, 1, 15)),
        (date(2024, 12, 1), 0, date(2024, 12, 1)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
    ],
)
def test_adding_months(day, months, expected):
    assert add_months(day, months) == expected


def test_holidays():
    assert date(2031, 12, 25) in HOLIDAYS
    assert date(2024, 5, 9) in HOLIDAYS
    assert date(2025, 5, 9) not in HOLIDAYS


def test_holidays_of_a_year():
    assert HOLIDAYS.in_year(2024) == [
        date(2024, 2, 29),
        date(2024, 5, 9),
        date(2024, 12, 25),
        date(2024, 12, 26),
    ]
    assert HOLIDAYS.in_year(2025) == [date(2025, 12, 25), date(2025, 12, 26)]


def test_adding_holidays():
    holidays = Holidays()
    holidays.add(date(2024, 7, 1))
    holidays.add(date(2024, 8, 1), every_year=True)
    assert holidays.in_year(2025) == [date(2025, 8, 1)]
    assert date(2024, 7, 1) in holidays


def test_weekends_and_holidays_are_no_workdays():
    assert is_workday(date(2024, 5, 10))
    assert not is_workday(date(2024, 5, 11))
    assert not is_workday(date(2024, 5, 12))
    assert not is_workday(date(2024, 5, 9), HOLIDAYS)
    assert is_workday(date(2024, 5, 9))


def test_both_ends_are_included():
    assert list(workdays(date(2024, 5, 8), date(2024, 5, 13), HOLIDAYS)) == [
        date(2024, 5, 8),
        date(2024, 5, 10),
        date(2024, 5, 13),
    ]


def test_workdays_later_and_earlier():
    assert add_workdays(date(2024, 5, 8), 2, HOLIDAYS) == date(2024, 5, 13)
    assert add_workdays(date(2024, 5, 13), -2, HOLIDAYS) == date(2024, 5, 8)
    assert add_workdays(date(2024, 5, 8), 0) == date(2024, 5, 8)


def test_the_iso_year_may_differ():
    assert iso_week(date(2024, 12, 30)) == "2025-W01"
    assert iso_week(date(2024, 2, 1)) == "2024-W05"
