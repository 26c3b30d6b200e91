from datetime import date

import pytest
from rota.recurrence import Rule, parse_rule

MONDAY = date(2024, 6, 3)


def test_every_day():
    assert parse_rule("every day").first(MONDAY, 3) == [date(2024, 6, 3), date(2024, 6, 4), date(2024, 6, 5)]


def test_every_other_day_until():
    rule = parse_rule("every 2 days until 2024-06-07")
    assert list(rule.dates(MONDAY)) == [date(2024, 6, 3), date(2024, 6, 5), date(2024, 6, 7)]


def test_weekdays_of_every_other_week():
    rule = parse_rule("every 2 weeks on thu, Mon")
    assert rule.days == (0, 3)
    assert rule.first(MONDAY, 4) == [date(2024, 6, 3), date(2024, 6, 6), date(2024, 6, 17), date(2024, 6, 20)]


def test_days_before_the_start_are_left_out():
    rule = parse_rule("every week on mon, wed")
    assert rule.first(date(2024, 6, 4), 2) == [date(2024, 6, 5), date(2024, 6, 10)]


def test_a_week_without_days_keeps_the_weekday_of_the_start():
    assert Rule("week").first(date(2024, 6, 5), 2) == [date(2024, 6, 5), date(2024, 6, 12)]


def test_the_31st_comes_back_after_short_months():
    days = parse_rule("every month").first(date(2024, 1, 31), 3)
    assert days == [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)]


def test_every_three_months():
    assert parse_rule("every 3 months").first(date(2024, 11, 1), 2) == [date(2024, 11, 1), date(2025, 2, 1)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("each day", "not a rule"),
        ("every 0 days", "never"),
        ("every week on mon, xyz", "no weekday is called 'xyz'"),
        ("every month on mon", "weeks only"),
        ("every day until tomorrow", "not a rule"),
    ],
)
def test_what_is_wrong_is_said(text, words):
    with pytest.raises(ValueError, match=words):
        parse_rule(text)


def test_case_and_space_do_not_matter():
    assert parse_rule("  Every  WEEK on MON ,fri ") == Rule("week", 1, (0, 4))
