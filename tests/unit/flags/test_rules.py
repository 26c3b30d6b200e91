"""What a flag says to whom: audiences, percentages, values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flags.known import KNOWN, FlagError, parse_value
from bot.flags.order import parse_flag_value, parse_percent
from bot.flags.rules import FlagRule, FlagRules, Subject, Unit, check_audience, check_member, compute_place

WHO = Subject(installation=5, repository=11, person=7, thread=3)


def rules(*given: FlagRule, going: FlagRule | None = None, **pilots: frozenset[str]) -> FlagRules:
    return FlagRules(
        rules={(each.flag, each.audience): each for each in given},
        releases={(going.flag, going.audience): going} if going else {},
        pilots=pilots,
    )


def test_the_nearest_audience_counts() -> None:
    order = ["person:7", "pilots:early", "repository:11", "installation:5", "all"]
    every = [FlagRule(flag="model", audience=audience, value=audience) for audience in order]
    while every:
        now = rules(*every, early=frozenset(["installation:5"]))
        decided = now.decide("model", WHO)
        assert decided.value == order[len(order) - len(every)]
        everybody = decided.value == "all"
        assert decided.why == "by flag `model`" + ("" if everybody else f" for {decided.value}")
        every.pop(0)
    assert rules().decide("model", WHO).value is None
    other = FlagRule(flag="model", audience="pilots:early", value="x")
    assert rules(other, early=frozenset(["person:8"])).decide("model", WHO).value is None
    assert rules(other).decide("model", WHO).value is None, "a list that nobody is on"


@given(st.integers(0, 10**6), st.floats(0, 100), st.floats(0, 100))
def test_a_rising_percentage_only_adds(repository: int, one: float, other: float) -> None:
    low, high = sorted([one, other])
    who = replace(WHO, repository=repository)
    rule = FlagRule(flag="model", audience="all", value="x", percent=low)
    assert not rule.includes(who) or replace(rule, percent=high).includes(who)
    assert replace(rule, percent=100).includes(who) and not replace(rule, percent=0).includes(who)


@pytest.mark.parametrize("unit", list(Unit))
def test_a_percentage_is_of_its_unit(unit: Unit) -> None:
    """Ten per cent of 2,000 are between 160 and 240; those who share a unit share their fate."""
    rule = FlagRule(flag="model", audience="all", value="x", percent=10, unit=unit)
    subjects = [replace(WHO, **{unit.value: number}) for number in range(2000)]
    inside = [rule.includes(each) for each in subjects]
    assert 160 < sum(inside) < 240
    other = replace(WHO, **{each.value: 99 for each in Unit if each is not unit})
    if unit is not Unit.THREAD:
        shared = [rule.includes(replace(other, **{unit.value: number})) for number in range(2000)]
        assert shared == inside


def test_flags_and_releases_choose_independently() -> None:
    """Whoever is in 10% of one is in 10% of another about once in ten."""
    both = sum(
        compute_place("model", str(n)) < 10 and compute_place("prompt", str(n)) < 10 for n in range(9000)
    )
    assert 50 < both < 140


def test_a_release_goes_before_the_rule_and_marks_the_rest() -> None:
    rule = FlagRule(flag="model", audience="all", value="old")
    going = FlagRule(flag="model", audience="all", value="new", percent=30, unit=Unit.THREAD, release=4)
    now = rules(rule, going=going)
    made = [now.decide("model", replace(WHO, thread=number)) for number in range(300)]
    assert {(each.value, each.release, each.taken) for each in made} == {("new", 4, True), ("old", 4, False)}
    assert 60 < sum(each.taken for each in made) < 120
    taken = next(each for each in made if each.taken)
    assert taken.why == "since this thread is in the 30% of the release of flag `model`"
    nearer = FlagRule(flag="model", audience="person:7", value="mine")
    assert rules(nearer, rule, going=going).decide("model", WHO).release == 0, "nobody's twin is compared"


@pytest.mark.parametrize(
    ("flag", "text", "value"),
    [
        ("model", " anthropic:new ", "anthropic:new"), ("attempts", "2", 2.0), ("usd", "0.5", 0.5),
        ("internet", "Off", False), ("paused", "yes", True), ("prompt", "v2", "v2"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_its_flag_takes_it(flag: str, text: str, value: object) -> None:
    assert parse_value(flag, text) == value and type(parse_value(flag, text)) is KNOWN[flag].kind


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("modle", "x"), ("model", ""), ("model", "a b"), ("model", "a\nb"), ("model", "x" * 201),
        ("attempts", "0"), ("attempts", "2.5"), ("attempts", "99"), ("usd", "nan"), ("usd", "inf"),
        ("turns", "many"), ("internet", "maybe"), ("prompt", "../system"), ("prompt", "a/b"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_named(flag: str, text: str) -> None:
    with pytest.raises(FlagError):
        parse_value(flag, text)


def test_a_model_is_one_that_the_operator_allows() -> None:
    assert parse_flag_value("model", "a,b", {"a", "b"}) == "a,b"
    with pytest.raises(FlagError, match="HOB_MODELS does not name c"):
        parse_flag_value("model", "a,c", {"a", "b"})


@pytest.mark.parametrize(
    "text", ["", "All", "all\n", "person:", "person:-1", "pilots:A", "repository:\u0661"]
)
def test_what_is_no_audience(text: str) -> None:
    with pytest.raises(FlagError, match="is no audience"):
        check_audience(text)
    with pytest.raises(FlagError, match="is not a pilot"):
        check_member(text)


@pytest.mark.parametrize("text", ["", "-1", "100.1", "nan", "ten"])
def test_what_is_no_percentage(text: str) -> None:
    assert parse_percent("12.5%") == 12.5
    with pytest.raises(FlagError):
        parse_percent(text)
