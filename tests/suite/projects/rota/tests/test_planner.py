from datetime import date, datetime, timedelta

import pytest
from rota.planner import Planner, Shift
from rota.span import Span

DAY = date(2024, 6, 3)
NEXT = date(2024, 6, 4)


def early(day=DAY, people=1):
    return Shift.on(day, "early", "06:00", "14:00", people)


def late(day=DAY, people=1):
    return Shift.on(day, "late", "14:00", "22:00", people)


def night(day=DAY):
    return Shift.on(day, "night", "22:00", "06:00")


def test_a_night_ends_on_the_next_day():
    assert night().span == Span(datetime(2024, 6, 3, 22), datetime(2024, 6, 4, 6))


def test_the_least_busy_come_first():
    planner = Planner(["ann", "bob"])
    assert planner.fill([early(), late(), early(NEXT)]) == {}
    assert [shift.name for shift in planner.shifts_of("ann")] == ["early", "early"]
    assert [shift.name for shift in planner.shifts_of("bob")] == ["late"]


def test_what_cannot_be_filled_is_told():
    planner = Planner(["ann", "bob"])
    assert planner.fill([early(people=3), early(NEXT, people=3)]) == {"early": 2}


def test_rest_between_shifts():
    planner = Planner(["ann"])
    planner.assign(late(), "ann")
    assert not planner.can_take("ann", early(NEXT))
    assert planner.can_take("ann", Shift.on(NEXT, "mid", "09:00", "12:00"))
    with pytest.raises(ValueError, match="ann cannot take early"):
        planner.assign(early(NEXT), "ann")


def test_rest_counts_before_a_shift_that_is_there():
    planner = Planner(["ann"])
    planner.assign(early(NEXT), "ann")
    assert not planner.can_take("ann", late())


def test_people_who_are_away():
    planner = Planner(["ann", "bob"])
    planner.absent("ann", Span(datetime(2024, 6, 3, 12), datetime(2024, 6, 3, 13)))
    assert planner.fill([early()]) == {}
    assert planner.shifts_of("ann") == []
    assert len(planner.shifts_of("bob")) == 1


def test_two_planners_share_nothing():
    one, two = Planner(["ann"]), Planner(["ann"])
    one.assign(early(), "ann")
    assert two.shifts_of("ann") == []


def test_strangers():
    with pytest.raises(LookupError, match="zoe does not work here"):
        Planner(["ann"]).assign(early(), "zoe")
    with pytest.raises(LookupError):
        Planner(["ann"]).absent("zoe", early().span)


def test_hours():
    planner = Planner(["ann"], rest=timedelta(0))
    planner.fill([early(), late()])
    assert planner.hours("ann") == 16.0
    assert Planner(["bob"]).hours("bob") == 0


def test_swapping():
    planner = Planner(["ann", "bob"])
    planner.assign(early(), "ann")
    planner.swap("ann", "bob", "early")
    assert planner.shifts_of("ann") == []
    assert planner.shifts_of("bob") == [early()]


def test_a_swap_that_fails_changes_nothing():
    planner = Planner(["ann", "bob"])
    planner.assign(early(), "ann")
    planner.assign(late(), "bob")
    with pytest.raises(ValueError, match="bob cannot take"):
        planner.swap("ann", "bob", "early")
    assert planner.shifts_of("ann") == [early()]
    with pytest.raises(LookupError, match="no shift night"):
        planner.swap("ann", "bob", "night")


def test_load():
    planner = Planner(["ann", "bob"])
    planner.fill([early(people=2), night(NEXT)])
    assert planner.load() == {"early": 2, "night": 1}
